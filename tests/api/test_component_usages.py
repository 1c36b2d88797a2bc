"""Reading component usages, with their filters and columns."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests import controls
from tests.conftest import database
from tests.support.refusals import NOT_A_DATE, NOT_A_NUMBER, NOT_A_UUID, dashed, not_available
from tests.world import (
    CONSUMER,
    NOW,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    World,
    open_world,
    uid,
)

UNKNOWN = uid(0xDEAD)


def report_five(world: World) -> None:
    """Usages of three resources, told apart by their amounts; newest first they are 4, 1, 2, 3, 5."""
    for resource, written, items in [
        (OTHER_RESOURCE, "2025-11-30", [("cpu", 5, "none")]),
        (RESOURCE, "2026-10-31T23:59:59.999999Z", [("cpu", 3, "zero")]),
        (RESOURCE, "2026-11-10T08:00:00Z", [("cpu", 1, "none"), ("gpu", 2, "reuse")]),
        (SECOND_RESOURCE, "2026-11-11T00:00:00Z", [("cpu", 4, "none")]),
    ]:
        usages = [
            {"type": component_type, "amount": amount, "missing_usage_policy": policy}
            for component_type, amount, policy in items
        ]
        assert world.report(resource=resource, date=written, usages=usages).status_code == 201


@pytest.fixture(scope="module", name="five")
def world_with_five(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        report_five(world)
        yield world


def listed(world: World, query: Any) -> list[int]:
    """The amounts of the usages that a query finds, in its order."""
    response = world.as_("staff").send("GET", USAGES, query_string=query)
    assert response.status_code == 200, response.data
    return [int(float(row["usage"])) for row in response.get_json()]


def refusal(world: World, query: Any) -> Any:
    response = world.as_("staff").send("GET", USAGES, query_string=query)
    assert response.status_code == 400
    return response.get_json()


# Rows


def test_a_row_says_all_there_is_of_a_usage_in_the_order_of_the_reference(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "12.5"}], by="provider-owner")
    response = world.as_("staff").get(USAGES)
    uuid = response.get_json()[0]["uuid"]
    assert len(uuid) == 32
    row = controls.usage_row(uuid=uuid, usage="12.50", modified_by=4)
    assert response.data == msgspec.json.encode([row])
    assert world.as_("staff").get(f"{USAGES}{uuid}/").data == msgspec.json.encode(row)


def test_a_row_changes_with_the_last_report_but_stays_the_same_usage(world: World) -> None:
    item = {"type": "cpu", "amount": 7, "description": "Half a month", "missing_usage_policy": "reuse"}
    world.report(usages=[item], date="2026-11-02T03:04:05.000678+02:00")
    before = world.usages()[0]
    assert before == controls.usage_row(
        uuid=before["uuid"],
        description="Half a month",
        usage="7.00",
        date="2026-11-02T01:04:05.000678+00:00",
        missing_usage_policy="reuse",
        recurring=True,
    )
    world.now = NOW.replace(day=16)
    world.report(usages=[{"type": "cpu", "amount": 8}], by="offering-manager")
    assert world.usages() == [
        before
        | {
            "description": "",
            "usage": "8.00",
            "date": "2026-11-16T12:00:00+00:00",
            "missing_usage_policy": "none",
            "recurring": False,
            "modified_by": 3,
        }
    ]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0.00"),
        ("-0", "0.00"),
        ("0.1", "0.10"),
        (5, "5.00"),
        ("1e3", "1000.00"),
        ("999999999999999999.99", "999999999999999999.99"),
        ("-999999999999999999.99", "-999999999999999999.99"),
    ],
)
def test_an_amount_is_shown_as_a_string_with_two_decimals(world: World, amount: Any, shown: str) -> None:
    world.report(usages=[{"type": "gpu", "amount": amount}])
    assert [row["usage"] for row in world.usages()] == [shown]


def test_names_are_those_that_the_catalogue_has_now(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    before = world.usages()
    world.describe(
        customers=[{"uuid": CONSUMER, "name": "Renamed consumer"}],
        projects=[{"uuid": PROJECT, "name": "Renamed project", "customer_uuid": CONSUMER}],
        resources=[
            {
                "uuid": RESOURCE,
                "name": 'Umbenannt "\u00e4\u5b57"',
                "offering_uuid": OFFERING,
                "project_uuid": PROJECT,
            }
        ],
    )
    renamed = {
        "customer_name": "Renamed consumer",
        "project_name": "Renamed project",
        "resource_name": 'Umbenannt "\u00e4\u5b57"',
    }
    assert world.usages() == [before[0] | renamed]


def test_whoever_is_described_later_gets_a_later_number(world: World) -> None:
    world.describe(users=[{"uuid": uid(13), "username": "new", "is_staff": True}])
    world.report(by="new", usages=[{"type": "cpu", "amount": 1}])
    assert [row["modified_by"] for row in world.usages()] == [13]


def test_nothing_is_listed_before_anything_is_reported(world: World) -> None:
    response = world.as_("staff").get(USAGES)
    assert (response.status_code, response.data) == (200, b"[]")


# Filters


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 1, 2, 3, 5]),
        ("resource_uuid=" + RESOURCE, [1, 2, 3]),
        ("resource_uuid=" + dashed(RESOURCE), [1, 2, 3]),
        ("resource_uuid=" + UNKNOWN, []),
        ("resource_uuid=", [4, 1, 2, 3, 5]),
        (f"resource_uuid={RESOURCE}&resource_uuid={SECOND_RESOURCE}", [4]),
        (f"resource_uuid={RESOURCE}&resource_uuid=", [4, 1, 2, 3, 5]),
        ("offering_uuid=" + OFFERING, [1, 2, 3]),
        ("offering_uuid=" + dashed(SECOND_OFFERING), [4]),
        ("offering_uuid=" + OTHER_OFFERING, [5]),
        ("project_uuid=" + PROJECT, [1, 2, 3]),
        ("project_uuid=" + SECOND_PROJECT, [4]),
        ("project_uuid=" + dashed(OTHER_PROJECT), [5]),
        ("customer_uuid=" + CONSUMER, [4, 1, 2, 3]),
        ("customer_uuid=" + dashed(OTHER_CONSUMER), [5]),
        ("customer_uuid=" + PROVIDER, []),
        ("type=cpu", [4, 1, 3, 5]),
        ("type=CPU", []),
        ("type=cp", []),
        ("type=c%25", []),
        ("type=", [4, 1, 2, 3, 5]),
        ("type=cpu&type=gpu", [2]),
        ("billing_period=2026-11-01", [4, 1, 2]),
        ("billing_period=2026-11-02", []),
        ("billing_period=2026-10-01", [3]),
        ("billing_period=10/01/2026", [3]),
        ("billing_period=10/01/26", [3]),
        ("billing_period=Oct 1 2026", [3]),
        ("billing_period=Oct 1, 2026", [3]),
        ("billing_period=1 October, 2026", [3]),
        ("billing_period=", [4, 1, 2, 3, 5]),
        ("billing_period_year=2026", [4, 1, 2, 3]),
        ("billing_period_year=2026.0", [4, 1, 2, 3]),
        ("billing_period_year=2026.5", [4, 1, 2, 3]),
        ("billing_period_year=2025", [5]),
        ("billing_period_year=99999999999999999999", []),
        ("billing_period_year=-2026", []),
        ("billing_period_month=11", [4, 1, 2, 5]),
        ("billing_period_month=10", [3]),
        ("billing_period_month=010", [3]),
        ("billing_period_month=1", []),
        ("billing_period_month=13", []),
        ("billing_period_year=2026&billing_period_month=11", [4, 1, 2]),
        ("date_after=2026-11-10", [4, 1, 2]),
        ("date_after=2026-11-11", [4]),
        ("date_after=2026-11-12", []),
        ("date_after=11/11/2026", [4]),
        ("date_after=0001-01-01", [4, 1, 2, 3, 5]),
        ("date_before=2026-11-10", [1, 2, 3, 5]),
        ("date_before=2026-10-31", [3, 5]),
        ("date_before=2026-10-30", [5]),
        ("date_before=2025-11-30", [5]),
        ("date_before=2025-11-29", []),
        ("date_before=9999-12-31", [4, 1, 2, 3, 5]),
        ("date_after=2026-10-31&date_before=2026-11-10", [1, 2, 3]),
        ("missing_usage_policy=none", [4, 1, 5]),
        ("missing_usage_policy=reuse", [2]),
        ("missing_usage_policy=reuse&missing_usage_policy=zero", [2, 3]),
        ("missing_usage_policy=reuse&missing_usage_policy=", [2]),
        ("missing_usage_policy=", [4, 1, 2, 3, 5]),
        (f"resource=/api/marketplace-resources/{RESOURCE}/", [1, 2, 3]),
        (f"resource=/api/marketplace-resources/{dashed(SECOND_RESOURCE)}/", [4]),
        (
            f"resource=https%3A%2F%2Felsewhere.example%2Fapi%2Fmarketplace-resources%2F{RESOURCE}%2F",
            [1, 2, 3],
        ),
        (f"resource=/api/marketplace-resources/{UNKNOWN}/", []),
        ("resource=/api/marketplace-resources/zzz/", []),
        (f"resource=/api/marketplace-resources/{RESOURCE}", []),
        (f"resource=api/marketplace-resources/{RESOURCE}/", []),
        (f"resource=/api/projects/{PROJECT}/", []),
        (f"resource={RESOURCE}", []),
        ("resource=/routed/nowhere/", []),
        ("resource=http%3A%2F%2F%5B", []),
        ("resource=", [4, 1, 2, 3, 5]),
        (f"resource=/api/marketplace-resources/{RESOURCE}/&type=gpu", [2]),
        (f"resource=/api/marketplace-resources/{RESOURCE}/&resource_uuid={SECOND_RESOURCE}", []),
        (f"customer_uuid={CONSUMER}&type=cpu&billing_period=2026-11-01&date_before=2026-11-10", [1]),
        (f"project_uuid={PROJECT}&customer_uuid={OTHER_CONSUMER}", []),
        ("component_uuid=zzz&recurring=zzz&name=zzz&username=zzz&date=zzz&uuid=zzz", [4, 1, 2, 3, 5]),
    ],
)
def test_a_filter_finds_what_it_says_and_filters_add_up(five: World, query: str, found: list[int]) -> None:
    assert listed(five, query) == found


@pytest.mark.parametrize(
    ("query", "body"),
    [
        *((f"{name}_uuid=zzz", {f"{name}_uuid": NOT_A_UUID}) for name in ("resource", "offering", "project")),
        ("customer_uuid=" + CONSUMER + "0", {"customer_uuid": NOT_A_UUID}),
        ("customer_uuid=1", {"customer_uuid": NOT_A_UUID}),
        ("billing_period=2026-11", {"billing_period": NOT_A_DATE}),
        ("billing_period=2026-11-31", {"billing_period": NOT_A_DATE}),
        ("billing_period=2026-11-01T00:00:00Z", {"billing_period": NOT_A_DATE}),
        ("date_after=yesterday", {"date_after": NOT_A_DATE}),
        ("date_before=2026-13-01", {"date_before": NOT_A_DATE}),
        ("billing_period_year=abc", {"billing_period_year": NOT_A_NUMBER}),
        ("billing_period_year=2_026", {"billing_period_year": NOT_A_NUMBER}),
        ("billing_period_month=NaN", {"billing_period_month": NOT_A_NUMBER}),
        ("billing_period_month=Infinity", {"billing_period_month": NOT_A_NUMBER}),
        ("billing_period_month=1,5", {"billing_period_month": NOT_A_NUMBER}),
        ("missing_usage_policy=bogus", {"missing_usage_policy": not_available("bogus")}),
        (
            "missing_usage_policy=none&missing_usage_policy=NONE",
            {"missing_usage_policy": not_available("NONE")},
        ),
        ("o=bogus", {"o": not_available("bogus")}),
        ("o=usage,-bogus", {"o": not_available("-bogus")}),
        ("o=--usage", {"o": not_available("--usage")}),
        ("o=-", {"o": not_available("-")}),
        ("o=date", {"o": not_available("date")}),
        ("o=usage;DROP TABLE component_usage", {"o": not_available("usage;DROP TABLE component_usage")}),
        ("type=a%00b", {"type": ["Null characters are not allowed."]}),
        (
            "resource_uuid=zzz&date_after=zzz&o=zzz&page=zzz",
            {"resource_uuid": NOT_A_UUID, "date_after": NOT_A_DATE, "o": not_available("zzz")},
        ),
    ],
)
def test_what_a_filter_can_not_be_is_refused_by_its_name(five: World, query: str, body: Any) -> None:
    assert refusal(five, query) == body


def test_a_wrong_filter_is_forgiven_where_a_right_one_follows(five: World) -> None:
    assert listed(five, f"resource_uuid=zzz&resource_uuid={SECOND_RESOURCE}&o=zzz&o=usage") == [4]


def test_days_of_dates_are_those_of_the_ledgers_zone(world_url: str) -> None:
    with open_world(world_url, zone="Europe/Tallinn") as world:
        world.report(usages=[{"type": "cpu", "amount": 1}], date="2026-11-10T21:59:59.999999Z")
        world.report(usages=[{"type": "gpu", "amount": 2}], date="2026-11-10T22:00:00Z")
        assert listed(world, "date_before=2026-11-10") == [1]
        assert listed(world, "date_after=2026-11-11") == [2]
        assert listed(world, "date_after=2026-11-10&date_before=2026-11-11") == [2, 1]
        assert [row["date"] for row in world.usages()] == [
            "2026-11-10T22:00:00+00:00",
            "2026-11-10T21:59:59.999999+00:00",
        ]


# Orders


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("o=usage", [1, 2, 3, 4, 5]),
        ("o=-usage", [5, 4, 3, 2, 1]),
        ("o=billing_period,usage", [5, 3, 1, 2, 4]),
        ("o=-billing_period,usage", [1, 2, 4, 3, 5]),
        ("o=-billing_period,-usage", [4, 2, 1, 3, 5]),
        ("o=missing_usage_policy,usage", [1, 4, 5, 2, 3]),
        ("o=-missing_usage_policy,-usage", [3, 2, 5, 4, 1]),
        ("o=usage&o=-usage", [5, 4, 3, 2, 1]),
        ("o= -usage ,", [5, 4, 3, 2, 1]),
        ("o=", [4, 1, 2, 3, 5]),
        ("o=,", [4, 1, 2, 3, 5]),
        ("o=usage&o=", [4, 1, 2, 3, 5]),
    ],
)
def test_an_order_has_many_keys_and_the_last_one_named_counts(
    five: World, query: str, found: list[int]
) -> None:
    assert listed(five, query) == found


# Columns

COLUMNS = [
    ("field=uuid", ["uuid"]),
    ("field=usage&field=type&field=uuid", ["uuid", "type", "usage"]),
    ("field=modified_by&field=created&field=modified_by", ["created", "modified_by"]),
    ("field=usage&field=bogus", ["usage"]),
    ("field=usage&field=", ["usage"]),
    ("field=bogus", []),
    ("field=uuid,type", []),
    ("field=component_type", []),
    ("field=__class__", []),
]


@pytest.mark.parametrize(("query", "columns"), COLUMNS)
def test_only_the_columns_that_are_named_are_shown_in_their_own_order(
    world: World, query: str, columns: list[str]
) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    row = world.usages()[0]
    expected = {column: row[column] for column in columns}
    assert world.as_("staff").send("GET", USAGES, query_string=query).data == msgspec.json.encode([expected])
    retrieved = world.as_("staff").send("GET", f"{USAGES}{row['uuid']}/", query_string=query)
    assert retrieved.data == msgspec.json.encode(expected)


def test_every_column_can_be_named_and_all_of_them_come_in_their_own_order(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    row = world.usages()[0]
    for column in row:
        assert world.usages(field=column) == [{column: row[column]}]
    everything = world.as_("staff").get(USAGES, field=sorted(row))
    assert everything.data == world.as_("staff").get(USAGES, field="").data == msgspec.json.encode([row])


def test_a_report_is_not_held_to_the_columns_that_a_reader_would_name(world: World) -> None:
    response = world.as_("staff").send(
        "POST",
        f"{USAGES}set_usage/",
        query_string="field=bogus",
        json={"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 1}]},
    )
    assert (response.status_code, response.data) == (201, b"")
