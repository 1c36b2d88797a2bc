"""`Ledger-Expect`: the position at which a writer saw the figure that a report is about."""

from typing import Any

from flask import request
from marshmallow import ValidationError, fields

from web.wire.errors import BadHeader
from web.wire.fields import REQUIRED

HEADER = "Ledger-Expect"
A_POSITION = "be a position: a whole number from 0 on."
MOST_DIGITS = 18


def expected() -> int | None:
    """The position in the header of the request, None without one. Raises BadHeader."""
    header = request.headers.get(HEADER)
    if header is None:
        return None
    position = position_of(header)
    if position is None:
        raise BadHeader(f"{HEADER} must {A_POSITION}")
    return position


def refuse_expected() -> None:
    """Raises BadHeader if a request of many reports has the header, which is of one."""
    if HEADER in request.headers:
        raise BadHeader(f"{HEADER} is for a single report: here each has its own, as `expect`.")


def position_of(value: Any) -> int | None:
    """A position as JSON or a table writes it, None for anything else."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_whole = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if is_whole else None


class Position(fields.Field[int]):
    """A position in the journal."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        position = position_of(value)
        if position is None:
            raise ValidationError(f"Must {A_POSITION}")
        return position
