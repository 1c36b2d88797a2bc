"""Pages of lists, and that every order is total."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from waldur_api_client.utils import parse_link_header

from tests.conftest import database
from tests.world import (
    BASIC,
    OFFERING,
    PROJECT,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    plain_headers,
    uid,
)

RESOURCES = [uid(0x1000 + 7 * number % 101) for number in range(101)]
"""In the order in which they report, which is not the one of their ids."""
USAGES_IN_ALL = 3 * len(RESOURCES)
SHARED = [29 * number % 66 for number in range(66)]
"""The usages with a user's share, by their numbers in the order in which those are reported."""

Row = dict[str, Any]


@pytest.fixture(scope="module", name="crowd")
def world_of_equals(server: str, world_template: str) -> Iterator[World]:
    """Usages and user usages that share their dates, months, types, amounts, policies and names.

    The description of a usage is its number in the order of creation. For tests that only read.
    """
    with database(server, world_template) as url, open_world(url) as world:
        rest = {"name": "R", "offering_uuid": OFFERING, "project_uuid": PROJECT, "plan_uuid": BASIC}
        world.describe(resources=[{"uuid": uuid} | rest for uuid in RESOURCES])
        for index, resource in enumerate(RESOURCES):
            usages = [
                {
                    "type": component_type,
                    "amount": 1 + number % 4,
                    "missing_usage_policy": ("none", "reuse", "zero")[number % 5 % 3],
                    "description": str(number),
                }
                for number, component_type in enumerate(("gpu", "cpu", "setup"), 3 * index)
            ]
            date = ("2026-11-01T00:00:00Z", "2026-10-31T00:00:00Z")[index % 2]
            assert world.report(resource=resource, usages=usages, date=date).status_code == 201
        uuids = {row["description"]: row["uuid"] for row in everything(world, USAGES)}
        for number in SHARED:
            share: Row = {"username": ("ann", "bob", "cem")[number % 3], "usage": 1 + number % 4}
            assert world.report_user(uuids[str(number)], **share).status_code == 201
        yield world


def everything(world: World, path: str) -> list[Row]:
    """All rows of a list: these tests make fewer than two of its largest pages."""
    pages = [world.as_("staff").get(path, page_size=300, page=page) for page in (1, "last")]
    rows = {row["uuid"]: row for page in pages for row in page.get_json()}
    return list(rows.values())


def in_order_of_creation(world: World, path: str) -> list[Row]:
    if path == USAGES:
        return sorted(everything(world, USAGES), key=lambda row: int(row["description"]))
    numbers = {row["uuid"]: int(row["description"]) for row in everything(world, USAGES)}
    return sorted(
        everything(world, USER_USAGES),
        key=lambda row: SHARED.index(numbers[row["component_usage"].split("/")[-2]]),
    )


def walked(world: World, path: str, **query: Any) -> list[Row]:
    """The rows of all pages, by following the links to the next one."""
    rows: list[Row] = []
    url = path
    while True:
        response = world.as_("staff").get(url, **query)
        assert response.status_code == 200
        rows += response.get_json()
        links = parse_link_header(response.headers["Link"])
        if "next" not in links:
            return rows
        parts = urlsplit(links["next"])
        url, query = parts.path, parse_qs(parts.query)


# Total order


def sorted_by(rows: list[Row], order: str, columns: dict[str, str]) -> list[Row]:
    """Rows by the keys of an order; those that are equal stay as they are."""
    for key in reversed(order.split(",")):
        column = columns[key.removeprefix("-")]
        rows = sorted(rows, key=lambda row: row[column], reverse=key.startswith("-"))
    return rows


@pytest.mark.parametrize(
    "order",
    [
        None,
        "billing_period",
        "-billing_period",
        "usage",
        "-usage",
        "missing_usage_policy",
        "-missing_usage_policy",
        "missing_usage_policy,-usage",
        "-billing_period,usage,-missing_usage_policy",
    ],
)
def test_pages_of_usages_hold_every_row_once_and_equal_ones_in_the_order_of_creation(
    crowd: World, order: str | None
) -> None:
    columns = {key: key for key in ("billing_period", "usage", "missing_usage_policy", "date", "type")}
    expected = sorted_by(in_order_of_creation(crowd, USAGES), order or "-date,type", columns)
    assert len(expected) == USAGES_IN_ALL
    query = {"o": order} if order else {}
    assert walked(crowd, USAGES, page_size=41, **query) == expected


@pytest.mark.parametrize(
    "order",
    [
        None,
        "component_usage__billing_period",
        "-component_usage__billing_period",
        "usage",
        "-usage",
        "username",
        "-username",
        "-username,usage",
        "component_usage__billing_period,-usage,username",
    ],
)
def test_pages_of_user_usages_hold_every_row_once_and_equal_ones_in_the_order_of_creation(
    crowd: World, order: str | None
) -> None:
    columns = {key: key for key in ("usage", "username", "date", "component_type")}
    columns["component_usage__billing_period"] = "billing_period"
    expected = sorted_by(in_order_of_creation(crowd, USER_USAGES), order or "-date,component_type", columns)
    assert len(expected) == len(SHARED)
    query = {"o": order} if order else {}
    assert walked(crowd, USER_USAGES, page_size=7, **query) == expected


def test_pages_of_what_a_filter_finds_hold_every_row_of_it_once(crowd: World) -> None:
    query = {
        "type": "cpu",
        "missing_usage_policy": ["none", "zero"],
        "o": "usage",
        "field": ["uuid", "usage"],
    }
    expected = [
        {"uuid": row["uuid"], "usage": row["usage"]}
        for row in sorted_by(in_order_of_creation(crowd, USAGES), "usage", {"usage": "usage"})
        if row["type"] == "cpu" and row["missing_usage_policy"] != "reuse"
    ]
    assert len(expected) == 60
    assert walked(crowd, USAGES, **query) == expected


# Sizes and numbers


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", 10),
        ("page_size=1", 1),
        ("page_size=65", 65),
        ("page_size=300", 300),
        ("page_size=301", 300),
        ("page_size=1000000000000000000000", 300),
        ("page_size=0", 10),
        ("page_size=-1", 10),
        ("page_size=", 10),
        ("page_size=ten", 10),
        ("page_size=1.5", 10),
        ("page_size=last", 10),
        ("page_size=5&page_size=6", 6),
    ],
)
def test_a_page_has_ten_rows_unless_told_otherwise_and_three_hundred_at_most(
    crowd: World, query: str, size: int
) -> None:
    response = crowd.as_("staff").send("GET", USAGES, query_string=query)
    assert (response.status_code, len(response.get_json())) == (200, size)
    assert response.headers["X-Result-Count"] == str(USAGES_IN_ALL)


@pytest.mark.parametrize(
    ("page", "number"),
    [("", 1), ("1", 1), ("01", 1), ("2", 2), ("6", 6), ("7", 7), ("last", 7)],
)
def test_a_page_is_found_by_its_number(crowd: World, page: str, number: int) -> None:
    response = crowd.as_("staff").get(USER_USAGES, page=page, page_size=10)
    rows = everything(crowd, USER_USAGES)
    assert (response.status_code, response.get_json()) == (200, rows[10 * number - 10 : 10 * number])
    assert response.headers["X-Result-Count"] == "66"


@pytest.mark.parametrize(
    "page", ["0", "-1", "8", "100000000000000000000000", "x", "1.5", "Last", "first", "NaN", "1,2", "%00"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_any_other_page_is_invalid(crowd: World, page: str, method: str) -> None:
    response = crowd.as_("staff").send(method, USER_USAGES, query_string=f"page={page}")
    body = b'{"detail":"Invalid page."}'
    assert (response.status_code, response.data) == (404, b"" if method == "HEAD" else body)
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }


def test_of_several_pages_the_last_one_named_counts(crowd: World) -> None:
    rows = everything(crowd, USER_USAGES)
    response = crowd.as_("staff").send("GET", USER_USAGES, query_string="page=x&page=2")
    assert (response.status_code, response.get_json()) == (200, rows[10:20])


def test_a_wrong_filter_is_told_before_a_wrong_page(crowd: World) -> None:
    response = crowd.as_("staff").get(USAGES, page="x", o="x")
    message = "Select a valid choice. x is not one of the available choices."
    assert (response.status_code, response.get_json()) == (400, {"o": [message]})


@pytest.mark.parametrize("path", [USAGES, USER_USAGES])
@pytest.mark.parametrize("page", ["", "1", "last"])
def test_the_first_page_of_nothing_is_empty_and_the_only_one(world: World, path: str, page: str) -> None:
    response = world.as_("staff").get(path, page=page)
    assert (response.status_code, response.data) == (200, b"[]")
    url = f"http://localhost{path}"
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": "2",
        "X-Result-Count": "0",
        "Link": f'<{url}>; rel="first", <{url}>; rel="last"',
        "Vary": "Accept",
    }
    assert world.as_("staff").get(path, page=2).status_code == 404


# Links


def links(world: World, query: str, path: str = USER_USAGES, **arguments: Any) -> str:
    response = world.as_("staff").send("GET", path, query_string=query, **arguments)
    assert response.status_code == 200
    return response.headers["Link"]


URL = "http://localhost/api/marketplace-component-user-usages/"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "",
            f'<{URL}>; rel="first", <{URL}?page=2>; rel="next", <{URL}?page=7>; rel="last"',
        ),
        (
            "page=2",
            f'<{URL}>; rel="first", <{URL}>; rel="prev", '
            f'<{URL}?page=3>; rel="next", <{URL}?page=7>; rel="last"',
        ),
        (
            "page=3",
            f'<{URL}>; rel="first", <{URL}?page=2>; rel="prev", '
            f'<{URL}?page=4>; rel="next", <{URL}?page=7>; rel="last"',
        ),
        (
            "page=last",
            f'<{URL}>; rel="first", <{URL}?page=6>; rel="prev", <{URL}?page=7>; rel="last"',
        ),
        (
            "page_size=100",
            f'<{URL}?page_size=100>; rel="first", <{URL}?page_size=100>; rel="last"',
        ),
        (
            "page_size=100&page=1",
            f'<{URL}?page_size=100>; rel="first", <{URL}?page_size=100>; rel="last"',
        ),
        (
            "page_size=50&page=1&page=2&page_size=40",
            f'<{URL}?page_size=50&page_size=40>; rel="first", '
            f'<{URL}?page_size=50&page_size=40>; rel="prev", '
            f'<{URL}?page=2&page_size=50&page_size=40>; rel="last"',
        ),
        (
            "username=nobody&page=",
            f'<{URL}?username=nobody>; rel="first", <{URL}?username=nobody>; rel="last"',
        ),
    ],
)
def test_links_name_the_first_and_last_page_and_the_neighbours_there_are(
    crowd: World, query: str, expected: str
) -> None:
    assert links(crowd, query) == expected


def test_links_keep_the_query_sorted_by_its_keys_and_escaped(crowd: World) -> None:
    query = (
        "unknown=%C3%A4+b%3E%22%0D%0A&o=username,usage&field=uuid&page=2"
        "&field=usage&empty=&date_after=1/1/2020"
    )
    kept = (
        "date_after=1%2F1%2F2020&empty=&field=uuid&field=usage&o=username%2Cusage"
        "{page}&unknown=%C3%A4+b%3E%22%0D%0A"
    )
    first, third, last = (f"<{URL}?{kept.format(page=page)}>" for page in ("", "&page=3", "&page=7"))
    assert (
        links(crowd, query)
        == f'{first}; rel="first", {first}; rel="prev", {third}; rel="next", {last}; rel="last"'
    )


def test_links_lead_to_the_host_that_was_asked(crowd: World) -> None:
    url = "https://ledger.example:8443/api/marketplace-component-usages/"
    expected = f'<{url}>; rel="first", <{url}?page=2>; rel="next", <{url}?page=31>; rel="last"'
    assert links(crowd, "", USAGES, base_url="https://ledger.example:8443") == expected


def test_a_count_is_had_with_head_and_follows_filters_and_roles(crowd: World) -> None:
    for path, username, query, count in [
        (USAGES, "staff", {}, USAGES_IN_ALL),
        (USAGES, "staff", {"type": "gpu"}, len(RESOURCES)),
        (USAGES, "project-member", {"type": "gpu"}, len(RESOURCES)),
        (USAGES, "stranger", {}, 0),
        (USER_USAGES, "staff", {}, len(SHARED)),
        (USER_USAGES, "offering-manager", {"username": "ann"}, 22),
        (USER_USAGES, "stranger", {}, 0),
    ]:
        response = crowd.as_(username).head(path, **query)
        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["X-Result-Count"] == str(count)
