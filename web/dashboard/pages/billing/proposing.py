"""Proposing corrections: of a figure on its page, and of many at once."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from web.dashboard.asking import Answer
from web.dashboard.formats import decimal
from web.dashboard.frame import done, here, linked, page, pages, show
from web.dashboard.pages.billing.corrections import PATH
from web.dashboard.pages.figures import others_of, shown
from web.dashboard.writing.forms import EMPTY, ITEMS, KEY, Form, sent
from web.dashboard.writing.items import items_of

blueprint = pages("proposing")

PROPOSE = "propose"

WORDS = ("title", "reason", "ticket")

FILE = "file"

SAID = {
    201: "You proposed it. Nothing has changed yet: somebody else is to approve it.",
    200: "You had proposed it already. Nothing was done.",
}
"""By the status of the API."""


@page(blueprint, "/figures/<uuid>/", methods=["POST"])
def of_figure(uuid: str) -> Response:
    form = sent([PROPOSE], "amount", *WORDS, KEY)
    found = here().asker.ask(f"marketplace-component-usages/{uuid}/").data
    answer = form.send(PATH, _words(form) | {ITEMS: [_item(found, form.typed["amount"])]})
    return shown(uuid, answer) if isinstance(answer, Form) else _proposed(answer)


@page(blueprint, "/corrections/propose/")
def proposal() -> Response:
    return show("propose.html", form=EMPTY)


@page(blueprint, "/corrections/propose/", methods=["POST"])
def of_many() -> Response:
    form = sent([PROPOSE], ITEMS, FILE, *WORDS, KEY)
    file = request.files.get(FILE)
    try:
        items = items_of((file and file.read()) or form.typed[ITEMS].encode())
    except ValidationError as error:
        refused = form._replace(status=400, errors={ITEMS: [f"{each}" for each in error.messages]})
        return show("propose.html", refused.status, form=refused)
    answer = form.send(PATH, _words(form) | {ITEMS: items})
    if isinstance(answer, Form):
        return show("propose.html", answer.status, form=answer)
    return _proposed(answer)


def _words(form: Form) -> dict[str, Any]:
    return {name: text for name, text in form.said.items() if name in WORDS}


def _proposed(answer: Answer) -> Response:
    return done(SAID[answer.status], linked("corrections.correction", uuid=answer.data["uuid"]))


def _item(found: dict[str, Any], amount: str) -> dict[str, Any]:
    """Return the item that makes a figure what was typed.

    The API takes the total of the month, and where the plan changed within it the figures of the other plans
    are a part of that. Which plan it is follows from the moment that the figure was measured at.
    """
    try:
        others = sum((decimal(each["usage"]) for each in others_of(found)), Decimal(0))
        amount = f"{Decimal(amount) + others}" if others else amount
    except InvalidOperation:
        pass  # the API says what is wrong with it
    is_within = found["date"][:7] == found["billing_period"][:7]
    return {
        "resource": found["resource_uuid"],
        "type": found["type"],
        "date": found["date"] if is_within else found["billing_period"],
        "amount": amount,
    }
