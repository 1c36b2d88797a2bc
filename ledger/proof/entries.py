"""Entries: the bytes of facts that are hashed, and the files that entries are kept in."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from ledger.proof import Malformed

LONGEST = 65_535
"""Bytes of the longest entry, whose length has to fit into two bytes."""

BY_HASH = b"sha256:"
"""How the state of an entry begins that would be longer. A state is JSON, so none begins so by itself."""

ENTRY = re.compile(rb"([0-9a-f]{32}) ([1-9][0-9]{0,18}) ([1-9][0-9]{0,18}) ([^\n]+)\n(.*)", re.DOTALL)
HASHED_STATE = re.compile(rb"sha256:[0-9a-f]{64}")


class Entry(NamedTuple):
    """What an entry says. `state` is a fact's JSON, or `sha256:` and the hash of it in 64 hex digits."""

    originator_id: str
    version: int
    position: int
    topic: str
    state: bytes

    @property
    def is_hashed(self) -> bool:
        """Return whether the entry has the hash of the state in place of the state."""
        return self.state.startswith(BY_HASH)


def entry_of(originator_id_hex: str, version: int, position: int, topic: str, state: bytes) -> bytes:
    """Return the entry of a fact: 32 hex digits, its columns in the journal, and its state as stored.

    Raises Malformed where another fact could have the same entry.
    """
    if "\n" in topic or state.startswith(BY_HASH):
        raise Malformed(f"the fact at position {position} has a topic or a state that no fact has")
    place = f"{originator_id_hex} {version} {position} {topic}\n".encode()
    if len(place) + len(state) > LONGEST:
        state = BY_HASH + sha256(state).hexdigest().encode()
    return place + state


def parse_entry(entry: bytes) -> Entry:
    """Return what an entry says. Raises Malformed."""
    parts = ENTRY.fullmatch(entry)
    if not parts or len(entry) > LONGEST:
        raise Malformed("not an entry")
    stream, version, position, topic, state = parts.groups()
    if state.startswith(BY_HASH) and not HASHED_STATE.fullmatch(state):
        raise Malformed("an entry with a malformed hash of its state")
    try:
        return Entry(stream.decode(), int(version), int(position), topic.decode(), state)
    except UnicodeDecodeError as error:
        raise Malformed("an entry with a topic that is not UTF-8") from error


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Return entries in one piece, as tiles of entries are: each after its length in two bytes.

    Raises OverflowError for an entry that is too long.
    """
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(packed: bytes) -> list[bytes]:
    """Return the entries of one piece. Raises Malformed where it ends within an entry."""
    entries: list[bytes] = []
    start = 0
    while start < len(packed):
        end = start + 2 + int.from_bytes(packed[start : start + 2], "big")
        if start + 2 > len(packed) or end > len(packed):
            raise Malformed(f"ends within the entry after {len(entries)} others")
        entries.append(packed[start + 2 : end])
        start = end
    return entries
