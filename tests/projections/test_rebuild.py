"""Throwing read models away: what comes back is what was there, and nobody notices."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.events import UsageReported
from projections.lookups import accounts
from projections.rebuild import OLD, SHADOW, AlreadyRebuilding, Difference, Rebuild, Rebuilt
from tests.world import (
    BASIC,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OTHER_CONSUMER,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    USAGES,
    World,
    open_world,
    uid,
)
from web.commands.carry_over import carry_into, plan_of
from web.runtime.database import prepare_database
from web.wire.fields import uuid_of

Step = Callable[[World], object]


def rebuild_of(world: World, batch: int = 5_000) -> Rebuild:
    return Rebuild(world.ledger.pool, world.ledger.facts_after, batch=batch)


# --- live rows equal rebuilt rows, whatever happened ---

amounts = st.decimals(min_value=-5, max_value=1000, places=2).map(str)
days = st.sampled_from([0, 2, 9, 20, 40])
limits = st.dictionaries(st.sampled_from(["cpu", "gpu"]), st.integers(0, 500), max_size=2)


def described_resource(
    which: str, state: int, limits: dict[str, int], project: str, plan: str
) -> Callable[[World], object]:
    offering = {RESOURCE: OFFERING}.get(which)
    entity: dict[str, Any] = {"uuid": which, "name": f"r{state}", "project_uuid": project, "state": state}
    entity |= {"limits": limits, "plan_uuid": plan, "offering_uuid": offering or OFFERING}
    return lambda world: world.describe(resources=[entity])


def plan_switch(which: int, plan: str, start: int, length: int) -> Step:
    def step(world: World) -> None:
        begin = world.now - timedelta(days=start)
        period = {"uuid": uid(0x9000 + which), "resource_uuid": RESOURCE, "plan_uuid": plan}
        end = {"end": (begin + timedelta(days=length)).isoformat()} if length else {}
        world.describe(resource_plan_periods=[period | {"start": begin.isoformat()} | end])

    return step


def report(resource: str, kind: str, amount: str, back: int, policy: str) -> Step:
    def step(world: World) -> None:
        date = (world.now - timedelta(days=back)).isoformat()
        item = {"type": kind, "amount": amount, "missing_usage_policy": policy}
        world.report(resource=resource, date=date, usages=[item])

    return step


def user_report(which: int, users: list[tuple[str, str]], back: int | None) -> Step:
    def step(world: World) -> None:
        rows = world.usages()
        if rows:
            date = {"date": (world.now - timedelta(days=back)).isoformat()} if back is not None else {}
            items = [{"username": name, "usage": usage} | date for name, usage in users]
            usage = rows[which % len(rows)]["uuid"]
            world.as_("staff").post(f"{USAGES}{usage}/set_user_usages/", {"usages": items})

    return step


def imported(which: int, kind: str, amount: str, back: int, policy: str) -> Step:
    def step(world: World) -> None:
        day = world.now - timedelta(days=back)
        usage = {
            "uuid": uid(0x8000 + which),
            "resource_uuid": RESOURCE,
            "component_uuid": kind,
            "usage": amount,
        }
        usage |= {
            "billing_period": f"{day:%Y-%m}-01",
            "date": day.isoformat(),
            "missing_usage_policy": policy,
        }
        user = {"uuid": uid(0x8100 + which), "component_usage_uuid": uid(0x8000 + which), "username": "ann"}
        world.describe(component_usages=[usage], component_user_usages=[user | {"usage": amount}])

    return step


def later(by: int) -> Step:
    def step(world: World) -> None:
        world.now += timedelta(days=by)

    return step


def carried(world: World) -> object:
    return sum(
        carry_into(month, world.services, lambda _name, _usage: None)
        for month in plan_of(None, world.services).months
    )


steps = st.one_of(
    st.builds(
        described_resource,
        st.sampled_from([RESOURCE, uid(0x77)]),
        st.integers(1, 6),
        limits,
        st.sampled_from([PROJECT, SECOND_PROJECT]),
        st.sampled_from([BASIC, PREMIUM]),
    ),
    st.builds(plan_switch, st.integers(1, 2), st.sampled_from([BASIC, PREMIUM]), days, days),
    st.builds(
        report,
        st.just(RESOURCE),
        st.sampled_from(["cpu", "gpu"]),
        amounts,
        days,
        st.sampled_from(["none", "reuse", "zero"]),
    ),
    st.builds(
        user_report,
        st.integers(0, 5),
        st.lists(st.tuples(st.sampled_from(["ann", "bob", "eve"]), amounts), min_size=1, max_size=4),
        st.none() | days,
    ),
    st.builds(
        imported,
        st.integers(0, 9),
        st.sampled_from([CPU, GPU]),
        amounts,
        days,
        st.sampled_from(["none", "reuse", "zero"]),
    ),
    st.builds(later, st.integers(1, 40)),
    st.just(carried),
    st.builds(
        lambda limit, kind: (
            lambda world: world.describe(
                offering_components=[
                    {
                        "uuid": CPU,
                        "offering_uuid": OFFERING,
                        "type": kind,
                        "name": "CPU",
                        "limit_amount": limit,
                    }
                ]
            )
        ),
        st.integers(0, 50),
        st.sampled_from(["cpu", "cores"]),
    ),
    st.builds(
        lambda customer: (
            lambda world: world.describe(
                projects=[{"uuid": PROJECT, "name": "Project", "customer_uuid": customer}]
            )
        ),
        st.sampled_from([CONSUMER, OTHER_CONSUMER]),
    ),
)


@example([report(RESOURCE, "cpu", "5", 9, "reuse"), report(RESOURCE, "cpu", "9", 0, "none")])
@example([report(RESOURCE, "gpu", "0", 0, "zero"), user_report(0, [("ann", "3"), ("bob", "4")], None)])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=6, max_size=16))
def test_live_rows_equal_rebuilt_rows_whatever_the_size_of_a_batch(
    world_database: Callable[[], AbstractContextManager[str]], history: list[Step]
) -> None:
    with world_database() as url, open_world(url) as world:
        # A plan switch in the middle of the month, so that many histories have more than one row a record.
        plan_switch(0, BASIC, 60, 52)(world)
        plan_switch(1, PREMIUM, 8, 0)(world)
        for step in history:
            step(world)
        for batch in (1, 7, 1_000_000):
            rebuild = rebuild_of(world, batch=batch)
            assert rebuild.run() == Rebuilt(is_live=True)


# --- beside writers and readers ---


def test_a_rebuild_under_eight_writers_is_noticed_by_nobody(world: World) -> None:
    client = world.as_("staff")
    for number in range(8):
        world.report(date=f"2026-{number + 1:02}-02", usages=[{"type": "gpu", "amount": 0}])
    done = Event()
    written: dict[int, int] = {}

    def write(number: int) -> set[int]:
        statuses, amount = set(), 0
        while not done.is_set():
            amount += 1
            body = {"resource": RESOURCE, "date": f"2026-{number + 1:02}-02"}
            body |= {"usages": [{"type": "gpu", "amount": amount}]}  # type: ignore[dict-item]
            statuses.add(client.post(f"{USAGES}set_usage/", body).status_code)
            written[number] = amount
        return statuses

    def read() -> list[str]:
        faults, seen = [], [0.0] * 8
        while not done.is_set():
            rows = client.get(USAGES, o="billing_period", page_size=100).get_json()
            now = [float(row["usage"]) for row in rows]
            if len(now) != 8 or any(new < old for new, old in zip(now, seen, strict=True)):
                faults.append(f"{seen} was followed by {now}")
            seen = now if len(now) == 8 else seen
        return faults

    with ThreadPoolExecutor(10) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(3):
                rebuild = rebuild_of(world)
                assert rebuild.run() == Rebuilt(is_live=True)
        finally:
            done.set()
        assert [writer.result() for writer in writers] == [{201}] * 8
        assert [reader.result() for reader in readers] == [[], []]
    rows = world.usages(o="billing_period")
    assert [row["usage"] for row in rows] == [f"{written[number]}.00" for number in range(8)]
    last = rebuild_of(world)
    assert last.run() == Rebuilt(is_live=True)


# --- when they differ, or end early ---


def tamper(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": "5"}])
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("UPDATE component_usage SET usage = 6")


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
    assert schemas(world) == {"read_models"}


def test_rows_that_somebody_changed_are_mended_by_a_rebuild_that_is_accepted(world: World) -> None:
    tamper(world)
    assert rebuild_of(world).run(accept=True).is_live
    assert [row["usage"] for row in world.usages()] == ["5.00"]


# --- people who were removed ---


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
    assert schemas(world) == {"read_models"}


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
    assert schemas(world) == {"read_models", SHADOW}
    assert [row["usage"] for row in world.usages()] == ["5.00"]
    world.report(usages=[{"type": "gpu", "amount": "7"}])
    assert rebuild_of(world).run().is_live
    assert [row["usage"] for row in world.usages()] == ["7.00"]
    assert schemas(world) == {"read_models"}


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
        connection.execute("ALTER TABLE component_usage DROP COLUMN provider_uuid CASCADE")
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
