"""Reading user usages, with their filters and columns."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests import controls
from tests.conftest import database
from tests.support.refusals import NOT_A_DATE, NOT_A_NUMBER, NOT_A_UUID, dashed, not_available
from tests.world import (
    CONSUMER,
    CPU,
    NOW,
    OFFERING,
    OFFERING_USER,
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
    USER_USAGES,
    World,
    open_world,
    uid,
)


def report_six(world: World) -> None:
    """Users' shares of five usages, told apart by their amounts; newest first they are 5, 1, 2, 3, 4, 6."""
    for resource, written, component_type, shares in [
        (OTHER_RESOURCE, "2025-11-30", "cpu", {"Zoe": 6}),
        (RESOURCE, "2026-10-31T23:59:59.999999Z", "cpu", {"ann": 4}),
        (RESOURCE, "2026-11-10T08:00:00Z", "cpu", {"ann": 1, "Bob": 2}),
        (RESOURCE, "2026-11-10T08:00:00Z", "gpu", {"Ann_2%": 3}),
        (SECOND_RESOURCE, "2026-11-11T00:00:00Z", "cpu", {"joanna": 5}),
    ]:
        world.report(resource=resource, date=written, usages=[{"type": component_type, "amount": 100}])
        [usage] = world.usages(
            resource_uuid=resource, type=component_type, date_after=written[:10], date_before=written[:10]
        )
        for username, amount in shares.items():
            response = world.report_user(usage["uuid"], username=username, usage=amount)
            assert response.status_code == 201


@pytest.fixture(scope="module", name="six")
def world_with_six(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        report_six(world)
        yield world


def listed(world: World, query: Any) -> list[int]:
    """The amounts of the user usages that a query finds, in its order."""
    response = world.as_("staff").send("GET", USER_USAGES, query_string=query)
    assert response.status_code == 200, response.data
    return [int(float(row["usage"])) for row in response.get_json()]


# Rows


def test_a_row_says_all_there_is_of_a_user_usage_in_the_order_of_the_reference(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": 12}], date="2026-11-02T03:04:05.000678+02:00")
    usage_uuid = world.usages()[0]["uuid"]
    url = f"https://elsewhere.example/api/marketplace-offering-users/{OFFERING_USER}/"
    world.report_user(usage_uuid, username="member01", usage="1.5", user=url)
    response = world.as_("staff").send("GET", USER_USAGES, base_url="https://ledger.example:8443")
    uuid = response.get_json()[0]["uuid"]
    assert len(uuid) == 32
    row = controls.user_usage_row(
        uuid=uuid,
        user=f"https://ledger.example:8443/api/marketplace-offering-users/{OFFERING_USER}/",
        username="member01",
        component_usage=f"https://ledger.example:8443/api/marketplace-component-usages/{usage_uuid}/",
        usage="1.50",
        measured_unit="GPU hours",
        component_type="gpu",
        date="2026-11-02T01:04:05.000678+00:00",
    )
    assert response.data == msgspec.json.encode([row])
    retrieved = world.as_("staff").send(
        "GET", f"{USER_USAGES}{uuid}/", base_url="https://ledger.example:8443"
    )
    assert retrieved.data == msgspec.json.encode(row)


def test_a_row_changes_with_the_last_report_but_stays_the_same_user_usage(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    usage_uuid = world.usages()[0]["uuid"]
    world.report_user(usage_uuid, username="ann", usage=1)
    before = world.user_usages()[0]
    assert before["user"] is None
    assert before["component_usage"] == f"http://localhost/api/marketplace-component-usages/{usage_uuid}/"
    world.now = NOW.replace(day=16, microsecond=123456)
    world.report_user(usage_uuid, username="ann", usage=2)
    assert world.user_usages() == [before | {"usage": "2.00", "modified": "2026-11-16T12:00:00.123456+00:00"}]


def test_the_date_of_a_row_is_that_of_the_usage_it_is_a_share_of(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    world.report_user(world.usages()[0]["uuid"], username="ann", usage=1)
    before = world.user_usages()[0]
    world.now = NOW.replace(day=16)
    world.report(usages=[{"type": "cpu", "amount": 13}])
    assert world.user_usages() == [before | {"date": "2026-11-16T12:00:00+00:00"}]


def test_the_order_follows_the_date_of_the_usages_and_the_type_of_their_component(world: World) -> None:
    def listed() -> list[tuple[str, str]]:
        return [(row["component_type"], row["username"]) for row in world.user_usages()]

    for component_type, username in (("cpu", "ann"), ("gpu", "bob")):
        world.report(usages=[{"type": component_type, "amount": 12}])
        world.report_user(world.usages(type=component_type)[0]["uuid"], username=username, usage=1)
    assert listed() == [("cpu", "ann"), ("gpu", "bob")]
    world.now = NOW.replace(day=16)
    world.report(usages=[{"type": "gpu", "amount": 12}])
    assert listed() == [("gpu", "bob"), ("cpu", "ann")]
    world.report(usages=[{"type": "cpu", "amount": 12}])
    assert listed() == [("cpu", "ann"), ("gpu", "bob")]
    world.describe(
        offering_components=[{"uuid": CPU, "offering_uuid": OFFERING, "type": "lanes", "name": "Lanes"}]
    )
    assert listed() == [("gpu", "bob"), ("lanes", "ann")]


def test_nothing_is_listed_before_anything_is_reported_of_a_user(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    response = world.as_("staff").get(USER_USAGES)
    assert (response.status_code, response.data) == (200, b"[]")


# Filters


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [5, 1, 2, 3, 4, 6]),
        ("resource_uuid=" + RESOURCE, [1, 2, 3, 4]),
        ("resource_uuid=" + dashed(SECOND_RESOURCE), [5]),
        ("resource_uuid=" + uid(0xDEAD), []),
        ("resource_uuid=", [5, 1, 2, 3, 4, 6]),
        ("offering_uuid=" + OFFERING, [1, 2, 3, 4]),
        ("offering_uuid=" + SECOND_OFFERING, [5]),
        ("offering_uuid=" + OTHER_OFFERING, [6]),
        ("project_uuid=" + PROJECT, [1, 2, 3, 4]),
        ("project_uuid=" + SECOND_PROJECT, [5]),
        ("project_uuid=" + OTHER_PROJECT, [6]),
        ("customer_uuid=" + CONSUMER, [5, 1, 2, 3, 4]),
        ("customer_uuid=" + OTHER_CONSUMER, [6]),
        ("customer_uuid=" + PROVIDER, []),
        (f"resource=http://x/api/marketplace-resources/{RESOURCE}/", [1, 2, 3, 4]),
        (f"resource=/api/marketplace-resources/{uid(0xDEAD)}/", []),
        (f"resource={RESOURCE}", []),
        ("resource=/routed/nowhere/", []),
        ("type=gpu", [3]),
        ("type=GPU", []),
        ("component_usage__billing_period=2026-11-01", [5, 1, 2, 3]),
        ("component_usage__billing_period=10/01/2026", [4]),
        ("component_usage__billing_period=2026-11-02", []),
        ("component_usage__billing_period=", [5, 1, 2, 3, 4, 6]),
        ("billing_period_year=2026.0", [5, 1, 2, 3, 4]),
        ("billing_period_month=11", [5, 1, 2, 3, 6]),
        ("billing_period_year=2025&billing_period_month=011", [6]),
        ("date_after=2026-11-10", [5, 1, 2, 3]),
        ("date_after=2026-11-11", [5]),
        ("date_before=2026-11-10", [1, 2, 3, 4, 6]),
        ("date_before=2026-10-31", [4, 6]),
        ("date_after=2026-10-31&date_before=2026-10-31", [4]),
        ("username=ann", [5, 1, 3, 4]),
        ("username=ANN", [5, 1, 3, 4]),
        ("username=oann", [5]),
        ("username=zoe", [6]),
        ("username=%25", [3]),
        ("username=_", [3]),
        ("username=%5C", []),
        ("username=n_2%25", [3]),
        ("username=nobody", []),
        ("username=", [5, 1, 2, 3, 4, 6]),
        ("username=ann&username=bob", [2]),
        ("username=ann&type=gpu", [3]),
        (f"username=ann&resource_uuid={RESOURCE}&component_usage__billing_period=2026-11-01", [1, 3]),
        # What is a filter of component usages only is no filter here.
        ("billing_period=2026-10-01", [5, 1, 2, 3, 4, 6]),
        ("billing_period=zzz", [5, 1, 2, 3, 4, 6]),
        ("missing_usage_policy=bogus", [5, 1, 2, 3, 4, 6]),
        ("component_usage_billing_period=zzz&component_usage=zzz&user=zzz", [5, 1, 2, 3, 4, 6]),
    ],
)
def test_a_filter_finds_what_it_says_and_filters_add_up(six: World, query: str, found: list[int]) -> None:
    assert listed(six, query) == found


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("resource_uuid=zzz", {"resource_uuid": NOT_A_UUID}),
        ("offering_uuid=zzz", {"offering_uuid": NOT_A_UUID}),
        ("project_uuid=zzz", {"project_uuid": NOT_A_UUID}),
        ("customer_uuid=zzz", {"customer_uuid": NOT_A_UUID}),
        ("component_usage__billing_period=2026-11", {"component_usage__billing_period": NOT_A_DATE}),
        ("date_after=zzz&date_before=zzz", {"date_after": NOT_A_DATE, "date_before": NOT_A_DATE}),
        ("billing_period_year=zzz", {"billing_period_year": NOT_A_NUMBER}),
        ("billing_period_month=zzz", {"billing_period_month": NOT_A_NUMBER}),
        ("username=a%00b", {"username": ["Null characters are not allowed."]}),
        ("o=bogus", {"o": not_available("bogus")}),
        ("o=billing_period", {"o": not_available("billing_period")}),
        ("o=-usage,date", {"o": not_available("date")}),
    ],
)
def test_what_a_filter_can_not_be_is_refused_by_its_name(six: World, query: str, body: Any) -> None:
    response = six.as_("staff").send("GET", USER_USAGES, query_string=query)
    assert (response.status_code, response.get_json()) == (400, body)


def test_a_part_of_a_username_is_found_in_any_case_whatever_its_letters(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    world.report_user(world.usages()[0]["uuid"], username="J\u00dcRI", usage=1)
    world.report_user(world.usages()[0]["uuid"], username="j\u00fcri", usage=2)
    for part in ("\u00fcr", "\u00dcR", "J\u00fcRi"):
        assert listed(world, {"username": part}) == [1, 2]


def test_days_of_dates_are_those_of_the_ledgers_zone(world_url: str) -> None:
    with open_world(world_url, zone="Europe/Tallinn") as world:
        world.report(usages=[{"type": "cpu", "amount": 10}], date="2026-11-10T21:59:59.999999Z")
        world.report(usages=[{"type": "gpu", "amount": 10}], date="2026-11-10T22:00:00Z")
        for amount, component_type in ((1, "cpu"), (2, "gpu")):
            [usage] = world.usages(type=component_type)
            world.report_user(usage["uuid"], username="ann", usage=amount)
        assert listed(world, "date_before=2026-11-10") == [1]
        assert listed(world, "date_after=2026-11-11") == [2]


# Orders


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("o=usage", [1, 2, 3, 4, 5, 6]),
        ("o=-usage", [6, 5, 4, 3, 2, 1]),
        ("o=username,usage", [3, 2, 6, 1, 4, 5]),
        ("o=-username,usage", [5, 1, 4, 6, 2, 3]),
        ("o=component_usage__billing_period,usage", [6, 4, 1, 2, 3, 5]),
        ("o=-component_usage__billing_period,-usage", [5, 3, 2, 1, 4, 6]),
        ("o=usage&o=-usage", [6, 5, 4, 3, 2, 1]),
        ("o=", [5, 1, 2, 3, 4, 6]),
    ],
)
def test_an_order_has_many_keys_and_the_last_one_named_counts(
    six: World, query: str, found: list[int]
) -> None:
    assert listed(six, query) == found


# Columns


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("field=component_usage", ["component_usage"]),
        ("field=usage&field=username&field=uuid", ["uuid", "username", "usage"]),
        ("field=usage&field=bogus", ["usage"]),
        ("field=usage&field=", ["usage"]),
        ("field=user&field=billing_period", ["user", "billing_period"]),
        ("field=bogus", None),
        ("field=uuid,usage", None),
        ("field=", None),
    ],
)
def test_only_the_columns_that_are_named_are_shown_but_all_where_none_of_them_is_known(
    world: World, query: str, columns: list[str] | None
) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    world.report_user(world.usages()[0]["uuid"], username="ann", usage=1)
    row = world.user_usages()[0]
    expected = {column: row[column] for column in columns or row}
    response = world.as_("staff").send("GET", USER_USAGES, query_string=query)
    assert response.data == msgspec.json.encode([expected])
    retrieved = world.as_("staff").send("GET", f"{USER_USAGES}{row['uuid']}/", query_string=query)
    assert retrieved.data == msgspec.json.encode(expected)


def test_every_column_can_be_named_and_all_of_them_come_in_their_own_order(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 12}])
    world.report_user(world.usages()[0]["uuid"], username="ann", usage=1)
    row = world.user_usages()[0]
    for column in row:
        assert world.user_usages(field=column) == [{column: row[column]}]
    everything = world.as_("staff").get(USER_USAGES, field=sorted(row))
    assert everything.data == msgspec.json.encode([row])
