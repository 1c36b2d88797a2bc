"""Forms that write: what was typed is sent to the API, and what it refuses is told beside it.

A page's forms are sent to the page's own address, and name their step. Whatever may be done, and by whom, is
the API's to say: a form is offered where it would probably be taken, and nothing is checked here. As a page
that refused something can be opened again by its address, nothing is sent twice but by a reload, and a step
that was made already is refused by the API.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flask import request
from marshmallow import ValidationError
from werkzeug.exceptions import LengthRequired

from web.dashboard.asking import Answer, Refused
from web.dashboard.errors import messages_in
from web.dashboard.frame import SignInFirst, here
from web.request.services import current

AT_THE_FORM = (400, 403, 404, 409, 412, 413, 422, 429, 503)
"""Statuses of the API that leave the page as it was. Of others nobody can say what was done."""

IN_CHUNKS = "Send a form with a Content-Length: in chunks, half of it would look whole."

STEP = "step"

KEY = "key"
"""The input with the key that a form is known again by."""

ITEMS = "items"
"""The input with many items; without it a form is about one."""

MOST_REFUSED = 20
"""How many items are told of."""


class Form(NamedTuple):
    """What was typed into a form, and what the API has against it."""

    step: str = ""
    typed: Mapping[str, str] = {}
    status: int = 200
    errors: Mapping[str, Sequence[str]] = {}
    """By the name of the input, those of the whole form under an empty one."""
    told: Any = None
    """The refusal of the API, as it was answered; None where there is none."""

    @property
    def said(self) -> dict[str, str]:
        """Return what was typed, without what was left empty."""
        return {name: text for name, text in self.typed.items() if text}

    def of(self, step: str) -> "Form":
        """Return the form if it was of this step, of several on a page, else an empty one."""
        return self if self.step == step else EMPTY

    def send(self, path: str, body: Any) -> "Answer | Form":
        """Return the answer to a POST of this body below `/api/`, or the form with the API's refusal.

        A form with a key is done once, however often it is sent. Raises Refused where a refusal can't be
        told beside the form.
        """
        try:
            return here().asker.send(path, body, self.typed.get(KEY, ""))
        except Refused as refusal:
            return self.refused(refusal)

    def refused(self, refusal: Refused) -> "Form":
        """Return the form with a refusal of the API. Raises Refused, SignInFirst."""
        if refusal.status == 401:
            raise SignInFirst
        if refusal.status not in AT_THE_FORM:
            raise refusal
        errors: dict[str, list[str]] = {}
        for name, message in self._told(refusal.body):
            errors.setdefault(name, []).append(message)
        return self._replace(status=refusal.status, errors=errors, told=refusal.body)

    def _told(self, body: Any) -> Iterator[tuple[str, str]]:
        """Yield the messages of a body, each with the input that it is about."""
        by_name = body if isinstance(body, dict) else {"detail": body}
        for name, told in by_name.items():
            if name == ITEMS and isinstance(told, list):
                yield from self._told_of_items(told)
            elif name in self.typed:
                yield from ((name, message) for message in messages_in(told))
            else:
                yield from (("", message) for message in messages_in({name: told}))

    def _told_of_items(self, told: list[Any]) -> Iterator[tuple[str, str]]:
        """Yield what is told of each item: of the only one by its inputs, else by its place in the list.

        Of the list as a whole messages are told, and no objects.
        """
        if told and isinstance(told[0], str):
            yield from ((ITEMS, message) for message in told)
            return
        if ITEMS not in self.typed:
            yield from self._told(told[0] if told else None)
            return
        refused = [(place, each) for place, each in enumerate(told) if each]
        for place, each in refused[:MOST_REFUSED]:
            yield from ((ITEMS, f"place {place}: {message}") for message in messages_in(each))
        if len(refused) > MOST_REFUSED:
            yield ITEMS, f"{len(refused) - MOST_REFUSED} more are refused."


def new_key() -> str:
    """Return the key of a form that is sent for the first time."""
    return secrets.token_hex(16)


EMPTY = Form()
"""A form that was not sent."""


def sent(steps: Sequence[str], *names: str) -> Form:
    """Return the form of the request, with inputs of these names. Raises ValidationError, LengthRequired."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired(IN_CHUNKS)
    typed = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in names}
    current().note_received()
    if unknown := sorted({*request.form, *request.files} - {*names, STEP}):
        raise ValidationError({name: ["Unknown field."] for name in unknown})
    step = request.form.get(STEP, "")
    if step not in steps:
        raise ValidationError({STEP: [f"Must be one of: {', '.join(steps)}."]})
    return Form(step, typed)
