"""Throwing read models away: what comes back is what was there, and nobody notices."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from ledger.events import Fact, UsageReported
from ledger.handler import ROOM
from projections.comparison import Difference
from projections.lookups import accounts
from projections.projector import LOCK_PROJECTING
from projections.rebuild import OLD, SHADOW, AlreadyRebuilding, Rebuild, Rebuilt
from tests.projections.rebuilding import carried, rebuild_of
from tests.world import (
    RESOURCE,
    USAGES,
    World,
    uid,
)
from web.runtime.database import prepare_database
from web.wire.fields import uuid_of

WRITERS = 1 + ROOM
"""So many may wait however slow this machine is: more are told to come again while it stands still."""

PAUSE = 0.05
"""Seconds between the requests of each: more would only make the journal longer that is rebuilt meanwhile."""

LIVE = {"read_models", "read_models_as_of", "read_models_near"}

# --- beside writers and readers ---


def test_a_rebuild_under_writers_is_noticed_by_nobody(world: World) -> None:
    client = world.as_("staff")
    for number in range(WRITERS):
        world.report(date=f"2026-{number + 1:02}-02", usages=[{"type": "gpu", "amount": 0}])
    done = Event()
    written: dict[int, int] = {}

    def write(number: int) -> set[str]:
        refused, amount = set(), 0
        while not done.wait(PAUSE):
            amount += 1
            body = {"resource": RESOURCE, "date": f"2026-{number + 1:02}-02"}
            body |= {"usages": [{"type": "gpu", "amount": amount}]}  # type: ignore[dict-item]
            answer = client.post(f"{USAGES}set_usage/", body)
            if answer.status_code != 201:
                refused.add(f"{answer.status_code}: {answer.get_data(as_text=True)}")
            written[number] = amount
        return refused

    def read() -> list[str]:
        faults, seen = [], [0.0] * WRITERS
        while not done.wait(PAUSE):
            rows = client.get(USAGES, o="billing_period", page_size=100).get_json()
            now = [float(row["usage"]) for row in rows]
            if len(now) != WRITERS or any(new < old for new, old in zip(now, seen, strict=True)):
                faults.append(f"{seen} was followed by {now}")
            seen = now if len(now) == WRITERS else seen
        return faults

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        writers = [pool.submit(write, number) for number in range(WRITERS)]
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(3):
                rebuild = rebuild_of(world)
                assert rebuild.run() == Rebuilt(is_live=True)
        finally:
            done.set()
        assert [writer.result() for writer in writers] == [set()] * WRITERS
        assert [reader.result() for reader in readers] == [[], []]
    rows = world.usages(o="billing_period")
    assert [row["usage"] for row in rows] == [f"{written[number]}.00" for number in range(WRITERS)]
    last = rebuild_of(world)
    assert last.run() == Rebuilt(is_live=True)


def test_what_came_meanwhile_is_projected_before_reports_have_to_wait(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": 1}])
    is_loaded = False
    read_while_they_wait: list[int] = []

    def facts_after(position: int, limit: int) -> list[tuple[int, Fact]]:
        nonlocal is_loaded
        facts = world.ledger.facts_after(position, limit)
        if not facts and not is_loaded:
            is_loaded = True
            for amount in range(2, 6):
                world.report(usages=[{"type": "gpu", "amount": amount}])
        if is_waited_for(world):
            read_while_they_wait.append(len(facts))
        return facts

    assert Rebuild(world.ledger.pool, facts_after).run().is_live
    assert set(read_while_they_wait) == {0}


def is_waited_for(world: World) -> bool:
    """Return whether a report would have to wait for the read models."""
    with psycopg.connect(world.conninfo) as connection:
        row = connection.execute(
            LOCK_PROJECTING.replace("pg_advisory_xact_lock", "pg_try_advisory_xact_lock")
        ).fetchone()
    return row == (False,)


def tamper(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("UPDATE component_usage SET usage = 6")


# --- when they differ, or end early ---


def test_rows_that_somebody_changed_are_kept_and_named(world: World) -> None:
    tamper(world)
    rebuild = rebuild_of(world)
    rebuilt = rebuild.run()
    assert not rebuilt.is_live
    (difference,) = rebuilt.differences
    assert isinstance(difference, Difference)
    assert (difference.table, difference.only_live, difference.only_rebuilt) == ("component_usage", 1, 1)
    assert '"usage": 6.00' in (difference.live_example or "")
    assert '"usage": 5.00' in (difference.rebuilt_example or "")
    assert [row["usage"] for row in world.usages()] == ["6.00"]
    assert schemas(world) == LIVE


def test_rows_that_somebody_changed_are_mended_by_a_rebuild_that_is_accepted(world: World) -> None:
    tamper(world)
    assert rebuild_of(world).run(accept=True).is_live
    assert [row["usage"] for row in world.usages()] == ["5.00"]


def forget(world: World, username: str) -> None:
    """The only deletion that is permitted."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        removed = connection.execute("DELETE FROM journal.person WHERE username = %s", [username])
        assert removed.rowcount == 1


def names(world: World) -> list[tuple[str, str]]:
    return [(row["username"], row["usage"]) for row in world.user_usages(o="usage")]


def report_users(world: World, **usages: str) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    for username, usage in usages.items():
        world.report_user(world.usages()[0]["uuid"], username=username, usage=usage)


# --- people who were removed ---


def test_a_rebuild_leaves_out_the_names_of_people_who_were_removed(world: World) -> None:
    world.describe(users=[{"uuid": uid(0x99), "username": "carol"}])
    report_users(world, alice="1", bob="2")
    forget(world, "alice")
    forget(world, "carol")
    assert rebuild_of(world).run() == Rebuilt(is_live=True, forgotten=2)
    assert names(world) == [("", "1.00"), ("bob", "2.00")]
    assert world.usages()[0]["usage"] == "5.00"
    with world.services.reading() as cursor:
        assert accounts.accounts_named(cursor, "carol") == []
    report_users(world, alice="4")
    assert names(world) == [("", "1.00"), ("bob", "2.00"), ("alice", "4.00")]
    assert rebuild_of(world).run() == Rebuilt(is_live=True)


def test_people_who_are_removed_during_a_rebuild_are_left_out_too(world: World) -> None:
    report_users(world, alice="1", bob="2")

    def meanwhile(_facts: int, _head: int) -> None:
        if removed:
            forget(world, removed.pop())

    removed = ["alice"]
    rebuilt = Rebuild(world.ledger.pool, world.ledger.facts_after, progress=meanwhile).run()
    assert rebuilt == Rebuilt(is_live=True, forgotten=1)
    assert names(world) == [("", "1.00"), ("bob", "2.00")]


CHANGES = {
    "figure": "UPDATE user_usage SET usage = usage + 1 WHERE username = 'bob'",
    "other name": "UPDATE user_usage SET username = 'mallory' WHERE username = 'bob'",
    "no name": "UPDATE user_usage SET username = NULL WHERE username = 'bob'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_removal_does_not_cover_for_another_difference(world: World, change: str) -> None:
    report_users(world, alice="1", bob="2")
    forget(world, "alice")
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(CHANGES[change].encode())
    rebuilt = rebuild_of(world).run()
    assert not rebuilt.is_live
    (difference,) = rebuilt.differences
    assert (difference.table, difference.only_live, difference.only_rebuilt) == ("user_usage", 1, 1)
    assert '"username": "bob"' in (difference.rebuilt_example or "")


def schemas(world: World) -> set[str]:
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_models%'")
        return {name for (name,) in rows}


def test_what_a_rebuild_left_behind_is_cleared_by_the_next(world: World) -> None:
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        for schema in (SHADOW, OLD):
            connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.left_behind ()".encode())
    assert rebuild_of(world).run().is_live
    assert schemas(world) == LIVE


KILLED = """
import os, signal, sys
from tests.world import open_world
from projections.rebuild import Rebuild

def kill(facts, head):
    os.kill(os.getpid(), signal.SIGKILL)

with open_world(sys.argv[1]) as world:
    Rebuild(world.ledger.pool, world.ledger.facts_after, batch=10, progress=kill).run()
"""


def test_a_rebuild_that_is_killed_leaves_the_live_read_models_untouched(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    killed = subprocess.run([sys.executable, "-c", KILLED, world.conninfo], check=False)
    assert killed.returncode == -9
    assert schemas(world) == {*LIVE, *(name.replace("read_models", SHADOW) for name in LIVE)}
    assert [row["usage"] for row in world.usages()] == ["5.00"]
    world.report(usages=[{"type": "gpu", "amount": "7"}])
    assert rebuild_of(world).run().is_live
    assert [row["usage"] for row in world.usages()] == ["7.00"]
    assert schemas(world) == LIVE


def test_two_rebuilds_at_once_are_one_too_many(world: World) -> None:
    def meanwhile(_facts: int, _head: int) -> None:
        with pytest.raises(AlreadyRebuilding):
            rebuild_of(world).run()

    assert Rebuild(world.ledger.pool, world.ledger.facts_after, progress=meanwhile).run().is_live


# --- other versions of the software ---


def test_read_models_of_another_version_are_rebuilt_before_anything_is_served(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("ALTER TABLE component_usage_versions DROP COLUMN provider_uuid CASCADE")
        connection.execute("DROP SCHEMA read_models_as_of CASCADE")
        connection.execute("ALTER TABLE read_position DROP COLUMN built_by")
    with caplog.at_level("WARNING"):
        prepare_database(world.conninfo, world.settings)
    assert "another version" in caplog.text
    assert [row["usage"] for row in world.usages()] == ["5.00"]
    caplog.clear()
    prepare_database(world.conninfo, world.settings)
    assert caplog.text == ""


def test_carried_over_usages_survive_a_rebuild_with_their_ids(world: World) -> None:
    world.report(date="2026-10-03", usages=[{"type": "gpu", "amount": "5", "missing_usage_policy": "reuse"}])
    carried(world)
    before = world.usages()
    assert rebuild_of(world).run().is_live
    assert world.usages() == before
    assert {uuid_of(row["uuid"]) for row in before} == {
        fact.usage_uuid for fact in world.facts(UsageReported)
    }
