"""Closing a month of an offering, or of all of a provider's, and opening it again."""

from flask import Response

from web.dashboard.asking import Answer
from web.dashboard.formats import month
from web.dashboard.frame import done, linked, page, pages
from web.dashboard.pages.billing.months import PATH
from web.dashboard.pages.scopes import shown
from web.dashboard.writing.forms import Form, sent

blueprint = pages("closing")

CLOSE, REOPEN = "close", "reopen"

SAID = {CLOSE: "was closed", REOPEN: "was opened again"}

SCOPES = {"offerings": "offering", "providers": "provider"}
"""What the API calls whose month it is, by kind of page."""


@page(blueprint, "/<any(offerings, providers):kind>/<uuid>/", methods=["POST"])
def change(kind: str, uuid: str) -> Response:
    form = sent((CLOSE, REOPEN), "month", "note")
    answer = form.send(f"{PATH}{form.step}/", form.said | {SCOPES[kind]: uuid})
    if isinstance(answer, Form):
        return shown(kind, uuid, answer)
    return done(_said(form.step, answer), linked("scope_pages.scope", kind=kind, uuid=uuid))


def _said(step: str, answer: Answer) -> str:
    """Return what was done. Of a provider's offerings those are named that are so now."""
    meant = [row["offering_name"] for row in answer.data if row["is_closed"] == (step == CLOSE)]
    offerings = ", ".join(sorted(meant))
    name = month(answer.data[0]["billing_period"])
    if answer.status == 200:
        return f"{name} {SAID[step]} already for {offerings}. Nothing was done."
    return f"{name} {SAID[step]} for {offerings}."
