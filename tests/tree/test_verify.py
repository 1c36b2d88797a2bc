"""`usage-ledger verify` finds what an administrator did to the journal, and names the position.

Each is done as an administrator would: the guards are turned off, facts are changed, and the guards are
turned on again.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from projections.verification import tree as verification_of_trees
from tests.conftest import database
from tests.ledger.tree.trees import as_administrator, execute
from tests.support.dumps import dump, restore
from tests.tree.signed import report, signed, signing
from tests.tree.test_tiles import many
from tests.verification.verifying import verified
from tests.world import World
from web.commands.audit.verify import verify

REWRITE = "UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id = {}"
REWRITE_ALL = "UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id BETWEEN {} AND {}"
REMOVE_AFTER = "DELETE FROM journal.ledger_events WHERE notification_id > {}"
REMOVE = "DELETE FROM journal.ledger_events WHERE notification_id = {}"
INSERT = """
INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state, notification_id)
SELECT gen_random_uuid(), 1, topic, state, {} FROM journal.ledger_events WHERE notification_id = {}"""
SWAP = """
UPDATE journal.ledger_events SET notification_id = -1 WHERE notification_id = {0};
UPDATE journal.ledger_events SET notification_id = {0} WHERE notification_id = {1};
UPDATE journal.ledger_events SET notification_id = {1} WHERE notification_id = -1"""


def change(world: World, statement: str, *tables: str) -> None:
    with as_administrator(world.conninfo, *tables) as connection:
        connection.execute(statement.encode())


def found(world: World, to: int | None = None) -> list[str]:
    """What is found in the tree."""
    _, lines = verified(world, to)
    words = ("tree", "checkpoint", "tile/", "missing")
    return [line for line in lines if line.startswith("journal ") and any(word in line for word in words)]


@pytest.fixture
def long(here: World) -> tuple[World, list[int]]:
    """A ledger with some tiles, and its positions. A checkpoint was signed, and some facts came after it."""
    many(here, 600)
    signed(here)
    many(here, 300)
    positions = execute(here.conninfo, "SELECT notification_id FROM journal.ledger_events ORDER BY 1")
    return here, [position for (position,) in positions]


Long = tuple[World, list[int]]


def test_nothing_is_found_in_a_sound_journal(long: Long) -> None:
    world, positions = long
    assert (
        found(world) == found(world, positions[-1]) == found(world, positions[300]) == found(world, 0) == []
    )


@pytest.mark.parametrize("place", [0, 1, 255, 256, 300, 700, -2])
def test_a_fact_in_which_one_byte_was_changed_is_named(long: Long, place: int) -> None:
    world, positions = long
    change(world, REWRITE.format(positions[place]))
    assert found(world) == [f"journal {positions[place]} is not the fact that the tree has there"]


@pytest.mark.parametrize("place", [0, 255, 256, 300, 700])
def test_the_position_of_a_fact_that_was_deleted_is_named(long: Long, place: int) -> None:
    world, positions = long
    change(world, REMOVE.format(positions[place]))
    assert found(world) == [f"journal {positions[place]} is missing: the tree has it"]


def test_where_positions_were_never_taken_it_is_one_of_a_range(here: World) -> None:
    report(here, 1)
    execute(here.conninfo, "SELECT setval('journal.ledger_events_notification_id_seq', 100)")
    report(here, 2)
    execute(here.conninfo, "SELECT setval('journal.ledger_events_notification_id_seq', 110)")
    last = report(here, 3)
    ((before,),) = execute(
        here.conninfo, "SELECT max(notification_id) FROM journal.ledger_events WHERE notification_id < 100"
    )
    change(here, REMOVE.format(101))
    told = f"journal positions {before + 1}..{last - 1} 1 facts are missing between them that the tree has"
    assert found(here) == [told]


@pytest.mark.parametrize(("one", "other"), [(300, 301), (255, 256), (10, 800)])
def test_both_facts_that_were_swapped_are_named(long: Long, one: int, other: int) -> None:
    world, positions = long
    change(world, SWAP.format(positions[one], positions[other]))
    told = "is not the fact that the tree has there"
    assert found(world) == [f"journal {positions[place]} {told}" for place in (one, other)]


def test_a_fact_that_was_inserted_is_named(here: World) -> None:
    report(here, 1)
    execute(here.conninfo, "SELECT setval('journal.ledger_events_notification_id_seq', 100)")
    report(here, 2)
    report(here, 3)
    signed(here)
    change(here, INSERT.format(80, 101))
    assert found(here) == ["journal 80 is not in the tree: it was not appended there"]


def test_many_changes_are_all_named(long: Long) -> None:
    world, positions = long
    for place in (5, 6, 7, 400, 801):
        change(world, REWRITE.format(positions[place]))
    for place in (100, 500, 501):
        change(world, REMOVE.format(positions[place]))
    lines = found(world)
    assert len(lines) == 8
    named = {int(line.split(" ")[1]) for line in lines}
    assert named == {positions[place] for place in (5, 6, 7, 400, 801, 100, 500, 501)}


def test_a_range_that_is_longer_than_what_is_held_is_all_named(
    long: Long, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification_of_trees, "WINDOW", 16)
    world, positions = long
    change(world, REWRITE_ALL.format(positions[100], positions[199]))
    assert [int(line.split(" ")[1]) for line in found(world)] == positions[100:200]


def test_where_the_end_is_missing_the_last_that_is_there_is_named(long: Long) -> None:
    world, positions = long
    change(world, REMOVE_AFTER.format(positions[650]))
    end = positions[650]
    left = len(positions) - 651
    assert found(world) == [
        f"journal after {end} {left} facts are missing that the tree has",
    ]


def test_and_where_the_end_of_the_tree_is_missing_too_a_checkpoint_tells(long: Long) -> None:
    world, positions = long
    end = positions[299]
    change(world, REMOVE_AFTER.format(end))
    execute(world.conninfo, "DROP TABLE journal.tree_tile, journal.tree_tail")
    with signing(world.conninfo, key_of(world)) as again:
        lines = found(again)
    ((kept,),) = execute(world.conninfo, "SELECT size FROM journal.checkpoint")
    assert lines == [f"journal after {end} facts are missing that a checkpoint of {kept} facts has"]


def key_of(world: World) -> Path:
    files = world.services.signing.key_file
    assert files
    return files.path


def test_a_journal_that_was_written_anew_with_its_tree_differs_from_the_first_checkpoint_after_that(
    here: World, key: Path
) -> None:
    """Facts and hashes fit, so only what was signed bounds it."""
    many(here, 300)
    first = signed(here)
    many(here, 20)
    second = signed(here)
    many(here, 30)
    signed(here)
    positions = [
        row[0]
        for row in execute(here.conninfo, "SELECT notification_id FROM journal.ledger_events ORDER BY 1")
    ]
    change(here, REWRITE.format(positions[first + 5]))
    execute(here.conninfo, "DROP TABLE journal.tree_tile, journal.tree_tail")
    with signing(here.conninfo, key) as again:
        assert found(again) == [
            f"journal positions {positions[first - 1] + 1}..{positions[second - 1]}"
            f" have another root than the checkpoint of {second} facts has signed"
        ]


def test_an_old_backup_that_goes_on_is_found_by_the_checkpoint_beside_the_key(
    here: World, url: str, server: str, key: Path
) -> None:
    first = signed(here)
    backup = dump(url, "--schema=journal")
    report(here, 1)
    size = signed(here)
    ((last,),) = execute(url, "SELECT position FROM journal.checkpoint ORDER BY size LIMIT 1")
    with database(server) as other:
        restore(other, backup)
        with signing(other, key) as restored:
            report(restored, 2)
            report(restored, 3)
            lines = found(restored)
        assert lines == [
            f"journal positions {last + 1}..{last + size - first}"
            f" have another root than the checkpoint of {size} facts has signed"
        ]


def test_a_checkpoint_that_was_not_signed_by_this_ledger_is_named(here: World) -> None:
    report(here, 1)
    size = signed(here)
    ((position, note),) = execute(
        here.conninfo, "SELECT position, convert_from(note, 'UTF8') FROM journal.checkpoint"
    )
    head, _, signature = note.rpartition(" ")
    forged = f"{head} {signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    with as_administrator(here.conninfo, "checkpoint") as connection:
        connection.execute("UPDATE journal.checkpoint SET note = %s", [forged.encode()])
    (line,) = found(here)
    assert line.startswith(
        f"journal {position} the checkpoint of {size} facts is not signed by this ledger: "
    )


def test_a_checkpoint_that_is_none_is_named(here: World) -> None:
    size = signed(here)
    change(here, "UPDATE journal.checkpoint SET note = 'x'", "checkpoint")
    lines = found(here)
    assert len(lines) == 1
    assert f"the checkpoint of {size} facts is none: " in lines[0]


def test_a_tile_that_does_not_follow_from_those_below_is_named(here: World) -> None:
    """Of either change the same 65,600 facts tell, as they take longer to come than all else here."""
    many(here, 65_600)
    assert found(here) == []
    change(here, "CREATE TABLE public.before AS TABLE journal.tree_tile", "tree_tile")
    for statement, expected in (
        (
            "UPDATE journal.tree_tile SET hashes = sha256('') || substr(hashes, 33) WHERE level = 1",
            "journal leaves 0..65535 tile/1/000 does not follow from the tiles below it",
        ),
        (
            "UPDATE journal.tree_tile SET root = sha256('') WHERE level = 1",
            "journal leaves 0..16777215 tile/2/000.p/1 does not follow from the tiles below it",
        ),
    ):
        change(here, statement, "tree_tile")
        assert found(here) == [expected]
        change(
            here,
            "UPDATE journal.tree_tile SET hashes = before.hashes, root = before.root FROM public.before"
            " WHERE (before.level, before.index) = (tree_tile.level, tree_tile.index)",
            "tree_tile",
        )


def test_a_tile_of_leaves_that_was_changed_is_told_of_fact_by_fact(long: Long) -> None:
    world, positions = long
    change(
        world,
        "UPDATE journal.tree_tile SET hashes = substr(hashes, 1, 64) || sha256('') || substr(hashes, 97)"
        " WHERE level = 0 AND index = 1",
        "tree_tile",
    )
    lines = found(world)
    assert f"journal {positions[258]} is not the fact that the tree has there" in lines
    others = ("have another root than the checkpoint", "does not follow from the tiles below it")
    assert [sum(each in line for line in lines) for each in others] == [1, 1]
    assert len(lines) == 3


def test_up_to_a_position_only_what_is_before_it_is_told(long: Long) -> None:
    world, positions = long
    change(world, REWRITE.format(positions[100]))
    change(world, REWRITE.format(positions[400]))
    told = "is not the fact that the tree has there"
    assert found(world, positions[300]) == [f"journal {positions[100]} {told}"]
    assert found(world, positions[50]) == []


def test_a_verification_ends_with_a_checkpoint(here: World) -> None:
    report(here, 1)
    verify(here.services)
    head = int(here.as_("staff").get("/api/version/").headers["Ledger-Position"])
    kept = execute(here.conninfo, "SELECT size, position FROM journal.checkpoint ORDER BY size")
    ((size,),) = execute(here.conninfo, "SELECT count(*) FROM journal.ledger_events")
    assert kept == [(size, head)]
    first = report(here, 2)
    report(here, 3)
    change(here, REWRITE.format(first))
    here.now += timedelta(seconds=3)
    verify(here.services)
    assert execute(here.conninfo, "SELECT size, position FROM journal.checkpoint ORDER BY size") == kept
