"""Proposing corrections: of a figure on its page, and of many at once."""

from decimal import Decimal
from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from web.dashboard.asking import Answer
from web.dashboard.formats import decimal
from web.dashboard.frame import done, here, linked, page, pages, show
from web.dashboard.pages.billing.corrections import PATH, nothing_yet
from web.dashboard.pages.figures import shown
from web.dashboard.writing.forms import EMPTY, ITEMS, KEY, Form, sent
from web.dashboard.writing.items import items_of

blueprint = pages("proposing")

PROPOSE = "propose"

WORDS = ("title", "reason", "ticket")

FILE = "file"

EITHER = "Paste items, or choose a file: both were sent, and nothing was proposed."

ALREADY = "You had proposed it already. Nothing was done."

OTHERWISE = (
    "You proposed it, and it would not make that figure what you typed: see what would change. Reject it if"
    " you did not mean that."
)


@page(blueprint, "/figures/<uuid>/", methods=["POST"])
def of_figure(uuid: str) -> Response:
    form = sent([PROPOSE], "amount", *WORDS, KEY)
    found = here().asker.ask(f"marketplace-component-usages/{uuid}/").data
    answer = form.send(PATH, _words(form) | {ITEMS: [_item(found, form.typed["amount"])]})
    if isinstance(answer, Form):
        return shown(uuid, answer)
    (item,) = answer.data["items"]
    return _proposed(answer, is_meant=_is_as_typed(item, found["uuid"], form.typed["amount"]))


@page(blueprint, "/corrections/propose/")
def proposal() -> Response:
    return show("propose.html", form=EMPTY)


@page(blueprint, "/corrections/propose/", methods=["POST"])
def of_many() -> Response:
    form = sent([PROPOSE], ITEMS, FILE, *WORDS, KEY)
    file = request.files.get(FILE)
    data = file.read() if file else b""
    try:
        if data and form.typed[ITEMS]:
            raise ValidationError([EITHER])
        items = items_of(data or form.typed[ITEMS].encode())
    except ValidationError as error:
        refused = form._replace(status=400, errors={ITEMS: [f"{each}" for each in error.messages]})
        return show("propose.html", refused.status, form=refused)
    answer = form.send(PATH, _words(form) | {ITEMS: items})
    if isinstance(answer, Form):
        return show("propose.html", answer.status, form=answer)
    return _proposed(answer)


def _words(form: Form) -> dict[str, Any]:
    return {name: text for name, text in form.said.items() if name in WORDS}


def _proposed(answer: Answer, *, is_meant: bool = True) -> Response:
    said = (
        (f"You proposed it. {nothing_yet()}" if is_meant else OTHERWISE) if answer.status == 201 else ALREADY
    )
    return done(said, linked("corrections.correction", uuid=answer.data["uuid"]))


def _item(found: dict[str, Any], amount: str) -> dict[str, Any]:
    """Return the item that is about a figure.

    Where the resource's plan changed within the month there are several, and the plan period is named if the
    API tells it, which it does of this month. Of others it follows from when the figure was measured.
    """
    is_within = found["date"][:7] == found["billing_period"][:7]
    return {
        "resource": found["resource_uuid"],
        "type": found["type"],
        "date": found["date"] if is_within else found["billing_period"],
        "amount": amount,
        **_plan_period(found),
    }


def _plan_period(found: dict[str, Any]) -> dict[str, str]:
    periods = here().asker.ask_if_allowed(f"marketplace-resources/{found['resource_uuid']}/plan_periods/")
    return next(
        (
            {"plan_period": each["uuid"]}
            for each in (periods.data if periods else ())
            if found["uuid"] in [component["uuid"] for component in each["components"]]
        ),
        {},
    )


def _is_as_typed(item: dict[str, Any], uuid: str, amount: str) -> bool:
    """Return whether an item makes that figure what was typed."""
    return item["uuid"] == uuid and decimal(item["usage_after"]) == Decimal(amount)
