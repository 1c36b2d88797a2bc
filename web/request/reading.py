"""Reads a request of reports: its body, as plain values, and its headers `Ledger-Expect` and `Ledger-Reason`.

What is too much is refused before its bytes become values.

A report that builds on what its writer has read names the position of that answer: in `Ledger-Expect`, or as
`expect` of a bulk item. If the figure has changed since, it is refused: a 412, or the item's outcome.

Why it is reported is said in `Ledger-Reason`, or as `reason` of a bulk item, which stands over the header. It
is kept in the facts. A report that changes nothing has none, and its reason is not kept.
"""

import math
import re
from typing import Any
from urllib.parse import unquote

from flask import request
from marshmallow import ValidationError
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge

from web.limits.memory import SMALL
from web.request.authentication import caller, token_sent
from web.request.services import current, services
from web.wire.audit.reasons import reason_of
from web.wire.body import NON_FIELD, from_form, from_json, json_line, not_a_dictionary, not_a_list, only_once
from web.wire.bounds import check_fields, check_values, lines_of
from web.wire.errors import BadHeader, MalformedBody, UnsupportedMediaType
from web.wire.fields import A_POSITION, position_of

EXPECT, REASON = "Ledger-Expect", "Ledger-Reason"

PERCENT_ENCODED = re.compile("(?:[ -$&-~]|%[0-9A-Fa-f]{2})+")
NOT_ENCODED = f"{REASON} must be text in UTF-8, percent-encoded where it is not ASCII."

LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
ENCODED = "application/x-www-form-urlencoded"
IN_CHUNKS = "Send a form, or lines, with a Content-Length: in chunks, half of it would look whole."
FORMS = (ENCODED, "multipart/form-data")


def read_object(listed: str) -> dict[str, Any]:
    """Return the body of the request, an object. An error about its size is of the field `listed`.

    A key that is there twice is refused where unknown ones are; else the last one counts, as in Waldur.
    Raises MalformedBody, UnsupportedMediaType, ValidationError, Busy, and RecursionError for JSON that is
    nested too deeply.
    """
    body = _values(listed)
    if body is None:
        raise ValidationError({NON_FIELD: ["No data provided"]})
    if not isinstance(body, dict):
        raise ValidationError({NON_FIELD: [not_a_dictionary(body)]})
    return body


def read_whole(listed: str) -> dict[str, Any]:
    """Return the body of the request, a JSON object. An error about its size is of the field `listed`.

    An object in it that says something twice is a MalformedBody in its place. Raises as `read_items` does.
    """
    data = body_bytes()
    if data and request.mimetype != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    _admit(check_values(data, listed))
    body = json_line(data) if data else {}
    if isinstance(body, MalformedBody):
        raise body
    if not isinstance(body, dict):
        raise ValidationError({NON_FIELD: [not_a_dictionary(body)]})
    return body


def read_items() -> list[Any]:
    """Return the items of a body that is a list: a JSON array, or JSON line by line.

    A line that can't be read, and an object that says something twice, is a MalformedBody in its place.
    Raises MalformedBody for an array, UnsupportedMediaType, ValidationError, Busy.
    """
    data = body_bytes()
    if request.mimetype in LINES:
        _refuse_chunks()
        lines = lines_of(data)
        _admit(check_values(data, NON_FIELD, items=len(lines)))
        return [json_line(line) for line in lines]
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    _admit(check_values(data, NON_FIELD))
    items = json_line(data) if data else None
    if isinstance(items, MalformedBody):
        raise items
    if not isinstance(items, list):
        raise ValidationError({NON_FIELD: [not_a_list(items)]})
    return items


def _values(listed: str) -> Any:
    if request.mimetype in FORMS:
        return _values_of_form(listed)
    data = body_bytes()
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    _admit(check_values(data, listed))
    return from_json(data, only_once if current().is_strict else None)


def _values_of_form(listed: str) -> dict[str, Any]:
    _refuse_chunks()
    if request.mimetype == ENCODED:  # of the other kind werkzeug takes a thousand parts
        _admit(check_fields(body_bytes(), listed))
    form = request.form
    current().note_received()
    return from_form(form)


def _refuse_chunks() -> None:
    """Raise LengthRequired for a body in chunks: half a form is a form, and half of the lines are lines.

    Chunks that were cut off look whole here.
    """
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired(IN_CHUNKS)


def body_bytes() -> bytes:
    """Return the body as it came; it can be read again. Raises RequestEntityTooLarge."""
    data = request.get_data()
    current().note_received()
    if request.content_length is None and len(data) >= (request.max_content_length or math.inf):
        raise RequestEntityTooLarge  # of a chunked body nobody knew the length, and only so much was read
    return data


def _admit(size: int) -> None:
    """Take room for a body of this size, in values, until its request ends. Raises Busy."""
    if size > SMALL:
        current().release = services().gates.enter(size, is_reporter=caller().reports_somewhere)


def expected() -> int | None:
    """Return the position in the request's header `Ledger-Expect`, None without one. Raises BadHeader."""
    header = request.headers.get(EXPECT)
    if header is None:
        return None
    position = position_of(header)
    if position is None:
        raise BadHeader(f"{EXPECT} must {A_POSITION}")
    return position


def reason() -> str:
    """Return what the request's header `Ledger-Reason` says, empty without one. Raises ValidationError.

    An empty header is refused: of one that is not ASCII the server leaves just that.
    """
    header = request.headers.get(REASON)
    if header is None:
        return ""
    try:
        text = unquote(header, errors="strict") if PERCENT_ENCODED.fullmatch(header) else ""
        if not text.strip():
            raise ValidationError(NOT_ENCODED)
        return reason_of(text, token_sent())
    except UnicodeDecodeError:
        raise ValidationError({"reason": [NOT_ENCODED]}) from None
    except ValidationError as error:
        raise ValidationError({"reason": error.messages}) from None


def refuse_expected() -> None:
    """Raise BadHeader if a request of many reports has the header, which is for a single one."""
    if EXPECT in request.headers:
        raise BadHeader(f"{EXPECT} is for a single report: here each has its own, as `expect`.")
