"""Forms that write: what was typed is sent to the API, and what it refuses is told beside it.

A page's forms are sent to the page's own address, and name their step. Whatever may be done, and by whom, is
the API's to say: a form is offered where it would probably be taken, and nothing is checked here. As a page
that refused something can be opened again by its address, nothing is sent twice but by a reload, and a step
that was made already is refused by the API.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flask import request
from marshmallow import ValidationError
from werkzeug.exceptions import LengthRequired

from web.dashboard.asking import Answer, Refused
from web.dashboard.errors import messages_in
from web.dashboard.frame import SignInFirst, here
from web.request.services import current

AT_THE_FORM = (400, 403, 404, 409, 413, 422, 429, 503)
"""Statuses of the API that leave the page as it was. Of others nobody can say what was done."""

IN_CHUNKS = "Send a form with a Content-Length: in chunks, half of it would look whole."

STEP = "step"


class Form(NamedTuple):
    """What was typed into a form, and what the API has against it."""

    step: str = ""
    typed: Mapping[str, str] = {}
    status: int = 200
    errors: Mapping[str, Sequence[str]] = {}
    """By the name of the input, those of the whole form under an empty one."""

    @property
    def said(self) -> dict[str, str]:
        """Return what was typed, without what was left empty."""
        return {name: text for name, text in self.typed.items() if text}

    def send(self, path: str, body: Any) -> "Answer | Form":
        """Return the answer to a POST of this body below `/api/`, or the form with the API's refusal.

        Raises Refused where that can't be told beside it.
        """
        try:
            return here().asker.send(path, body)
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
        return self._replace(status=refusal.status, errors=errors)

    def _told(self, body: Any) -> Iterator[tuple[str, str]]:
        """Yield the messages of a body, each with the input that it is about."""
        by_name = body if isinstance(body, dict) else {"detail": body}
        for name, told in by_name.items():
            if name in self.typed:
                yield from ((name, message) for message in messages_in(told))
            else:
                yield from (("", message) for message in messages_in({name: told}))


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
