"""How much one request may bring, found out before its bytes become values.

A value takes up to fifty times the memory of its text, so that a body of a few megabytes would be gigabytes.
"""

import re

from marshmallow import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

MOST_ITEMS = 10_000
"""In the list of one request."""

MOST_VALUES = 25 * MOST_ITEMS
"""Names and values of one body: an item has eight or nine of each at most."""

MOST_FIELDS = 5 * MOST_ITEMS
"""Of a form."""

MOST_LINES = 10 * MOST_ITEMS
"""With those that are blank."""

MOST_FORM_BYTES = 1024 * 1024
"""Of an encoded form: what is escaped in it takes fifty times as much for a moment."""

BYTES_OF_A_VALUE = 10
"""So many bytes of a text take as much room as a value of it."""

BEGINNINGS = (b",", b":", b"[", b"{")
"""Outside of strings, each stands before one value at most."""

STRING = re.compile(rb'"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"')
"""Ends with its line, as JSON's do: what one line leaves open hides nothing of the next."""


def values_in(data: bytes, most: int = MOST_VALUES) -> int:
    """Return about how many names and values a JSON text has, at least as many as are made of it.

    Counted only as far as it takes to know whether they are more than `most`.
    """
    number = sum(map(data.count, BEGINNINGS))
    if number <= most:
        return number
    for place, string in enumerate(STRING.finditer(data)):
        if place > most:
            break
        number -= sum(map(string[0].count, BEGINNINGS))
    return number


def check_values(data: bytes, name: str, items: int = 0) -> int:
    """Return the size of a JSON text with so many items at least, in values that will be made of it.

    Raises ValidationError for `name` if they are more than a request may bring.
    """
    if (number := values_in(data)) > MOST_VALUES:
        message = (
            f"No more than {MOST_ITEMS} items are taken at once, with {MOST_VALUES} names and values in all,"
            f" and these have {number}."
        )
        raise ValidationError({name: [message]})
    return number + 10 * items + len(data) // BYTES_OF_A_VALUE


def check_items(number: int) -> None:
    """Raise ValidationError if a list has more items than a request may bring."""
    if number > MOST_ITEMS:
        raise ValidationError(f"No more than {MOST_ITEMS} items are taken at once, and these are {number}.")


def check_fields(form: bytes, name: str) -> int:
    """Return the size of an encoded form, in values that will be made of it.

    Raises ValidationError for `name` if it has more fields than are taken, and RequestEntityTooLarge if it is
    longer than forms may be.
    """
    if len(form) > MOST_FORM_BYTES:
        raise RequestEntityTooLarge
    if (number := form.count(b"&") + 1) > MOST_FIELDS:
        message = f"No more than {MOST_FIELDS} fields of a form are taken, and these are {number}."
        raise ValidationError({name: [message]})
    # Each field with its name, in a list, and then in an item.
    return 4 * number + form.count(b"%") + len(form) // BYTES_OF_A_VALUE


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines that are not blank. Raises ValidationError if too many are, or too many are not."""
    number = 1 + data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    if number <= MOST_LINES:
        lines = [line for line in data.splitlines() if line.strip()]
        if (number := len(lines)) <= MOST_ITEMS:
            return lines
    message = f"Between 1 and {MOST_ITEMS} reports are taken at once, and these are {number}."
    raise ValidationError({"non_field_errors": [message]})
