"""What changed between two points of the journal, by which facts and why."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.events import Report, UsageReported
from tests.api.monthly import entity
from tests.api.test_visibility import SEES
from tests.audit.test_unexplained import imported
from tests.projections.rebuilding import carried
from tests.world import (
    CONSUMER,
    GPU,
    OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    Client,
    World,
    open_world,
    uid,
)

PATH = "/api/ledger/diff/"

MALFORMED = "Enter a position of the journal or an RFC 3339 time."

Row = dict[str, Any]


def report(world: World, amount: float | str, *, reason: str = "", **more: Any) -> int:
    """Reports cpu of RESOURCE in October, unless told otherwise; returns the position of the fact."""
    item = {"type": more.pop("type", "cpu"), "amount": amount}
    body = {"resource": RESOURCE, "date": "2026-10-05T06:00:00Z", "usages": [item], **more}
    headers = {"Ledger-Reason": quote(reason)} if reason else {}
    response = world.as_("staff").send("POST", f"{USAGES}set_usage/", json=body, headers=headers)
    assert response.status_code == 201, response.data
    return end(world)


def end(world: World) -> int:
    return world.ledger.facts_after(0, 1_000_000)[-1][0]


def diff(client: Client, begin: int | str, to: int | str | None = None, **query: Any) -> list[Row]:
    query = {"from": begin, "page_size": 300} | query | ({} if to is None else {"to": to})
    response = client.get(PATH, **query)
    assert response.status_code == 200, response.data
    rows = cast("list[Row]", response.get_json())
    assert response.headers["X-Result-Count"] == str(len(rows))
    return rows


def test_a_changed_figure_is_told_with_its_facts_and_their_reasons(world: World) -> None:
    report(world, 10)
    begin = end(world)
    positions = [
        report(world, 11, reason="Zähler getauscht"),
        report(world, 12),
        report(world, 13, reason="again"),
        report(world, "12.5", reason="Zähler getauscht"),
    ]
    report(world, "12.5", date="2026-10-06T00:00:00Z")  # which changes no figure
    (usage,) = world.usages()
    expected = {
        "uuid": usage["uuid"],
        "resource_uuid": RESOURCE,
        "resource_name": "Resource",
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "project_uuid": PROJECT,
        "project_name": "Project",
        "customer_uuid": CONSUMER,
        "customer_name": "Consumer",
        "type": "cpu",
        "name": "CPU",
        "measured_unit": "hours",
        "billing_period": "2026-10-01",
        "usage_before": "10.00",
        "usage_after": "12.50",
        "delta": "2.50",
        "positions": positions,
        "reasons": ["Zähler getauscht", "again"],
        "corrections": [],
    }
    (row,) = diff(world.as_("staff"), begin)
    assert list(row.items()) == list(expected.items())
    response = world.as_("staff").get(PATH, **{"from": begin}, field=["delta", "positions"])
    assert response.get_json() == [{"delta": "2.50", "positions": positions}]


def test_what_was_not_there_has_no_figure_before_even_if_it_is_zero(world: World) -> None:
    begin = end(world)
    report(world, 0)
    (row,) = diff(world.as_("staff"), begin)
    assert (row["usage_before"], row["usage_after"], row["delta"]) == (None, "0.00", "0.00")
    assert row["positions"] == [end(world)]


def test_what_came_back_to_what_it_was_does_not_differ(world: World) -> None:
    begin = report(world, 3)
    middle = report(world, 5, reason="wrong")
    last = report(world, 3)
    staff = world.as_("staff")
    assert diff(staff, begin) == []
    assert [row["positions"] for row in diff(staff, begin, middle)] == [[middle]]
    assert [(row["positions"], row["delta"]) for row in diff(staff, middle)] == [([last], "-2.00")]
    assert diff(staff, last) == diff(staff, last, last) == []


def test_names_and_owners_are_those_of_the_end(world: World) -> None:
    begin = end(world)
    first = report(world, 1)
    world.describe(resources=[entity("resources", RESOURCE, name="Renamed", project_uuid=SECOND_PROJECT)])
    moved, staff = end(world), world.as_("staff")
    (row,) = diff(staff, begin, first)
    assert (row["resource_name"], row["project_name"]) == ("Resource", "Project")
    (row,) = diff(staff, begin, moved)
    assert (row["resource_name"], row["project_name"]) == ("Renamed", "Second project")
    assert diff(staff, first, moved) == []
    assert diff(staff, begin, first, project_uuid=SECOND_PROJECT) == []
    assert len(diff(staff, begin, moved, project_uuid=SECOND_PROJECT)) == 1
    assert len(diff(world.as_("project-member"), begin, first)) == 1
    assert diff(world.as_("project-member"), begin, moved) == []


def test_times_stand_for_positions_and_the_end_is_now_by_default(world: World) -> None:
    staff = world.as_("staff")
    report(world, 1)
    morning, world.now = world.now, world.now + timedelta(hours=5)
    middle = report(world, 2)
    noon, world.now = world.now, world.now + timedelta(hours=5)
    last = report(world, 3)

    def deltas(begin: Any, to: Any = None) -> list[str]:
        return [row["delta"] for row in diff(staff, begin, to)]

    assert deltas(morning.isoformat()) == ["2.00"]
    assert deltas(morning.isoformat(), noon.isoformat()) == ["1.00"]
    assert deltas("2020-01-01T00:00:00Z", morning.isoformat()) == ["1.00"]
    assert deltas(middle, world.now.isoformat()) == ["1.00"]
    response = staff.get(PATH, **{"from": 0, "to": noon.isoformat()})
    assert response.headers["Ledger-Position"] == str(middle)
    assert staff.get(PATH, **{"from": 0}).headers["Ledger-Position"] == str(last)


def test_as_of_is_the_end_of_the_journal(world: World) -> None:
    report(world, 1)
    middle, last, staff = report(world, 2), report(world, 3), world.as_("staff")
    assert diff(staff, 0, as_of=middle) == diff(staff, 0, middle)
    response = staff.get(PATH, **{"from": 0, "to": last, "as_of": middle})
    assert response.get_json() == {"to": ["The journal has not got that far."]}


def test_an_answer_between_two_positions_stays_the_same(world: World) -> None:
    begin, last, staff = report(world, 1), report(world, 2), world.as_("staff")
    query = {"from": begin, "to": last}
    response = staff.get(PATH, **query)
    open_end = staff.get(PATH, **{"from": begin})
    world.now += timedelta(days=40)
    report(world, 3)
    headers = {"If-None-Match": response.headers["ETag"]}
    again = staff.send("GET", PATH, query_string=query, headers=headers)
    assert (again.status_code, again.headers["Ledger-Position"]) == (304, str(last))
    headers = {"If-None-Match": open_end.headers["ETag"]}
    assert staff.send("GET", PATH, query_string={"from": begin}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({}, {"from": ["This field is required."]}),
        ({"to": 1}, {"from": ["This field is required."]}),
        ({"from": ""}, {"from": [MALFORMED]}),
        ({"from": "-1"}, {"from": [MALFORMED]}),
        ({"from": "2026-10-05"}, {"from": [MALFORMED]}),
        ({"from": 0, "to": ""}, {"to": [MALFORMED]}),
        ({"from": 0, "to": "yesterday"}, {"to": [MALFORMED]}),
        ({"from": 10**12}, {"from": ["The journal has not got that far."]}),
        ({"from": 0, "to": 10**12}, {"to": ["The journal has not got that far."]}),
        ({"from": "2026-11-15T12:00:01Z"}, {"from": ["Must not be in the future."]}),
        ({"from": 0, "to": "2099-01-01T00:00:00Z"}, {"to": ["Must not be in the future."]}),
        ({"from": 7, "to": 6}, {"from": ["Must not be after `to`."]}),
        (
            {"from": "2020-01-02T00:00:00Z", "to": "2020-01-01T00:00:00Z"},
            {"from": ["Must not be after `to`."]},
        ),
        ({"from": 7, "to": "2020-01-01T00:00:00Z"}, {"from": ["Must not be after `to`."]}),
    ],
    ids=str,
)
def test_points_that_are_none_are_refused(world: World, query: Row, told: Row) -> None:
    response = world.as_("staff").get(PATH, **query)
    assert (response.status_code, response.get_json()) == (400, told)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"o": "usage"}, "o"),
        ({"resource_uuid": "x"}, "resource_uuid"),
        ({"billing_period": "October"}, "billing_period"),
        ({"bogus": "1"}, "bogus"),
        ({"field": "bogus"}, "field"),
    ],
    ids=str,
)
def test_a_parameter_that_is_wrong_is_refused_by_its_name(world: World, query: Row, name: str) -> None:
    response = world.as_("staff").get(PATH, **{"from": 0}, **query)
    assert (response.status_code, list(response.get_json())) == (400, [name])


def test_nobody_reads_without_a_token(world: World) -> None:
    assert world.anonymous.get(PATH, **{"from": 0}).status_code == 401


def report_everywhere(world: World) -> None:
    for number, resource in enumerate(sorted(SEES["staff"]), start=1):
        report(world, number, resource=resource)


@pytest.mark.parametrize("username", SEES)
def test_who_sees_the_usage_sees_its_change(world: World, username: str) -> None:
    begin = end(world)
    report_everywhere(world)
    assert {row["resource_uuid"] for row in diff(world.as_(username), begin)} == SEES[username]


@pytest.mark.parametrize(
    "query",
    [
        {"resource_uuid": RESOURCE},
        {"resource": f"http://localhost/api/marketplace-resources/{OTHER_RESOURCE}/"},
        {"offering_uuid": OFFERING},
        {"project_uuid": OTHER_PROJECT},
        {"customer_uuid": CONSUMER},
        {"type": "gpu"},
        {"billing_period": "2026-09-01"},
        {"billing_period_year": 2026, "billing_period_month": 10},
        {"billing_period_month": 9},
        {"date_after": "2026-10-05"},
        {"date_before": "2026-10-04"},
        {"missing_usage_policy": "reuse"},
    ],
    ids=str,
)
def test_it_has_the_filters_of_the_usages(world: World, query: Row) -> None:
    begin = end(world)
    report_everywhere(world)
    report(world, 4, type="gpu")
    report(world, 5, date="2026-09-05T00:00:00Z", resource=SECOND_RESOURCE)
    item = {"type": "gpu", "amount": 6, "missing_usage_policy": "reuse"}
    report(world, 0, date="2026-09-30T00:00:00Z", usages=[item])
    listed, staff = world.usages(**query), world.as_("staff")
    assert 0 < len(listed) < 6
    assert {row["uuid"] for row in diff(staff, begin, **query)} == {row["uuid"] for row in listed}


def test_orders_and_pages(world: World) -> None:
    begin, staff = end(world), world.as_("staff")
    for month, amounts in {"2026-08": (5, 1), "2026-10": (2, 7), "2026-09": (9, 4)}.items():
        for kind, amount in zip(("cpu", "gpu"), amounts, strict=True):
            report(world, amount, type=kind, date=f"{month}-05T00:00:00Z")

    def afters(**query: Any) -> list[str]:
        return [row["usage_after"].removesuffix(".00") for row in diff(staff, begin, **query)]

    assert afters() == ["2", "7", "9", "4", "5", "1"]
    assert afters(o="billing_period") == ["5", "1", "9", "4", "2", "7"]
    assert afters(o="-billing_period,usage_after") == ["2", "7", "4", "9", "1", "5"]
    assert afters(o="delta") == afters(o="usage_after") == ["1", "2", "4", "5", "7", "9"]
    assert afters(o="-delta") == ["9", "7", "5", "4", "2", "1"]
    found: list[Row] = []
    for number in (1, 2, 3):
        response = staff.get(PATH, **{"from": begin}, o="-delta", page=number, page_size=2)
        assert response.headers["X-Result-Count"] == "6"
        found += response.get_json()
    assert found == diff(staff, begin, o="-delta")
    assert (
        f'from={begin}&o=-delta&page=2&page_size=2&to={end(world)}>; rel="prev"' in response.headers["Link"]
    )
    assert staff.get(PATH, **{"from": begin}, page=2).status_code == 404
    assert staff.get(PATH, **{"from": begin}, page="last", page_size=4).get_json() == diff(staff, begin)[4:]


def test_the_pages_of_a_diff_up_to_now_are_of_one_diff(world: World) -> None:
    begin, staff = end(world), world.as_("staff")
    for month in range(1, 7):
        report(world, month, date=f"2026-{month:02}-05T00:00:00Z")
    expected, found = diff(staff, begin), list[Row]()
    url: str | None = f"{PATH}?from={begin}&page_size=2"
    while url:
        response = staff.send("GET", url)
        found += response.get_json()
        report(world, 100 + len(found))
        url = next(iter(re.findall(r'<([^<>]+)>; rel="next"', response.headers["Link"])), None)
    assert found == expected


# --- whatever was reported ---

items = st.fixed_dictionaries(
    {
        "resource": st.sampled_from([RESOURCE, SECOND_RESOURCE]),
        "type": st.sampled_from(["cpu", "cpu", "gpu"]),
        "amount": st.integers(0, 3),
        "missing_usage_policy": st.sampled_from(["none", "reuse", "zero"]),
        "date": st.sampled_from(["2026-10-02", "2026-11-02"]),
        "reason": st.sampled_from(["", "", "one", "two", 'a "third", ö']),
    }
)
users = st.fixed_dictionaries(
    {
        "resource": st.just(RESOURCE),
        "type": st.sampled_from(["cpu", "gpu"]),
        "date": st.sampled_from(["2026-10-02", "2026-11-02"]),
        "username": st.sampled_from(["ann", "bob"]),
        "usage": st.integers(0, 3),
        "reason": st.sampled_from(["", "of users"]),
    }
)
projects = st.sampled_from([PROJECT, SECOND_PROJECT, OTHER_PROJECT])
imports = st.builds(
    imported, st.integers(0, 3), uuid=st.sampled_from([uid(0x8000), uid(0x8001)]), component_uuid=st.just(GPU)
)
carry_over = st.just(None)
steps = st.lists(items | users, min_size=1, max_size=5) | projects | imports | carry_over


def lists_at(world: World, position: int) -> dict[str, Row]:
    response = world.as_("staff").get(USAGES, as_of=position, page_size=300)
    return {row["uuid"]: row for row in response.get_json()}


def facts_between(world: World, begin: int, to: int) -> dict[str, list[tuple[int, str]]]:
    """Positions and reasons of the facts that changed a figure, by the usage."""
    figures: dict[str, Decimal] = {}
    found: dict[str, list[tuple[int, str]]] = {}
    for position, fact in world.ledger.facts_after(0, 1_000_000):
        if not isinstance(fact, Report) or position > to:
            continue
        figure = fact.plan_amount if isinstance(fact, UsageReported) else getattr(fact, "total", None)
        usage = fact.usage_uuid.hex
        if figure is not None and figure != figures.get(usage):
            figures[usage] = figure
            if position > begin:
                found.setdefault(usage, []).append((position, fact.reason))
    return found


NAMES = [
    f"{of}_{part}" for of in ("resource", "offering", "project", "customer") for part in ("uuid", "name")
]


def expected(world: World, begin: int, to: int, lists: dict[int, dict[str, Row]]) -> dict[str, Row]:
    rows, facts = {}, facts_between(world, begin, to)
    for uuid, after in lists[to].items():
        before = lists[begin].get(uuid, {}).get("usage")
        if before != after["usage"]:
            same = ("uuid", *NAMES, "type", "name", "measured_unit", "billing_period")
            rows[uuid] = {name: after[name] for name in same} | {
                "usage_before": before,
                "usage_after": after["usage"],
                "delta": str(Decimal(after["usage"]) - Decimal(before or 0)),
                "positions": [position for position, _ in facts[uuid]],
                "reasons": list(dict.fromkeys(reason for _, reason in facts[uuid] if reason)),
                "corrections": [],
            }
    return rows


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=3, max_size=8))
def test_it_is_the_difference_of_the_lists_at_any_two_positions(
    world_database: Callable[[], AbstractContextManager[str]], history: list[Any]
) -> None:
    with world_database() as url, open_world(url) as world:
        begin = end(world)
        for step in history:
            if step is None:
                world.now += timedelta(days=31)
                carried(world)
            elif isinstance(step, dict):
                world.describe(component_usages=[step])
            elif isinstance(step, str):
                world.describe(resources=[entity("resources", RESOURCE, project_uuid=step)])
            else:
                assert world.as_("staff").post("/api/ledger/reports/", step).status_code < 500
        positions = [begin, *(position for position, _ in world.ledger.facts_after(begin, 1_000_000))]
        lists = {position: lists_at(world, position) for position in positions}
        for place, first in enumerate(positions):
            for last in positions[place:]:
                rows = {row["uuid"]: row for row in diff(world.as_("staff"), first, last)}
                assert rows == expected(world, first, last, lists)
