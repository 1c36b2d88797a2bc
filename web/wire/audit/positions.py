"""Parameters that name a point of the journal: a position, or a time that stands for one."""

import re
from datetime import datetime

from marshmallow import ValidationError

DIGITS = re.compile(r"[0-9]+")
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:(?P<second>[0-5]\d|60)(?P<fraction>\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)

MOST_DIGITS = 18
"""No journal has a position with more of them."""

MALFORMED = "Enter a position of the journal or an RFC 3339 time."
BEYOND = "The journal has not got that far."
IN_THE_FUTURE = "Must not be in the future."


def position_or_time(text: str) -> int | datetime:
    """Return the position, or the aware time, that a parameter says. Raises ValidationError for neither."""
    if DIGITS.fullmatch(text):
        digits = text.lstrip("0")[: MOST_DIGITS + 1]
        return int(digits or "0")
    try:
        return time_of(text)
    except ValueError:
        raise ValidationError(MALFORMED) from None


def time_of(text: str) -> datetime:
    """Return the aware time that is written in RFC 3339. Raises ValueError.

    It is cut off to the microsecond: facts have no more. A leap second is the end of its minute.
    """
    found = RFC_3339.fullmatch(text)
    if found is None:
        raise ValueError("Is not written in RFC 3339")
    text = text.upper()
    if found["second"] == "60":
        start, end = found.start("second"), found.end("fraction" if found["fraction"] else "second")
        text = f"{text[:start]}59.999999{text[end:]}"
    return datetime.fromisoformat(text)
