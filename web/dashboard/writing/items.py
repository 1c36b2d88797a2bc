"""Items of a correction as people paste or upload them: JSON, JSON line by line, or CSV with a header."""

from io import BytesIO
from typing import Any

from marshmallow import ValidationError

from web.sender.lines import Lines, UnreadableFile
from web.sender.tables import Table
from web.wire.body import to_send_on
from web.wire.errors import MalformedBody

NONE = "Paste items, or choose a file."
MOST_TOLD = 20


def items_of(data: bytes) -> list[Any]:
    """Return the items of a JSON array, of JSON line by line, or of CSV. Raises ValidationError.

    Nothing of it is left out: one row that can't be read refuses all of it.
    """
    begin = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not begin:
        raise ValidationError([NONE])
    if not begin.startswith((b"[", b"{")):
        return _rows(data)
    try:
        if begin.startswith(b"{"):
            return [to_send_on(line) for line in begin.splitlines() if line.strip()]
        items: list[Any] = to_send_on(begin)
    except MalformedBody as error:
        raise ValidationError([f"Can't be read as JSON: {error}"]) from None
    return items


def _rows(data: bytes) -> list[Any]:
    try:
        rows = list(Table(Lines(BytesIO(data), old_ends=True)))
    except UnreadableFile as error:
        raise ValidationError([f"Can't be read as CSV: {error}."]) from None
    wrong = [f"line {row.line}: {message}" for row in rows for message in _texts(row.errors)]
    if wrong:
        raise ValidationError(wrong[:MOST_TOLD])
    return [to_send_on(row.body) for row in rows]


def _texts(errors: dict[str, Any] | None) -> list[str]:
    """Return what is wrong with a row, each with the name of its cell."""
    return [
        f"{name}: {text}" if name != "detail" else text
        for name, told in (errors or {}).items()
        for text in (told if isinstance(told, list) else [told])
    ]
