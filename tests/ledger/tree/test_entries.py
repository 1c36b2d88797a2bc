"""The journal is read as the entries that a stranger makes of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from ledger.journal.tree.entries import entries_up_to
from ledger.proof import Malformed
from ledger.proof.entries import parse_entry
from tests.ledger.tree.trees import as_administrator, entries, execute
from tests.support.everything import tell_of_everything
from tests.world import World, open_world


@pytest.fixture(name="url")
def url_of_a_world(world_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    with world_database() as url:
        yield url


def read(world: World, position: int) -> list[bytes]:
    with world.ledger.pool.connection() as connection, connection.transaction():
        return [*entries_up_to(connection, position)]


def test_all_facts_are_entries_up_to_any_position(url: str) -> None:
    with open_world(url) as world:
        tell_of_everything(world)
        expected = entries(url)
        positions = [position for position, _ in world.ledger.facts_after(0, 1_000)]
        assert read(world, positions[-1]) == expected
        assert read(world, positions[40]) == expected[:41]
        assert read(world, 0) == []


def test_a_fact_that_is_too_long_is_there_by_its_hash(url: str) -> None:
    state = json.dumps({"recorded_at": "2026-01-01T00:00:00Z", "text": "x" * 70_000}).encode()
    with open_world(url) as world:
        world.ledger.recorder.insert_events([StoredEvent(UUID(int=7), 1, "Rumour", state)])
        (((position,),)) = execute(url, "SELECT max(notification_id) FROM journal.ledger_events")
        last = parse_entry(read(world, position)[-1])
    assert (last.position, last.is_hashed) == (position, True)
    assert last.state == b"sha256:" + sha256(state).hexdigest().encode()


def test_a_row_that_no_fact_can_be_is_refused(url: str) -> None:
    with open_world(url) as world:
        tell_of_everything(world)
        with as_administrator(url) as connection:
            connection.execute(
                "UPDATE journal.ledger_events SET state = 'sha256:0', topic = 'A' WHERE notification_id = 30"
            )
        assert len(read(world, 29)) == 29
        with pytest.raises(Malformed, match="position 30 has a topic or a state that no fact has"):
            read(world, 30)
