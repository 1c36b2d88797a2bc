"""Finds a username in the free text of facts: descriptions, reasons, names and attributes that others chose.

Facts name people by ids, but what was written into such a text stays there. A text that is one of a few
words, as a source is, is not free.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_origin

from msgspec import Struct, structs

from ledger.domain.people import naming
from ledger.journal.ledger import Ledger

FACTS_AT_A_TIME = 5_000


class Mention(NamedTuple):
    """Where a text is: position and kind of the fact, and the field."""

    position: int
    kind: str
    field: str


def mentions(ledger: Ledger, username: str) -> Iterator[Mention]:
    """Yield every field of the journal's facts in which a username is, a fact at a time."""
    is_in, after = naming(username), 0
    while stored := ledger.journal.select_texts(after, FACTS_AT_A_TIME):
        for after, topic, state in stored:
            # Most facts need not be decoded. One with a backslash may have the name in another spelling.
            if b"\\" in state or is_in(state.decode()):
                texts = free_texts(ledger.fact(topic, state, after))
                fields = {field: None for field, text in texts if is_in(text)}
                yield from (Mention(after, topic, field) for field in fields)


def free_texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield each free text in a fact, behind the name of its field. What a reporter named is no field."""
    match value:
        case str():
            yield field, value
        case Struct():
            for each in structs.fields(type(value)):
                if get_origin(each.type) is not Literal:
                    name = f"{field}.{each.name}" if field else each.name
                    yield from free_texts(getattr(value, each.name), name)
        case Mapping():
            for key, inner in value.items():
                yield from free_texts(key, field)
                yield from free_texts(inner, field)
        case list() | tuple():
            for inner in value:
                yield from free_texts(inner, field)
