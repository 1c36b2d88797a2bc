"""An entry is bytes that one fact alone has."""

from hashlib import sha256
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.digests import digest_of
from ledger.proof import Malformed
from ledger.proof.entries import Entry, entry_of, pack_entries, parse_entry, unpack_entries

STREAM = "00000000000040008000000000000701"
PLACE = f"{STREAM} 4 152 UsageReported\n".encode()

topics = st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1, max_size=20)
numbers = st.integers(1, 2**62)
states = st.binary(max_size=200).map(lambda state: b"{" + state)


def test_an_entry_is_a_fact_s_place_and_its_state() -> None:
    assert entry_of(STREAM, 4, 152, "UsageReported", b'{"a": "\xc3\xa9"}') == PLACE + b'{"a": "\xc3\xa9"}'


@given(st.uuids(), numbers, numbers, topics, states)
def test_what_an_entry_says_is_what_it_was_made_of(
    stream: UUID, version: int, position: int, topic: str, state: bytes
) -> None:
    entry = entry_of(stream.hex, version, position, topic, state)
    assert parse_entry(entry) == Entry(stream.hex, version, position, topic, state)
    digest = digest_of(position, StoredEvent(stream, version, topic, state))  # the journal's own
    assert sha256(entry).digest()[:8] == digest.to_bytes(8, "big", signed=True)


def test_a_state_that_is_too_long_is_there_by_its_hash() -> None:
    fits = b"{" * (65_535 - len(PLACE))
    assert entry_of(STREAM, 4, 152, "UsageReported", fits) == PLACE + fits
    longer = fits + b"}"
    entry = entry_of(STREAM, 4, 152, "UsageReported", longer)
    assert entry == PLACE + b"sha256:" + sha256(longer).hexdigest().encode()
    assert [parse_entry(each).is_hashed for each in (entry, PLACE + fits)] == [True, False]


@pytest.mark.parametrize(
    ("topic", "state"),
    [("Usage\nReported", b"{}"), ("UsageReported", b"sha256:" + b"0" * 64), ("UsageReported", b"sha256:")],
)
def test_a_fact_that_could_be_taken_for_another_has_no_entry(topic: str, state: bytes) -> None:
    with pytest.raises(Malformed, match="position 152 has a topic or a state that no fact has"):
        entry_of(STREAM, 4, 152, topic, state)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        PLACE[:-1],
        PLACE.replace(b"701", b"70A"),
        PLACE.replace(b"701", b"7010"),
        PLACE.replace(b" 4 ", b" 0 "),
        PLACE.replace(b" 4 ", b" 04 "),
        PLACE.replace(b" 4 ", b"  4 "),
        PLACE.replace(b" 152 ", b" -152 "),
        PLACE.replace(b" 152 ", b" 9999999999999999999999 "),
        PLACE.replace(b"UsageReported", b""),
        PLACE.replace(b"UsageReported", b"\xff"),
        PLACE + b"sha256:",
        PLACE + b"sha256:" + b"A" * 64,
        PLACE + b"sha256:" + b"0" * 64 + b"\n",
        PLACE + b"{" * 65_535,
    ],
)
def test_other_bytes_are_no_entry(entry: bytes) -> None:
    with pytest.raises(Malformed, match="entry"):
        parse_entry(entry)


@given(st.lists(st.binary(max_size=300)))
def test_entries_are_unpacked_as_they_were_packed(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries)) == entries


def test_entries_are_packed_after_their_length() -> None:
    assert pack_entries([b"one", b"", b"x" * 258]) == b"\0\3one\0\0\1\2" + b"x" * 258
    with pytest.raises(OverflowError):
        pack_entries([b"x" * 65_536])


@pytest.mark.parametrize("packed", [b"\0", b"\0\1", b"\0\3on", b"\0\1a\0", b"\0\1a\0\2b"])
def test_a_pack_that_ends_within_an_entry_is_refused(packed: bytes) -> None:
    with pytest.raises(Malformed, match="ends within the entry after"):
        unpack_entries(packed)
