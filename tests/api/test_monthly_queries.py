"""The monthly summary: filters, orders, columns, and who sees it."""

from datetime import UTC, datetime

import msgspec
import pytest

from tests.api.monthly import MONTHLY, describe_resource, entity, found, report, rows
from tests.world import (
    CATALOGUE,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    uid,
)

ALL = ["2026-11 GPU 20", "2026-11 Core 1", "2026-10 vCPU 20", "2026-10 GPU 0", "2026-09 GPU 5"]


def dashed(digits: str) -> str:
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


# Queries


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL[:2]),
        ("unknown=1", ALL[:2]),
        ("component_type=gpu", ALL[:1]),
        ("start=", ALL),
        ("end=", ALL),
        ("billing_period=", ALL),
        ("start=&end=2026-09", ALL[4:]),
        ("billing_period=2026-10", ALL[2:4]),
        ("billing_period=2026-10-01", ALL[2:4]),
        ("billing_period=2026-10-31", ALL[2:4]),
        ("billing_period=2026-9", ALL[4:]),
        ("billing_period=2026-09&billing_period=2026-10", ALL[2:4]),
        ("billing_period=2026-12", []),
        ("start=2026-10", ALL[:4]),
        ("start=2026-10-31", ALL[:4]),
        ("end=2026-10-01", ALL[2:]),
        ("start=2026-10&end=2026-10-01", ALL[2:4]),
        ("start=0001-01&end=9999-12", ALL),
        ("start=&component_type=cpu", [ALL[1], ALL[2]]),
        ("start=&component_type=CPU", []),
        ("start=&component_type=", ALL),
        ("start=&billing_type=limit", [ALL[0], *ALL[3:]]),
        ("start=&offering_type=Basic", [ALL[1]]),
        (f"start=&offering_uuid={SECOND_OFFERING}", [ALL[2]]),
        (f"start=&offering_uuid={dashed(SECOND_OFFERING)}", [ALL[2]]),
        (f"start=&offering_uuid={uid(0xDEAD)}", []),
        (f"start=&customer_uuid={OTHER_PROVIDER}", [ALL[1]]),
        (f"start=&customer_uuid={uid(0xC2)}", []),
        (f"start=&project_uuid={OTHER_PROJECT}", [ALL[2]]),
        (f"start=&project_uuid={PROJECT}", []),
        (f"start=&customer_uuid={PROVIDER}&billing_type=usage", [ALL[2]]),
    ],
)
def test_filters_find_what_they_name_and_no_month_means_the_current_one(
    quarter: World, query: str, expected: list[str]
) -> None:
    assert sorted(found(quarter, query)) == sorted(expected)


@pytest.mark.parametrize("name", ["billing_period", "start", "end"])
@pytest.mark.parametrize(
    "value", ["x", "2026", "2026-13", "2026-00", "2026-02-30", "26-01", "2026-1-", "2026/01", "0000-01", "\0"]
)
def test_what_is_no_month_is_refused(quarter: World, name: str, value: str) -> None:
    response = quarter.as_("staff").get(MONTHLY, **{name: value})
    assert (response.status_code, response.get_json()) == (400, {name: ["Enter a valid date."]})


@pytest.mark.parametrize("name", ["offering_uuid", "customer_uuid", "project_uuid"])
def test_what_is_no_uuid_is_refused(quarter: World, name: str) -> None:
    response = quarter.as_("staff").get(MONTHLY, **{name: "x", "start": "x"})
    expected = {name: ["Enter a valid UUID."], "start": ["Enter a valid date."]}
    assert (response.status_code, response.get_json()) == (400, expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("billing_period", [4, 2, 3, 0, 1]),
        ("-billing_period", [0, 1, 2, 3, 4]),
        ("total_consumed", [3, 1, 4, 0, 2]),
        ("-total_consumed", [0, 2, 4, 1, 3]),
        ("total_allocated", [1, 2, 0, 3, 4]),
        ("usage_percent", [3, 4, 0, 1, 2]),
        ("-usage_percent", [1, 2, 0, 4, 3]),
        ("total_allocated,-total_consumed", [2, 1, 0, 4, 3]),
        (" total_allocated , -total_consumed ", [2, 1, 0, 4, 3]),
        ("bogus,-usage_percent,offering_name,--total_consumed", [1, 2, 0, 4, 3]),
        ("bogus", [0, 1, 2, 3, 4]),
    ],
)
def test_rows_are_ordered_as_asked_and_then_by_month_offering_and_component(
    quarter: World, order: str, expected: list[int]
) -> None:
    assert found(quarter, {"start": "", "o": order}) == [ALL[number] for number in expected]


def test_of_several_orders_the_last_one_counts(quarter: World) -> None:
    last = [("start", ""), ("o", "billing_period"), ("o", "-total_consumed")]
    assert found(quarter, last) == [ALL[number] for number in (0, 2, 4, 1, 3)]


@pytest.mark.parametrize("order", ["", "total_allocated", "-total_consumed", "usage_percent", "-bogus"])
def test_pages_hold_every_row_once_where_figures_are_the_same(world: World, order: str) -> None:
    describe_resource(world, {"cpu": 10, "gpu": 10})
    describe_resource(world, {"cpu": 10}, SECOND_RESOURCE)
    world.now = datetime(2027, 5, 15, tzinfo=UTC)
    seen = []
    for page in range(1, 8):
        response = world.as_("staff").get(MONTHLY, start="", o=order, page=page, page_size=3)
        assert response.headers["X-Result-Count"] == "21"
        assert ('rel="next"' in response.headers["Link"]) == (page < 7)
        seen += [(row["billing_period"], row["component_name"]) for row in response.get_json()]
    assert len(set(seen)) == len(seen) == 21
    past = world.as_("staff").get(MONTHLY, start="", page=8, page_size=3)
    assert (past.status_code, past.get_json()) == (404, {"detail": "Invalid page."})


def test_links_and_head_say_how_much_there_is(quarter: World) -> None:
    query = {"start": "", "o": "total_consumed,bogus", "page_size": 2, "page": 2}
    response = quarter.as_("staff").get(MONTHLY, **query)
    url = f"http://localhost{MONTHLY}?o=total_consumed%2Cbogus"
    assert response.headers["Link"] == ", ".join(
        [
            f'<{url}&page_size=2&start=>; rel="first"',
            f'<{url}&page_size=2&start=>; rel="prev"',
            f'<{url}&page=3&page_size=2&start=>; rel="next"',
            f'<{url}&page=3&page_size=2&start=>; rel="last"',
        ]
    )
    head = quarter.as_("staff").head(MONTHLY, **query)
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(response.headers)
    assert head.headers["X-Result-Count"] == "5"


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        (["usage_percent", "offering_uuid"], ["offering_uuid", "usage_percent"]),
        (["total_consumed", "bogus"], ["total_consumed"]),
        (["bogus"], None),
        (["total_consumed,offering_uuid"], None),
        ([""], None),
    ],
)
def test_rows_show_the_columns_asked_for_and_all_if_none_of_those_is_known(
    quarter: World, fields: list[str], columns: list[str] | None
) -> None:
    everything = rows(quarter)
    shown = quarter.as_("staff").send("GET", MONTHLY, query_string=[("field", each) for each in fields])
    assert shown.data == msgspec.json.encode(
        [{name: row[name] for name in columns or row} for row in everything]
    )


SEES = {
    "staff": {"Cluster", "Cloud", "Elsewhere"},
    "support": {"Cluster", "Cloud", "Elsewhere"},
    "offering-manager": {"Cluster"},
    "provider-owner": {"Cluster", "Cloud"},
    "service-provider-manager": {"Cluster", "Cloud"},
    "consumer-owner": set(),
    "project-admin": set(),
    "project-manager": set(),
    "project-member": set(),
    "stranger": set(),
    "customer-support": set(),
    "former-owner": set(),
}
"""The offerings whose summary each user sees."""


# Visibility


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("username", SEES)
def test_a_user_sees_the_offerings_that_they_provide(quarter: World, username: str) -> None:
    everything = rows(quarter, start="")
    visible = [row for row in everything if row["offering_name"] in SEES[username]]
    assert rows(quarter, by=username, start="") == visible
    for uuid in (OFFERING, SECOND_OFFERING, OTHER_OFFERING):
        of_offering = [row for row in visible if row["offering_uuid"] == uuid]
        assert rows(quarter, by=username, start="", offering_uuid=uuid) == of_offering


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "sees"),
    [
        ("PROJECT.MEMBER", "structure.project", OTHER_PROJECT, {"Cloud"}),
        ("CUSTOMER.SUPPORT", "structure.customer", OTHER_PROVIDER, {"Elsewhere"}),
        ("Anything of their own", "marketplace.offering", OTHER_OFFERING, {"Elsewhere"}),
        ("Anything of their own", "structure.customer", PROVIDER, {"Cluster", "Cloud"}),
    ],
)
def test_any_role_on_the_offering_its_own_project_or_its_customer_shows_its_summary(
    world: World, role_name: str, scope_type: str, scope_uuid: str, sees: set[str]
) -> None:
    world.describe(offerings=[entity("offerings", SECOND_OFFERING, project_uuid=OTHER_PROJECT)])
    for resource in (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE):
        report(world, 1, resource=resource)
    role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": role_name}
    role |= {"scope_type": scope_type, "scope_uuid": scope_uuid}
    world.describe(user_roles=[role])
    assert {row["offering_name"] for row in rows(world, by="stranger")} == sees
    world.describe(user_roles=[role | {"is_active": False}])
    assert rows(world, by="stranger") == []
