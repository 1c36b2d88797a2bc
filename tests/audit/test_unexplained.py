"""Figures of past months that were lowered, and nobody said why."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.domain.months import month_of
from ledger.events import Fact, Report, UsageReported, UserUsageReported
from projections.rebuild import Rebuilt
from tests.api.monthly import entity
from tests.api.test_visibility import SEES
from tests.projections.rebuilding import rebuild_of
from tests.support.read_models import append
from tests.world import (
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    Client,
    World,
    open_world,
    uid,
)

PATH = "/api/ledger/unexplained/"

Row = dict[str, Any]


def report(world: World, amount: float | str, *, reason: str | None = None, **more: Any) -> None:
    """Reports cpu of RESOURCE in October, unless told otherwise."""
    item = {"type": more.pop("type", "cpu"), "amount": amount}
    body = {"resource": RESOURCE, "date": "2026-10-05T06:00:00Z", "usages": [item], **more}
    headers = {} if reason is None else {"Ledger-Reason": reason}
    response = world.as_("staff").send("POST", f"{USAGES}set_usage/", json=body, headers=headers)
    assert response.status_code == 201, response.data


def rows(client: Client, **query: Any) -> list[Row]:
    response = client.get(PATH, page_size=300, **query)
    assert response.status_code == 200, response.data
    found = cast("list[Row]", response.get_json())
    assert response.headers["X-Result-Count"] == str(len(found))
    return found


def changes(world: World, **query: Any) -> list[tuple[str, str]]:
    return [(row["usage_before"], row["usage_after"]) for row in rows(world.as_("staff"), **query)]


def last_position(world: World) -> int:
    return world.ledger.facts_after(0, 1_000_000)[-1][0]


def test_a_lowered_figure_is_told_with_all_that_is_around_it(world: World) -> None:
    report(world, "12.5")
    report(world, 10)
    (usage,) = world.usages()
    position = last_position(world)
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
        "usage_before": "12.50",
        "usage_after": "10.00",
        "delta": "-2.50",
        "positions": [position],
        "reasons": [],
        "position": position,
        "reported_by": {"uuid": uid(1), "username": "staff", "id": 1},
        "revision_date": "2026-11-15T12:00:00+00:00",
    }
    (row,) = rows(world.as_("staff"))
    assert list(row.items()) == list(expected.items())
    assert world.as_("staff").get(PATH, field=["delta", "position"]).get_json() == [
        {"delta": "-2.50", "position": position}
    ]


def test_only_what_lowers_a_past_month_and_does_not_say_why_is_unexplained(world: World) -> None:
    report(world, 10)
    report(world, 11)
    report(world, 9, reason="The meter was replaced.")
    report(world, 9)
    assert changes(world) == []
    report(world, 10, date="2026-11-05")
    report(world, 9, date="2026-11-05")
    assert changes(world) == []
    report(world, 8)
    report(world, "7.99")
    report(world, 8)
    report(world, -3)
    assert changes(world) == [("8.00", "0.00"), ("8.00", "7.99"), ("9.00", "8.00")]


def test_a_month_that_became_past_is_past(world: World) -> None:
    report(world, 10, date="2026-11-05")
    report(world, 9, date="2026-11-05")
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    report(world, 8, date="2026-11-05")
    assert changes(world) == [("9.00", "8.00")]


@pytest.mark.parametrize(
    ("zone", "now", "is_past"),
    [
        ("Pacific/Kiritimati", "2026-10-31T09:59:59Z", False),
        ("Pacific/Kiritimati", "2026-10-31T10:00:00Z", True),
        ("Pacific/Pago_Pago", "2026-11-01T10:59:59Z", False),
        ("Pacific/Pago_Pago", "2026-11-01T11:00:00Z", True),
        ("UTC", "2026-10-31T23:59:59Z", False),
        ("UTC", "2026-11-01T00:00:00Z", True),
    ],
)
def test_months_end_in_the_zone_of_the_ledger(world_url: str, zone: str, now: str, is_past: bool) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(now)
        report(world, 2)
        report(world, 1)
        assert changes(world) == [("2.00", "1.00")] * is_past


def imported(usage: float | str, **more: Any) -> Row:
    row = {"uuid": uid(0x8000), "resource_uuid": RESOURCE, "component_uuid": CPU, "usage": usage}
    return row | {"billing_period": "2026-10-01", "date": "2026-10-05T00:00:00Z"} | more


def test_an_import_that_lowers_is_unexplained_and_of_nobody(world: World) -> None:
    """Today's imports leave figures that are there as they are, and a journal may have others."""
    world.describe(component_usages=[imported(5)])
    (fact,) = world.facts(UsageReported)
    lower = {"amount": 3, "plan_amount": 3, "originator_version": 2}
    append(world, [structs.replace(fact, **lower)])
    world.projector.catch_up()
    (row,) = rows(world.as_("staff"))
    assert (row["usage_before"], row["usage_after"], row["reported_by"]) == ("5.00", "3.00", None)


def test_a_total_that_is_lower_is_unexplained(world: World) -> None:
    """Today's decisions take none over that is, and a journal may have one all the same."""
    report(world, 5)
    (usage,) = world.usages()
    assert world.report_user(usage["uuid"], username="ann", usage=9).status_code == 201
    assert changes(world) == []
    (fact,) = world.facts(UserUsageReported)
    later: list[dict[str, Any]] = [
        {"total": 4},
        {"total": None},
        {"total": 3, "reason": "said"},
        {"total": 2},
    ]
    more: list[Fact] = [
        structs.replace(fact, originator_version=fact.originator_version + 1 + place, **change)
        for place, change in enumerate(later)
    ]
    append(world, more)
    world.projector.catch_up()
    assert changes(world) == [("3.00", "2.00"), ("5.00", "4.00")]
    assert rebuild_of(world).run() == Rebuilt(is_live=True)


def test_the_newest_come_first_in_pages(world: World) -> None:
    for amount in range(30, 0, -1):
        report(world, amount, type=("cpu", "gpu")[amount % 2])
    staff, found = world.as_("staff"), []
    for number in (1, 2, 3):
        response = staff.get(PATH, page=number)
        assert response.headers["X-Result-Count"] == "28"
        found += [row["position"] for row in response.get_json()]
    assert len(found) == 28
    assert found == sorted(found, reverse=True)
    assert 'rel="last"' in response.headers["Link"]
    assert staff.get(PATH, page=4).status_code == 404


def lower_everywhere(world: World) -> None:
    for resource in SEES["staff"]:
        for amount in (2, 1):
            report(world, amount, resource=resource)


@pytest.mark.parametrize("username", SEES)
def test_who_sees_the_usage_sees_that_it_is_unexplained(world: World, username: str) -> None:
    lower_everywhere(world)
    assert {row["resource_uuid"] for row in rows(world.as_(username))} == SEES[username]


def test_nobody_reads_without_a_token(world: World) -> None:
    assert world.anonymous.get(PATH).status_code == 401


def test_whose_it_is_follows_the_catalogue(world: World) -> None:
    report(world, 2)
    report(world, 1)
    assert len(rows(world.as_("project-member"))) == 1
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=OTHER_PROJECT, name="Moved")])
    assert rows(world.as_("project-member")) == []
    (row,) = rows(world.as_("staff"), project_uuid=OTHER_PROJECT)
    assert (row["resource_name"], row["project_name"]) == ("Moved", "Other project")


@pytest.mark.parametrize(
    "query",
    [
        {"resource_uuid": RESOURCE},
        {"resource": f"http://localhost/api/marketplace-resources/{OTHER_RESOURCE}/"},
        {"offering_uuid": OFFERING},
        {"project_uuid": OTHER_PROJECT},
        {"customer_uuid": CONSUMER},
        {"type": "cpu"},
        {"type": "gpu"},
        {"billing_period": "2026-09-01"},
        {"billing_period_year": 2026, "billing_period_month": 10},
        {"billing_period_month": 9},
        {"date_after": "2026-10-05"},
        {"date_before": "2026-10-04"},
        {"missing_usage_policy": "reuse"},
        {"customer_uuid": CONSUMER, "type": "gpu", "billing_period": "2026-10-01"},
    ],
    ids=str,
)
def test_it_has_the_filters_of_the_usages(world: World, query: Row) -> None:
    lower_everywhere(world)
    for amount in (2, 1):
        report(world, amount, type="gpu")
        report(world, amount, date="2026-09-05T00:00:00Z", resource=SECOND_RESOURCE)
        item = {"type": "gpu", "amount": amount, "missing_usage_policy": "reuse"}
        report(world, amount, date="2026-09-30T00:00:00Z", usages=[item])
    listed = world.usages(**query)
    assert 0 < len(listed) < 6
    assert {row["uuid"] for row in rows(world.as_("staff"), **query)} == {row["uuid"] for row in listed}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"resource_uuid": "x"}, "resource_uuid"),
        ({"billing_period": "October"}, "billing_period"),
        ({"missing_usage_policy": "some"}, "missing_usage_policy"),
        ({"o": "usage"}, "o"),
        ({"zone": "UTC"}, "zone"),
        ({"bogus": "1"}, "bogus"),
    ],
    ids=str,
)
def test_a_parameter_that_is_wrong_is_refused_by_its_name(world: World, query: Row, name: str) -> None:
    response = world.as_("staff").get(PATH, **query)
    assert (response.status_code, list(response.get_json())) == (400, [name])


# --- whatever was reported ---

items = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["cpu", "gpu"]),
        "amount": st.integers(-1, 4),
        "date": st.sampled_from(["2026-09-02", "2026-10-02", "2026-11-02"]),
        "reason": st.sampled_from(["", "", "", "said"]),
    }
)
imports = st.builds(
    imported,
    usage=st.integers(-1, 4),
    component_uuid=st.sampled_from([CPU, GPU]),
    billing_period=st.sampled_from(["2026-09-01", "2026-10-01"]),
    uuid=st.sampled_from([uid(0x8000), uid(0x8001)]),
)
steps = st.one_of(
    st.lists(items, min_size=1, max_size=8).map(lambda some: ("reports", some)),
    imports.map(lambda one: ("import", one)),
)


def expected(world: World) -> list[tuple[int, str, str]]:
    """Find what is unexplained in the journal alone."""
    figures: dict[Any, Any] = {}
    found = []
    for position, fact in world.ledger.facts_after(0, 1_000_000):
        if not isinstance(fact, Report):
            continue
        figure = fact.plan_amount if isinstance(fact, UsageReported) else getattr(fact, "total", None)
        if figure is None:
            continue
        before = figures.get(fact.usage_uuid)
        is_past = fact.month < month_of(fact.recorded_at)
        if before is not None and figure < before and is_past and not fact.reason:
            found.append((position, f"{before:.2f}", f"{figure:.2f}"))
        figures[fact.usage_uuid] = figure
    return found[::-1]


# Without shrinking, which takes minutes.
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=2, max_size=8))
def test_it_is_what_the_journal_says_wherever_batches_end(
    world_database: Callable[[], AbstractContextManager[str]], history: list[tuple[str, Any]]
) -> None:
    with world_database() as url, open_world(url) as world:
        for kind, what in history:
            if kind == "import":
                world.describe(component_usages=[what])
            else:
                told = [item | {"resource": RESOURCE} for item in what]
                world.as_("staff").post("/api/ledger/reports/", told)
        found = rows(world.as_("staff"))
        told = [(row["position"], row["usage_before"], row["usage_after"]) for row in found]
        assert told == expected(world)
        for batch in (1, 3, 1_000):
            assert rebuild_of(world, batch=batch).run() == Rebuilt(is_live=True)
