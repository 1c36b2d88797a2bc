"""How much one request may bring, and all together: said before bytes become values.

A value takes up to fifty times the memory of its text, so that a body of a few megabytes would be gigabytes.
"""

import re
from contextlib import suppress
from ctypes import CDLL
from threading import Lock
from typing import cast

from flask import Flask, current_app, g
from marshmallow import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from ledger.errors import Busy
from web.request.authentication import caller

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
"""A text takes room, too, where it has no values: as one for so many bytes."""

SMALL = 10_000
"""Bodies of so many values, or 100 kB, are not counted together: there are no more of them than threads."""

ROOM, ROOM_OF_OTHERS = 500_000, 250_000
"""How many values large bodies may have that a process works on at a time: of those who may report somewhere,
and of those who may not, who never take the place of the others."""

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8

GATES = "usage-ledger gates"

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


def check_values(data: bytes, name: str, items: int = 0) -> None:
    """Raises ValidationError for `name` if a JSON text has more values than a request may bring, and Busy.

    `items` are those that are known to be there, be they ever so small.
    """
    if (number := values_in(data)) > MOST_VALUES:
        message = (
            f"No more than {MOST_ITEMS} items are taken at once, with {MOST_VALUES} names and values in all,"
            f" and these have {number}."
        )
        raise ValidationError({name: [message]})
    _admit(number + 10 * items, len(data))


def check_items(number: int) -> None:
    """Raises ValidationError if a list has more items than a request may bring."""
    if number > MOST_ITEMS:
        raise ValidationError(f"No more than {MOST_ITEMS} items are taken at once, and these are {number}.")


def check_fields(form: bytes, name: str) -> None:
    """Raises ValidationError for `name` if an encoded form has more fields than are taken, and Busy.

    Raises RequestEntityTooLarge if it is longer than forms are read.
    """
    if len(form) > MOST_FORM_BYTES:
        raise RequestEntityTooLarge
    if (number := form.count(b"&") + 1) > MOST_FIELDS:
        message = f"No more than {MOST_FIELDS} fields of a form are taken, and these are {number}."
        raise ValidationError({name: [message]})
    _admit(4 * number + form.count(b"%"), len(form))  # each with its name, in a list, and then in an item


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines that are not blank. Raises ValidationError if there are too many, with those."""
    number = 1 + data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    if number <= MOST_LINES:
        lines = [line for line in data.splitlines() if line.strip()]
        if (number := len(lines)) <= MOST_ITEMS:
            return lines
    message = f"Between 1 and {MOST_ITEMS} reports are taken at once, and these are {number}."
    raise ValidationError({"non_field_errors": [message]})


class Gate:
    """Lets in what finds room beside what is inside; what comes alone always does."""

    def __init__(self, room: int) -> None:
        self._room, self._taken, self._guard = room, 0, Lock()

    def enter(self, size: int) -> bool:
        """Return whether there was room, which is taken then until `leave`."""
        with self._guard:
            is_free = not self._taken or self._taken + size <= self._room
            self._taken += size if is_free else 0
        return is_free

    def leave(self, size: int) -> None:
        with self._guard:
            self._taken -= size


def _admit(values: int, length: int) -> None:
    """Takes room for a body of so many values and bytes, until its request ends. Raises Busy."""
    if (size := values + length // BYTES_OF_A_VALUE) > SMALL:
        gate = cast(Gate, current_app.extensions[GATES][caller().reports_somewhere])
        if not gate.enter(size):
            raise Busy
        g.admitted = gate, size


def _leave(_: object) -> None:
    if "admitted" in g:
        gate, size = g.pop("admitted")
        gate.leave(size)


def register(app: Flask) -> None:
    """Counts together what the requests of an application bring."""
    _give_back_memory()
    app.extensions[GATES] = {True: Gate(ROOM), False: Gate(ROOM_OF_OTHERS)}
    app.teardown_request(_leave)


def _give_back_memory() -> None:
    """Has what is large given back to the system as soon as it is free, where the C library is glibc.

    It would keep as much for each thread as that ever had at a time, and its threshold would rise.
    """
    with suppress(AttributeError, OSError):
        mallopt = CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 256 * 1024)
        mallopt(M_ARENA_MAX, 2)
