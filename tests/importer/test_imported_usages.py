"""Importing usages, and imports that are cut short or meet each other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ledger.events import ResourceDescribed, UsageReported, UserUsageReported
from projections.projector import ProjectingFailed
from tests.importer.files import A_RESOURCE, PERIODS, TWO_PLANS, USAGE, USER_USAGE, counts, without
from tests.support.queueing import is_locked
from tests.world import (
    BASIC,
    GPU,
    NOW,
    OFFERING,
    PROJECT,
    RESOURCE,
    World,
    as_lists,
    open_world,
    uid,
)
from web.importer import importer as importing
from web.importer.importer import import_lists
from web.request.services import Services
from web.wire.failures.database import DATABASE_IS_AWAY

# --- usages -------------------------------------------------------------------------------------------------


def test_an_imported_usage_is_shown_under_its_own_uuid(world: World) -> None:
    world.describe(component_usages=[USAGE | {"created": "2026-05-16T10:00:00"}])
    (row,) = world.usages()
    expected = {
        "uuid": USAGE["uuid"],
        "created": "2026-05-16T10:00:00+00:00",
        "description": "from elsewhere",
        "type": "cpu",
        "usage": "12.50",
        "date": "2026-05-15T00:00:00+00:00",
        "billing_period": "2026-05-01",
        "resource_uuid": RESOURCE,
        "modified_by": None,
        "missing_usage_policy": "none",
    }
    assert {key: row[key] for key in expected} == expected
    assert world.as_("staff").get(f"/api/marketplace-component-usages/{USAGE['uuid']}/").get_json() == row
    (fact,) = world.facts(UsageReported)
    assert isinstance(fact, UsageReported)
    assert (fact.usage_uuid, fact.month, fact.amount, fact.plan_amount, fact.source, fact.reported_by) == (
        UUID(uid(0x5001)),
        date(2026, 5, 1),
        Decimal("12.50"),
        Decimal("12.50"),
        "import",
        None,
    )


def test_a_usage_without_a_date_is_of_the_first_of_its_month(world: World) -> None:
    world.describe(component_usages=[without(USAGE, "date") | {"usage": -0.0, "recurring": True}])
    (row,) = world.usages()
    assert (row["date"], row["usage"], row["missing_usage_policy"], row["recurring"]) == (
        "2026-05-01T00:00:00+00:00",
        "0.00",
        "reuse",
        True,
    )


def test_an_imported_user_usage_is_shown_under_its_own_uuid(world: World) -> None:
    world.describe(
        component_usages=[USAGE],
        component_user_usages=[USER_USAGE, USER_USAGE | {"uuid": uid(0x6002), "username": "member02"}],
    )
    rows = world.user_usages(o="username")
    assert [
        (row["uuid"], row["component_usage"].split("/")[-2], row["username"], row["usage"]) for row in rows
    ] == [
        (uid(0x6001), USAGE["uuid"], "member01", "2.50"),
        (uid(0x6002), USAGE["uuid"], "member02", "2.50"),
    ]
    assert [row["usage"] for row in world.usages()] == ["12.50"]
    facts = world.facts(UserUsageReported)
    assert [
        (fact.originator_version, fact.source) for fact in facts if isinstance(fact, UserUsageReported)
    ] == [
        (2, "import"),
        (3, "import"),
    ]


def test_a_file_may_hold_usages_of_what_earlier_files_described(world: World) -> None:
    world.describe(resource_plan_periods=PERIODS)
    world.describe(component_usages=TWO_PLANS)
    world.describe(component_user_usages=[USER_USAGE])
    assert len(world.usages()) == 2
    assert [row["uuid"] for row in world.user_usages()] == [USER_USAGE["uuid"]]


def test_usages_of_several_plans_in_one_month_stand_side_by_side(world: World) -> None:
    lists: Any = {"resource_plan_periods": PERIODS, "component_usages": TWO_PLANS}
    world.describe(**lists)
    rows = {row["uuid"]: (row["usage"], row["missing_usage_policy"]) for row in world.usages()}
    # An import is no report, which would end the policy of the other row.
    assert rows == {uid(0x5001): ("100.00", "reuse"), uid(0x5002): ("50.00", "none")}
    assert counts(world.describe(**lists))["component_usages"] == {"unchanged": 2}
    # And a report goes on from there: 150 in all are 50 under the second plan.
    response = world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 160}])
    assert response.status_code == 201
    rows = {row["uuid"]: (row["usage"], row["missing_usage_policy"]) for row in world.usages()}
    assert rows == {uid(0x5001): ("100.00", "none"), uid(0x5002): ("60.00", "none")}


def test_a_usage_that_was_reported_meanwhile_is_kept(world: World) -> None:
    world.describe(component_usages=[USAGE], component_user_usages=[USER_USAGE])
    world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 99}])
    world.report_user(uid(0x5001), username="member01", usage=9)
    before = world.usages(), world.user_usages(), world.facts()
    summary = world.describe(component_usages=[USAGE], component_user_usages=[USER_USAGE])
    assert counts(summary) == {"component_usages": {"kept": 1}, "component_user_usages": {"kept": 1}}
    assert (world.usages(), world.user_usages(), world.facts()) == before
    assert [row["usage"] for row in world.usages()] == ["99.00"]


def test_a_usage_of_another_uuid_that_is_there_for_the_same_month_is_kept(world: World) -> None:
    world.report(date="2026-05-20T00:00:00Z", usages=[{"type": "cpu", "amount": 99}])
    (reported,) = world.usages()
    world.report_user(reported["uuid"], username="member01", usage=9)
    users = [USER_USAGE, USER_USAGE | {"uuid": uid(0x6002), "username": "member02"}]
    summary = world.describe(component_usages=[USAGE], component_user_usages=users)
    assert counts(summary) == {
        "component_usages": {"kept": 1},
        "component_user_usages": {"kept": 1, "new": 1},
    }
    # Users that nobody has reported yet are added to what stands.
    rows = world.user_usages(o="username")
    assert [(row["username"], row["usage"], row["component_usage"].split("/")[-2]) for row in rows] == [
        ("member01", "9.00", reported["uuid"]),
        ("member02", "2.50", reported["uuid"]),
    ]
    assert world.usages() == [reported]
    again = world.describe(component_usages=[USAGE], component_user_usages=users)
    assert counts(again) == {
        "component_usages": {"kept": 1},
        "component_user_usages": {"kept": 1, "unchanged": 1},
    }


def test_a_uuid_that_stands_for_something_else_is_kept(world: World) -> None:
    world.describe(component_usages=[USAGE])
    before = world.usages()
    summary = world.describe(component_usages=[USAGE | {"component_uuid": GPU}])
    assert counts(summary) == {"component_usages": {"kept": 1}}
    assert world.usages() == before


def test_naive_times_are_local_times_of_the_ledger(world_url: str) -> None:
    with open_world(world_url, "Europe/Tallinn") as tallinn:
        tallinn.describe(component_usages=[USAGE | {"date": "2026-05-15T00:00:00"}])
        (fact,) = tallinn.facts(UsageReported)
        assert isinstance(fact, UsageReported)
        assert fact.measured_at == datetime(2026, 5, 14, 21, 0, tzinfo=UTC)


MANY: Any = {
    "users": [{"uuid": uid(0x10000 + n), "username": f"user-{n}"} for n in range(20)],
    "resources": [
        {"uuid": uid(0x20000 + n), "name": f"R{n}", "offering_uuid": OFFERING, "project_uuid": PROJECT}
        | {"plan_uuid": BASIC}
        for n in range(20)
    ],
    "component_usages": [
        USAGE | {"uuid": uid(0x30000 + n), "resource_uuid": uid(0x20000 + n), "usage": n} for n in range(20)
    ],
    "component_user_usages": [
        USER_USAGE
        | {"uuid": uid(0x40000 + n), "component_usage_uuid": uid(0x30000 + n), "username": f"user-{n}"}
        for n in range(20)
    ],
}


# --- cut short, and at the same time ------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 4, 7, 10])
def test_an_import_that_was_cut_short_is_finished_by_running_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 7)
    done = []

    def lose_the_database(name: str, _: int) -> None:
        if name != "checking":
            done.append(name)
        if len(done) == steps:
            with psycopg.connect(world.conninfo, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    before = len(world.facts())
    with pytest.raises((*DATABASE_IS_AWAY, ProjectingFailed)):
        import_lists(as_lists(MANY), world.services, lose_the_database)
    world.ledger.check_connections()  # another process has other ones
    stored = sum(min(20, 7 * done.count(name)) for name in MANY)
    assert len(world.facts()) - before == stored
    summary = world.describe(**MANY)
    assert sum(counted["new"] for counted in summary.values()) == 80 - stored
    assert sum(counted["unchanged"] for counted in summary.values()) == stored
    assert len(world.facts()) - before == 80
    assert world.as_("staff").get("/api/marketplace-component-usages/").headers["X-Result-Count"] == "20"
    assert counts(world.describe(**MANY)) == {name: {"unchanged": 20} for name in MANY}


def test_reports_that_come_in_during_an_import_are_neither_lost_nor_overridden(world: World) -> None:
    world.describe(resources=MANY["resources"])
    client = world.as_("staff")
    months = [f"2026-{month:02}" for month in range(1, 7)]
    usages = [
        USAGE
        | {"uuid": uid(0x30000 + n * 16 + m), "resource_uuid": uid(0x20000 + n)}
        | {"usage": 1, "billing_period": f"{month}-01", "date": f"{month}-15"}
        for n in range(20)
        for m, month in enumerate(months)
    ]

    def report(n: int) -> list[int]:
        return [
            client.post(
                "/api/marketplace-component-usages/set_usage/",
                {
                    "resource": uid(0x20000 + n),
                    "date": f"{month}-20",
                    "usages": [{"type": "cpu", "amount": amount}],
                },
            ).status_code
            for month in months
            for amount in (2, 3)
        ]

    with ThreadPoolExecutor(6) as threads:
        reports = [threads.submit(report, n) for n in range(0, 20, 2)]
        imports = [threads.submit(world.describe, component_usages=usages) for _ in range(2)]
        assert [status for each in reports for status in each.result()] == [201] * 120
        summaries = [each.result()["component_usages"] for each in imports]
    assert all(sum(summary.values()) == 120 for summary in summaries)
    rows = world.usages(page_size=300)
    standing = {(row["resource_uuid"], row["billing_period"][:7]): row["usage"] for row in rows}
    assert len(rows) == 120
    assert standing == {
        (uid(0x20000 + n), month): "1.00" if n % 2 else "3.00" for n in range(20) for month in months
    }
    by_stream: dict[UUID, list[int]] = {}
    for fact in world.facts(UsageReported):
        by_stream.setdefault(fact.originator_id, []).append(fact.originator_version)
    assert all(versions == list(range(1, len(versions) + 1)) for versions in by_stream.values())
    assert len(by_stream) == 120


def test_an_import_that_was_overtaken_is_decided_anew_with_the_journal_locked(world: World) -> None:
    world.describe(resources=MANY["resources"])
    usages, was_locked = [{"type": "cpu", "amount": 77}], []

    def reporting_clock() -> datetime:
        """Before the first decision is appended, somebody reports what it decided about."""
        was_locked.append(is_locked(world))
        if len(was_locked) == 1:
            faster = world.report(resource=MANY["resources"][1]["uuid"], date="2026-05-20", usages=usages)
            assert faster.status_code == 201
        return NOW

    services = Services(world.ledger, world.projector, reporting_clock)
    summary = import_lists(as_lists({"component_usages": MANY["component_usages"]}), services)
    assert counts(summary) == {"component_usages": {"new": 19, "kept": 1}}
    assert was_locked == [False, True]
    rows = world.usages(page_size=100)
    assert len(rows) == 20
    assert [row["resource_uuid"] for row in rows if row["usage"] == "77.00"] == [MANY["resources"][1]["uuid"]]


def test_an_import_of_a_catalogue_changes_no_older_fact(world: World) -> None:
    before = world.facts()
    world.describe(resources=[A_RESOURCE | {"name": "Renamed"}])
    assert world.facts()[: len(before)] == before
    described = [fact for fact in world.facts(ResourceDescribed) if isinstance(fact, ResourceDescribed)]
    assert [fact.entity.name for fact in described if fact.entity.uuid == UUID(RESOURCE)] == [
        "Resource",
        "Renamed",
    ]
