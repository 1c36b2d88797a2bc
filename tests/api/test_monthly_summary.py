"""The monthly summary: what was consumed and allocated."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from ledger.events import ResourceDescribed
from projections.read_models import dispatch
from projections.writers.limits.allocation import COMPONENT_LIMITS, RESOURCE_LIMITS
from tests import controls
from tests.api.monthly import MONTHLY, describe_resource, entity, figures, report, rows
from tests.world import (
    BASIC,
    CATEGORY,
    CPU,
    OFFERING,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    uid,
)

# Rows


def test_a_row_says_all_there_is_of_a_component_in_a_month_in_the_order_of_the_reference(
    world: World,
) -> None:
    world.describe(
        offerings=[entity("offerings", OFFERING, category_uuid=CATEGORY)],
        offering_components=[entity("offering_components", CPU, limit_amount="1000.75")],
    )
    report(world, 250)
    row = controls.monthly_row(
        category_uuid=CATEGORY,
        category_title="HPC",
        limit_amount=1000,
        total_consumed="250.00",
        total_allocated="1000.75",
        usage_percent="24.98",
    )
    assert world.as_("staff").get(MONTHLY).data == msgspec.json.encode([row])


def test_what_nobody_limited_or_put_in_a_category_has_neither_percent_nor_limit(world: World) -> None:
    report(world, "0.5")
    [row] = rows(world)
    shown = ("limit_amount", "total_consumed", "total_allocated", "usage_percent")
    assert [row[name] for name in shown] == [None, "0.50", "0.00", None]
    assert (row["category_uuid"], row["category_title"]) == (uid(0), "")


def test_a_world_in_which_nothing_is_limited_or_used_has_no_rows(world: World) -> None:
    report(world, 0)
    assert rows(world, start="") == []


# Live


def test_consumption_is_the_sum_of_the_last_reports_of_all_resources(world: World) -> None:
    describe_resource(world, {}, uid(0x77))
    report(world, 100)
    assert figures(world) == [("2026-11", "CPU", "100.00", "0.00", None)]
    report(world, "20.25", resource=uid(0x77))
    report(world, 7, resource=SECOND_RESOURCE)
    report(world, 90)
    assert figures(world) == [
        ("2026-11", "vCPU", "7.00", "0.00", None),
        ("2026-11", "CPU", "110.25", "0.00", None),
    ]
    report(world, 0)
    report(world, 0, resource=uid(0x77))
    assert figures(world) == [("2026-11", "vCPU", "7.00", "0.00", None)]


def test_rows_of_several_plans_add_up_to_the_months_total(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    world.describe(
        resource_plan_periods=[
            {"uuid": uid(0x51), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": switch},
            {"uuid": uid(0x52), "resource_uuid": RESOURCE, "plan_uuid": uid(0xB2), "start": switch},
        ]
    )
    report(world, 100, "2026-11-05")
    report(world, 150, "2026-11-12")
    assert [row["usage"] for row in world.usages()] == ["50.00", "100.00"]
    assert figures(world) == [("2026-11", "CPU", "150.00", "0.00", None)]


def test_a_total_that_follows_from_users_counts_as_consumed(world: World) -> None:
    report(world, 0, type="gpu")
    [usage] = world.usages()
    world.report_user(usage["uuid"], username="ann", usage="1.5")
    assert figures(world) == [("2026-11", "GPU", "1.50", "0.00", None)]
    world.report_user(usage["uuid"], username="bob", usage=4, date="2026-09-20")
    assert figures(world, start="") == [
        ("2026-11", "GPU", "1.50", "0.00", None),
        ("2026-09", "GPU", "4.00", "0.00", None),
    ]


def test_a_changed_limit_shows_at_once(world: World) -> None:
    report(world, 50)
    describe_resource(world, {"cpu": 100})
    describe_resource(world, {"cpu": "60.5", "gpu": 3}, uid(0x77))
    assert figures(world) == [
        ("2026-11", "CPU", "50.00", "160.50", "31.15"),
        ("2026-11", "GPU", "0.00", "3.00", "0.00"),
    ]
    describe_resource(world, {"cpu": 200, "gpu": None})
    describe_resource(world, {}, uid(0x77))
    assert figures(world) == [("2026-11", "CPU", "50.00", "200.00", "25.00")]


@pytest.mark.parametrize(
    ("state", "allocated"), [(1, None), (2, "9"), (3, "9"), (4, "9"), (5, "9"), (6, None)]
)
def test_a_resource_holds_its_limits_while_it_is_there(
    world: World, state: int, allocated: str | None
) -> None:
    report(world, 3)
    describe_resource(world, {"cpu": 9}, state=state)
    expected = ("9.00", "33.33") if allocated else ("0.00", None)
    assert figures(world) == [("2026-11", "CPU", "3.00", *expected)]


def test_a_terminated_resource_keeps_what_it_consumed_and_what_it_had(world: World) -> None:
    describe_resource(world, {"cpu": 10})
    report(world, 5)
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    describe_resource(world, {"cpu": 10}, state=6)
    assert figures(world, start="2026-11") == [("2026-11", "CPU", "5.00", "10.00", "50.00")]


def test_rows_are_named_as_the_catalogue_has_it_now(world: World) -> None:
    report(world, 5)
    world.describe(
        customers=[entity("customers", PROVIDER, name="Renamed provider")],
        offerings=[entity("offerings", OFFERING, name="Renamed offering", type="Other")],
        offering_components=[
            entity("offering_components", CPU, name="Cores", measured_unit="h", billing_type="limit")
        ],
    )
    named = ("service_provider_name", "offering_name", "offering_type", "component_name", "measured_unit")
    [row] = rows(world)
    assert [row[name] for name in (*named, "billing_type")] == [
        *("Renamed provider", "Renamed offering", "Other", "Cores", "h", "limit")
    ]


def test_a_resource_that_moves_to_another_offering_takes_its_limit_along_and_leaves_its_usage(
    world: World,
) -> None:
    describe_resource(world, {"cpu": 10})
    report(world, 4)
    world.now += timedelta(days=30)
    describe_resource(world, {"cpu": 10}, offering_uuid=SECOND_OFFERING)
    assert figures(world, start="2026-11") == [
        ("2026-12", "vCPU", "0.00", "10.00", "0.00"),
        ("2026-11", "CPU", "4.00", "10.00", "40.00"),
    ]


# Routes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_summary_can_only_be_read(quarter: World, method: str) -> None:
    response = quarter.as_("staff").send(method, MONTHLY)
    expected = {"detail": f'Method "{method}" not allowed.'}
    assert (response.status_code, response.get_json()) == (405, expected)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nobody_reads_the_summary_anonymously(quarter: World, method: str) -> None:
    response = quarter.anonymous.send(method, MONTHLY)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Token")


def test_a_row_of_the_summary_has_no_address_of_its_own(quarter: World) -> None:
    response = quarter.as_("staff").get(f"{MONTHLY}{CPU}/")
    assert (response.status_code, response.get_json()) == (404, {"detail": "Not found."})


# Of the tables that grow with resources; those of an offering's components are small, and read whole.
ROWS_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
WHERE relname NOT IN ('component', 'component_limit', 'allocation')"""


# Cost


def test_sums_follow_a_fact_without_reading_the_other_resources_of_the_offering(world: World) -> None:
    many = range(0x20000, 0x20000 + 2000)  # of fewer, PostgreSQL rather reads all than looks one up
    world.describe(
        resources=[entity("resources", RESOURCE, uuid=uid(n), limits={"cpu": 1}) for n in many],
        component_usages=[
            {"uuid": uid(n), "resource_uuid": uid(n), "component_uuid": CPU, "usage": 1}
            | {"billing_period": "2026-11-01"}
            for n in many
        ],
    )
    report(world, 5, resource=uid(many[7]))
    describe_resource(world, {"cpu": 2}, uid(many[8]))
    [(report_at, reported), (position, described)] = world.ledger.facts_after(0, 1_000_000)[-2:]
    assert isinstance(described, ResourceDescribed)
    changed = replace(described, entity=replace(described.entity, limits={"cpu": Decimal(3)}))
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        connection.execute("ANALYZE")
        connection.commit()
        facts = [(report_at, reported), (position, changed)]
        dispatch(connection.cursor(), facts, (RESOURCE_LIMITS, COMPONENT_LIMITS))
        [read] = connection.execute(ROWS_READ).fetchall()
        connection.rollback()
    assert read["sum"] < 10
