"""The tree grows with the journal, whoever appends, and a journal of the versions before gets one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from threading import Thread
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from ledger.journal.tree import growth
from ledger.journal.tree.reading import Tree
from ledger.proof.tiles import Tile
from tests.ledger.test_old_journals import NAMES, people, stored_facts
from tests.ledger.tree.trees import as_administrator, assert_whole, execute, expected_tiles, leaves, root
from tests.world import World, open_world, settings_of
from web.runtime.database import prepare_database

STATE = b'{"recorded_at":"2026-01-01T00:00:00Z","text":"%d"}'

DROP_TREE = """
DROP TRIGGER tree_grows ON journal.ledger_events;
DROP TABLE journal.tree_tile, journal.tree_tail, journal.checkpoint;
DROP FUNCTION journal.grow_tree, journal.follow_journal, journal.add_leaves, journal.add_tile,
    journal.tree_root"""


def rumours(number: int, first: int = 0) -> list[StoredEvent]:
    """Facts that no projection knows, each in a stream of its own."""
    return [
        StoredEvent(UUID(int=2**100 + each), 1, "Rumour", STATE % each)
        for each in range(first, first + number)
    ]


@pytest.fixture
def url(world_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    with world_database() as url:
        yield url


def test_the_tree_is_that_of_the_journal_however_many_facts_come_at_a_time(url: str) -> None:
    with open_world(url) as world:
        begun = len(assert_whole(url))
        sizes = [1, 2, 255 - (begun + 3) % 256, 1, 255, 256, 1, 513, 1, 254, 1000, 0, 3]
        for place, number in enumerate(sizes):
            first = sum(sizes[:place])
            world.ledger.recorder.insert_events(rumours(number, first)) if number else None
            assert len(assert_whole(url)) == begun + first + number


def test_a_second_level_is_full_at_65536_facts(url: str) -> None:
    with open_world(url) as world:
        begun = len(leaves(url))
        world.ledger.recorder.insert_events(rumours(65_536 - begun - 1))
        world.ledger.recorder.insert_events(rumours(2, 70_000))
        hashes = leaves(url)
        tiles = [*expected_tiles(hashes)]
        assert [(level, index) for level, index, _ in tiles if level] == [(1, 0)]
        assert_whole(url)
        with world.services.reading() as cursor:
            tree = Tree(cursor)
            assert tree.read(Tile(2, 0, 1)) == root(hashes[:65_536])
            assert tree.find(Tile(2, 0, 2)) is None
            assert tree.read(Tile(1, 0, 7)) == tiles[256][2][: 7 * 32]


def test_reports_that_come_together_are_in_the_tree_in_the_order_of_the_journal(world: World) -> None:
    def report(number: int) -> None:
        for amount in range(20):
            world.report(usages=[{"type": "gpu", "amount": f"{number}.{amount:02}"}])

    world.as_("staff")
    threads = [Thread(target=report, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(assert_whole(world.conninfo)) > 150


def test_a_fact_that_is_larger_than_an_entry_may_be_is_in_the_tree_by_its_hash(url: str) -> None:
    head = len(f"{UUID(int=1).hex} 1 99 Rumour\n")
    longest = 65_535 - head
    states = [b"x" * longest, b"x" * (longest + 1), b"x" * 59_999, b"x" * 60_000, b"x" * 200_000, b"\xff\0"]
    head_of_journal = len(leaves(url))
    assert head_of_journal + 6 < 99, "the positions have two digits"
    events = [StoredEvent(UUID(int=2**100 + n), 1, "Rumour", each) for n, each in enumerate(states)]
    with psycopg.connect(url, autocommit=True) as connection:
        for each in events:
            connection.execute(
                "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
                " VALUES (%s, 1, 'Rumour', %s)",
                [each.originator_id, each.state],
            )
    assert len(assert_whole(url)) == head_of_journal + 6


def test_who_copies_facts_into_the_table_can_not_forget_the_tree(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor().copy(
            "COPY journal.ledger_events (originator_id, originator_version, topic, state) FROM STDIN"
        ) as copy:
            for each in rumours(300):
                copy.write_row((str(each.originator_id), 1, "Rumour", each.state))
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
            " VALUES (gen_random_uuid(), 1, 'Rumour', '{}')"
        )
    assert len(assert_whole(url)) > 300


def test_two_who_append_without_the_lock_never_share_a_place_in_the_tree(url: str) -> None:
    insert = (
        "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
        " VALUES (gen_random_uuid(), 1, 'Rumour', '{}')"
    )
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        first.execute(insert)

        def append() -> None:
            with pytest.raises(psycopg.errors.UniqueViolation):
                second.execute(insert)

        blocked = Thread(target=append)
        blocked.start()
        while not execute(url, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            pass
        first.commit()
        blocked.join()
        second.rollback()
    assert_whole(url)


def test_what_is_rolled_back_is_not_in_the_tree(url: str) -> None:
    before = assert_whole(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)"
            " SELECT gen_random_uuid(), 1, 'Rumour', '{}' FROM generate_series(1, 700)"
        )
        connection.rollback()
    assert assert_whole(url) == before


# --- journals of the versions before ---


@pytest.mark.parametrize("name", NAMES)
def test_a_journal_of_a_version_before_gets_its_tree_at_the_next_start(database_url: str, name: str) -> None:
    with open_world(database_url) as world:
        world.ledger.recorder.insert_events(stored_facts(name), people=people(name))
    execute(database_url, DROP_TREE)
    prepare_database(database_url, settings_of(database_url))
    assert len(assert_whole(database_url)) == len(stored_facts(name))
    execute(database_url, "INSERT INTO journal.ledger_events VALUES (gen_random_uuid(), 1, 'Rumour', '{}')")
    assert_whole(database_url)


def test_a_tree_that_was_cut_off_while_it_was_made_goes_on_where_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(1_500))
    execute(url, DROP_TREE)
    monkeypatch.setattr(growth, "BATCH", 100)
    monkeypatch.setattr(growth, "START_GROWTH", "SELECT 1/0")
    with pytest.raises(Exception, match="division by zero"):
        prepare_database(url, settings_of(url))
    ((begun,),) = execute(url, "SELECT count(*) FROM journal.tree_tile")
    assert begun == len(leaves(url)) // 256
    monkeypatch.undo()
    caplog.set_level("INFO")
    execute(url, "INSERT INTO journal.ledger_events VALUES (gen_random_uuid(), 1, 'Rumour', '{}')")
    prepare_database(url, settings_of(url))
    assert_whole(url)


def test_progress_is_told_while_a_tree_is_made(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(1_000))
    ((head,),) = execute(url, "SELECT max(notification_id) FROM journal.ledger_events")
    execute(url, DROP_TREE)
    monkeypatch.setattr(growth, "BATCH", 100)
    caplog.set_level("INFO")
    prepare_database(url, settings_of(url))
    assert f"The journal's facts get into its tree: up to position 500 of {head}" in caplog.messages
    assert_whole(url)


@pytest.mark.parametrize(
    "loss",
    [
        "ALTER TABLE journal.ledger_events DISABLE TRIGGER tree_grows",
        "DELETE FROM journal.tree_tail",
        "DROP TABLE journal.tree_tail",
        "DROP TABLE journal.tree_tile",
        "DROP TRIGGER tree_grows ON journal.ledger_events; DROP FUNCTION journal.grow_tree",
        "CREATE OR REPLACE FUNCTION journal.add_tile(number bigint, last_position bigint, hashes bytea)"
        " RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)
def test_parts_of_the_tree_that_are_lost_are_made_of_the_facts_at_the_next_start(url: str, loss: str) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(600))
    before = assert_whole(url)
    execute(url, loss)
    if "DISABLE" in loss:
        execute(url, "INSERT INTO journal.ledger_events VALUES (gen_random_uuid(), 1, 'Rumour', '{}')")
    prepare_database(url, settings_of(url))
    assert assert_whole(url)[: len(before)] == before
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(300, 2_000))
    assert_whole(url)


def test_facts_are_not_taken_without_a_tree(url: str) -> None:
    execute(url, "DELETE FROM journal.tree_tail")
    with pytest.raises(psycopg.DatabaseError, match="the journal has no tree"):
        execute(url, "INSERT INTO journal.ledger_events VALUES (gen_random_uuid(), 1, 'Rumour', '{}')")


@pytest.mark.parametrize("table", ["tree_tile", "checkpoint"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_tiles_and_checkpoints_never_change(url: str, table: str, change: str) -> None:
    column = {"tree_tile": "hashes", "checkpoint": "note"}[table]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RestrictViolation, match="the journal is append-only"):
            connection.execute(change.format(f"journal.{table}", column, column).encode())


def test_full_tiles_are_the_same_whatever_comes_after(url: str) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(600))
        before = execute(url, "SELECT level, index, xmin::text, hashes FROM journal.tree_tile ORDER BY 1, 2")
        world.ledger.recorder.insert_events(rumours(600, 2_000))
        assert (
            execute(url, "SELECT level, index, xmin::text, hashes FROM journal.tree_tile ORDER BY 1, 2")[
                : len(before)
            ]
            == before
        )


def test_facts_that_come_after_some_were_lost_are_taken_all_the_same(url: str) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(600))
    with as_administrator(url) as connection:
        connection.execute("DELETE FROM journal.ledger_events WHERE notification_id > 300")
        connection.execute("SELECT setval('journal.ledger_events_notification_id_seq', 300)")
    with open_world(url) as world:
        for number in (1, 254, 700):
            world.ledger.recorder.insert_events(rumours(number, 2_000 + number))
    ((last,),) = execute(url, "SELECT max(notification_id) FROM journal.ledger_events")
    assert last == 300 + 1 + 254 + 700


# --- where facts are in it ---


def test_every_fact_has_its_own_index_without_gaps(url: str) -> None:
    with open_world(url) as world:
        world.ledger.recorder.insert_events(rumours(300))
        execute(url, "SELECT setval('journal.ledger_events_notification_id_seq', 1000)")
        world.ledger.recorder.insert_events(rumours(300, 2_000))
        positions = [
            row[0] for row in execute(url, "SELECT notification_id FROM journal.ledger_events ORDER BY 1")
        ]
        expected = {position: leaf for leaf, position in enumerate(positions)}
        with world.services.reading() as cursor:
            tree = Tree(cursor)
            assert tree.leaves(positions) == expected
            some = positions[::7] + positions[-1:]
            assert tree.leaves(some) == {position: expected[position] for position in some}
            assert tree.leaves([]) == tree.leaves([990]) == tree.leaves([10**9]) == {}
            assert [tree.position(leaf) for leaf in range(0, len(positions), 11)] == positions[::11]
            facts = tree.facts(Tile(0, 1))
            assert [fact.id for fact in facts] == positions[256:512]
