"""Histories against a model in Python, whatever was reported, and those of journals of earlier versions."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.events import Fact, Report, UsageReported, UserUsageReported
from tests.audit.test_history import Version, history
from tests.ledger.test_old_journals import NAMES, world_of
from tests.projections.test_rebuilt_rows import Step, plan_switch, report, steps, user_report
from tests.world import BASIC, PREMIUM, RESOURCE, USAGES, USER_USAGES, World, open_world


class Said(NamedTuple):
    """The columns that a row states by itself."""

    usage: Decimal
    rest: tuple[Any, ...] = ()
    policy: str = ""


class Expected(NamedTuple):
    """A revision, as far as facts alone tell it."""

    position: int
    fact: Report
    amount: Decimal | None
    before: Decimal | None
    after: Decimal


def revisions_of(facts: list[tuple[int, Fact]]) -> dict[UUID, list[Expected]]:
    """Every row's revisions, oldest first: folded from the facts, one after the other."""
    rows: dict[UUID, Said] = {}
    records: dict[UUID, set[UUID]] = {}
    found: dict[UUID, list[Expected]] = {}
    for position, fact in facts:
        changes: dict[UUID, tuple[Said, Decimal | None]] = {}
        if isinstance(fact, UsageReported):
            record = records.setdefault(fact.originator_id, set())
            if fact.source != "import":
                changes = {other: (rows[other]._replace(policy="none"), None) for other in record}
            record.add(fact.usage_uuid)
            rest = fact.measured_at, fact.description, fact.plan_uuid, fact.plan_period_uuid, fact.reported_by
            said = Said(fact.plan_amount, rest, fact.missing_usage_policy)
            changes[fact.usage_uuid] = said, fact.amount
        elif isinstance(fact, UserUsageReported):
            changes[fact.user_usage_uuid] = Said(fact.amount, (fact.recorded_at,)), fact.amount
            if fact.total is not None:
                changes[fact.usage_uuid] = rows[fact.usage_uuid]._replace(usage=fact.total), fact.total
        for uuid, (said, amount) in changes.items():
            before = rows.get(uuid)
            if said != before:
                assert isinstance(fact, Report)
                revision = Expected(position, fact, amount, before and before.usage, said.usage)
                found.setdefault(uuid, []).append(revision)
                rows[uuid] = said
    return found


def told(expected: Expected) -> dict[str, Any]:
    """Return this as a version has it on the wire."""
    fact, before = expected.fact, expected.before
    return {
        "id": expected.position,
        "position": expected.position,
        "revision_comment": fact.reason,
        "fact": fact.TOPIC,
        "source": fact.source,
        "amount": None if expected.amount is None else f"{expected.amount:.2f}",
        "usage_before": None if before is None else f"{before:.2f}",
        "usage_after": f"{expected.after:.2f}",
        "delta": f"{expected.after - (before or 0):.2f}",
        "token_uuid": fact.token_uuid and fact.token_uuid.hex,
        "agent": fact.agent,
        "request_id": fact.request_id,
    }


def histories(world: World) -> dict[UUID, list[Version]]:
    """The history of every usage and user usage that there is."""
    return {
        UUID(row["uuid"]): history(world, row["uuid"], path, page_size=300)
        for path in (USAGES, USER_USAGES)
        for row in world.as_("staff").get(path, page_size=300).get_json()
    }


def assert_told(world: World) -> None:
    """That the histories are those of the model."""
    expected = revisions_of(world.ledger.facts_after(0, 1_000_000))
    answered = histories(world)
    assert answered.keys() == expected.keys()
    for uuid, versions in answered.items():
        model = [told(each) for each in reversed(expected[uuid])]
        assert [
            {name: version[name] for name in told_} for version, told_ in zip(versions, model, strict=True)
        ] == model
        for version in versions:
            assert version["serialized_data"]["uuid"] == uuid.hex
            assert version["serialized_data"]["usage"] == version["usage_after"]


def assert_as_of(world: World) -> None:
    """That each revision stands between the rows as of its position and as of the one before it."""
    staff = world.as_("staff")
    for path in (USAGES, USER_USAGES):
        for row in staff.get(path, page_size=300).get_json():
            url = f"{path}{row['uuid']}/"
            versions = history(world, row["uuid"], path, page_size=300)
            for place, version in enumerate(versions):
                at = version["position"]
                assert staff.get(url, as_of=at).get_json() == version["serialized_data"]
                then = history(world, row["uuid"], path, page_size=300, as_of=at)
                assert list(map(without_steps, then)) == list(map(without_steps, versions[place:]))
                before = staff.get(url, as_of=at - 1)
                if version["usage_before"] is None:
                    assert before.status_code == 404
                else:
                    assert before.get_json()["usage"] == version["usage_before"]
            response = staff.get(f"{url}history/", as_of=versions[-1]["position"] - 1)
            assert response.status_code == 404


def without_steps(version: dict[str, Any]) -> dict[str, Any]:
    """Return a revision that names its correction alone, of which other steps may follow."""
    correction = version["correction"]
    return version | {"correction": correction and correction["uuid"]}


def rows_now(world: World) -> dict[str, dict[str, Any]]:
    staff = world.as_("staff")
    lists = (staff.get(path, page_size=300).get_json() for path in (USAGES, USER_USAGES))
    return {row["uuid"]: row for rows in lists for row in rows}


@example([report(RESOURCE, "cpu", "5", 9, "reuse"), report(RESOURCE, "cpu", "9", 0, "none")])
@example([report(RESOURCE, "gpu", "0", 0, "zero"), user_report(0, [("ann", "3"), ("bob", "4")], None)])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=6, max_size=16))
def test_a_history_has_each_fact_that_changed_the_row_and_the_row_as_the_retrieve_showed_it_then(
    world_database: Callable[[], AbstractContextManager[str]], told_steps: list[Step]
) -> None:
    with world_database() as url, open_world(url) as world:
        plan_switch(0, BASIC, 60, 52)(world)
        plan_switch(1, PREMIUM, 8, 0)(world)
        shown: dict[tuple[str, int], dict[str, Any]] = {}
        for step in told_steps:
            before = world.projector.catch_up()
            step(world)
            newest = {
                uuid.hex: found[-1].position
                for uuid, found in revisions_of(world.ledger.facts_after(0, 1_000_000)).items()
            }
            last = world.projector.catch_up()
            for uuid, row in rows_now(world).items():
                # A row that a later fact of the same request moved is not shown by any retrieve.
                if newest[uuid] == last > before:
                    shown[uuid, last] = row
        assert_told(world)
        found = {
            (uuid.hex, version["position"]): version["serialized_data"]
            for uuid, versions in histories(world).items()
            for version in versions
        }
        assert {key: found[key] for key in shown} == shown
        assert_as_of(world)


@pytest.mark.parametrize("name", NAMES)
def test_a_journal_of_november_2026_has_histories(database_url: str, name: str) -> None:
    with world_of(name, database_url) as world:
        assert_told(world)
        assert_as_of(world)
        for versions in histories(world).values():
            for version in versions:
                assert version["revision_user"] is not None or version["source"] == "import"
                assert (version["revision_comment"] == "") == (version["correction"] is None)
