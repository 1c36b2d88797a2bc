"""Usage by month, component and group is what the usages that somebody sees come to."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.api.test_visibility import SEES
from tests.figures.asking import (
    EXTRA,
    NAMES_OF_OTHERS,
    Row,
    fill,
    refused,
    table,
    usages,
    user_usages,
)
from tests.statistics.reading import report
from tests.world import (
    CONSUMER,
    CPU,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)
from web.commands.audit.forget import forget

RANGE = {"start": "2025-10", "end": "2026-09"}

Sums = dict[tuple[str, str, str, str | None], Decimal]


def sums(rows: list[Row], key: str) -> Sums:
    """What usages come to by offering, type, month and group."""
    found: Sums = defaultdict(Decimal)
    for row in rows:
        if "2025-10" <= row["billing_period"] <= "2026-09-01":
            found[row["offering_uuid"], component_of(row), row["billing_period"], row[key]] += row["usage"]
    return found


def component_of(row: Row) -> str:
    name: str = row["component_type"] if "component_type" in row else row["type"]
    return name


def told(rows: list[Row], group: str = "group_uuid") -> Sums:
    found = {
        (row["offering_uuid"], row["type"], row["billing_period"], row[group]): Decimal(row["usage"])
        for row in rows
    }
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize("group_by", ["resource", "project", "customer", "offering", "component", "user"])
def test_sums_are_those_of_the_usages_that_somebody_sees(full: World, group_by: str, by: str) -> None:
    rows = table(full, "monthly-usages", by, group_by=group_by, most=100, **RANGE)
    assert [row for row in rows if row["is_rest"]] == []
    if group_by == "user":
        assert told(rows, "group_name") == sums(user_usages(full, by), "username")
    elif group_by == "component":
        expected = sums(usages(full, by), "offering_uuid")
        assert {(*key[:3], key[0]): usage for key, usage in told(rows).items()} == expected
    else:
        assert told(rows) == sums(usages(full, by), f"{group_by}_uuid")
    if OTHER_RESOURCE not in SEES[by]:
        assert [name for name in NAMES_OF_OTHERS if name in str(rows)] == []


@pytest.mark.parametrize("group_by", ["resource", "project", "customer", "offering", "component"])
@pytest.mark.parametrize(
    "query",
    [
        {"project_uuid": SECOND_PROJECT},
        {"customer_uuid": CONSUMER},
        {"offering_uuid": SECOND_OFFERING},
        {"provider_uuid": PROVIDER},
        {"resource_uuid": EXTRA[2]},
        {"type": "gpu"},
        {"type": "cpu", "offering_uuid": OFFERING, "project_uuid": PROJECT},
        {"project_uuid": uid(0xDEAD)},
    ],
)
@pytest.mark.parametrize("by", ["staff", "provider-owner", "project-member"])
def test_filters_narrow_it(full: World, by: str, query: dict[str, str], group_by: str) -> None:
    rows = table(full, "monthly-usages", by, group_by=group_by, **query, **RANGE)
    listed = {name: value for name, value in query.items() if name != "provider_uuid"}
    expected = usages(full, by, **listed)
    if "provider_uuid" in query:
        expected = [row for row in expected if row["offering_uuid"] in (OFFERING, SECOND_OFFERING)]
    total: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        total[row["billing_period"]] += Decimal(row["usage"])
    by_month: dict[str, Decimal] = defaultdict(Decimal)
    for (_, _, month, _), usage in sums(expected, "offering_uuid").items():
        by_month[month] += usage
    assert total == by_month


@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize("group_by", ["resource", "project", "customer", "offering", "component", "user"])
def test_without_months_a_group_has_the_sum_of_all_of_them(full: World, group_by: str, by: str) -> None:
    query = {"group_by": group_by, "most": 2, **RANGE}
    total: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    for row in table(full, "monthly-usages", by, **query):
        total[row["offering_uuid"], row["type"], row["group_name"]] += Decimal(row["usage"])
    for word in ("false", "0"):
        rows = table(full, "monthly-usages", by, by_month=word, **query)
        assert {row["billing_period"] for row in rows} <= {None}
        found = {
            (row["offering_uuid"], row["type"], row["group_name"]): Decimal(row["usage"]) for row in rows
        }
        assert found == total
        assert len(rows) == len(found)
    assert table(full, "monthly-usages", by, by_month="true", **query) == table(
        full, "monthly-usages", by, **query
    )


def test_a_row_says_what_it_is_of(world: World) -> None:
    report(world, RESOURCE, "2026-10-05", cpu="1.5")
    report(world, SECOND_RESOURCE, "2026-10-05", cpu="4")
    row = {
        "billing_period": "2026-10-01",
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "type": "cpu",
        "name": "CPU",
        "measured_unit": "hours",
        "group_uuid": RESOURCE,
        "group_name": "Resource",
        "is_rest": False,
        "usage": "1.50",
    }
    second = {
        "offering_uuid": SECOND_OFFERING,
        "offering_name": "Cloud",
        "name": "vCPU",
        "measured_unit": "",
        "group_uuid": SECOND_RESOURCE,
        "group_name": "Second resource",
        "usage": "4.00",
    }
    found = table(world, "monthly-usages", group_by="resource")
    assert [list(each.items()) for each in found] == [list(each.items()) for each in (row | second, row)]
    groups = {
        "component": [(uid(0xE6), "vCPU"), (CPU, "CPU")],
        "offering": [(SECOND_OFFERING, "Cloud"), (OFFERING, "Cluster")],
        "project": [(SECOND_PROJECT, "Second project"), (PROJECT, "Project")],
        "customer": [(CONSUMER, "Consumer"), (CONSUMER, "Consumer")],
    }
    for group_by, expected in groups.items():
        rows = table(world, "monthly-usages", group_by=group_by)
        assert [(each["group_uuid"], each["group_name"]) for each in rows] == expected
    assert table(world, "monthly-usages") == table(world, "monthly-usages", group_by="component")
    assert table(world, "monthly-usages", group_by="component", resource_uuid=RESOURCE) == table(
        world, "monthly-usages", type="cpu", offering_uuid=OFFERING
    )


def test_the_largest_groups_stand_alone_and_all_others_are_one(full: World) -> None:
    query = {"type": "cpu", "offering_uuid": OFFERING, "group_by": "resource", **RANGE}
    known = told(table(full, "monthly-usages", most=100, **query))
    whole: dict[str | None, Decimal] = defaultdict(Decimal)
    for (_, _, _, resource), usage in known.items():
        whole[resource] += usage
    for most in (1, 2, 6):
        ranked = sorted(whole, key=lambda each: -whole[each])
        expected: Sums = defaultdict(Decimal)
        for (offering, kind, month, resource), usage in known.items():
            expected[offering, kind, month, resource if resource in ranked[:most] else None] += usage
        rows = table(full, "monthly-usages", most=most, **query)
        assert told(rows) == expected
        rest = [row for row in rows if row["is_rest"]]
        assert {(row["group_uuid"], row["group_name"]) for row in rest} == {(None, None)}
        for month in {row["billing_period"] for row in rows}:
            order = [row["group_uuid"] for row in rows if row["billing_period"] == month]
            assert order == [each for each in [*ranked[:most], None] if each in order]
    assert table(full, "monthly-usages", most=7, **query) == table(full, "monthly-usages", **query)


@pytest.mark.parametrize("group_by", ["component", "project", "customer", "offering", "resource"])
@pytest.mark.parametrize("by", ["provider-owner", "offering-manager", "service-provider-manager"])
def test_a_provider_is_not_told_what_went_to_another_one(world: World, group_by: str, by: str) -> None:
    report(world, RESOURCE, "2026-11-05", cpu=1)
    assert len(table(world, "monthly-usages", by, group_by=group_by)) == 1
    world.describe(resources=[entity("resources", RESOURCE, offering_uuid=OTHER_OFFERING)])
    assert usages(world, by) == []
    for query in ({}, {"project_uuid": PROJECT}, {"customer_uuid": CONSUMER}, {"provider_uuid": PROVIDER}):
        assert table(world, "monthly-usages", by, group_by=group_by, **query) == []
    assert len(table(world, "monthly-usages", "consumer-owner", group_by=group_by)) == 1


@pytest.mark.parametrize("by", ["consumer-owner", "project-member", "customer-support"])
def test_of_what_is_their_own_counters_tell_what_usages_do(full: World, by: str) -> None:
    for group_by in ("component", "project", "customer", "offering"):
        for query in (
            {"customer_uuid": CONSUMER},
            {"project_uuid": PROJECT},
            {"project_uuid": OTHER_PROJECT},
        ):
            rows = table(full, "monthly-usages", by, group_by=group_by, **query, **RANGE)
            known = table(full, "monthly-usages", "staff", group_by=group_by, **query, **RANGE)
            seen = {row["offering_uuid"] for row in usages(full, by, **query)}
            assert rows == ([] if "project_uuid" in query and not seen else known_of(known, by))


def known_of(rows: list[Row], by: str) -> list[Row]:
    return [row for row in rows if by != "project-member" or row["offering_uuid"] == OFFERING]


def test_groups_are_ranked_in_each_component_by_itself(world: World) -> None:
    for number, (cpu, gpu) in enumerate([(1, 9), (5, 3)]):
        resource = {"uuid": uid(0x900 + number), "name": f"R{number}", "offering_uuid": OFFERING}
        world.describe(resources=[resource | {"project_uuid": PROJECT, "plan_uuid": uid(0xB1)}])
        report(world, resource["uuid"], "2026-11-02", cpu=cpu, gpu=gpu)
    rows = table(world, "monthly-usages", group_by="resource", most=1)
    assert [(row["type"], row["group_name"], row["usage"]) for row in rows] == [
        ("cpu", "R1", "5.00"),
        ("cpu", None, "1.00"),
        ("gpu", "R0", "9.00"),
        ("gpu", None, "3.00"),
    ]


def test_without_a_range_it_is_the_last_twelve_months(full: World) -> None:
    rows = table(full, "monthly-usages")
    assert {row["billing_period"] for row in rows} == {
        "2025-12-01",
        *(f"2026-{month:02}-01" for month in range(1, 12)),
    }
    same = table(full, "monthly-usages", start="2025-12", end="2026-11")
    assert rows == same


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            {"group_by": "team"},
            {
                "group_by": [
                    "Select a valid choice. team is not one of the available choices. There are "
                    "resource, project, customer, offering, user, component."
                ]
            },
        ),
        ({"most": "0"}, {"most": ["Enter a whole number from 1 to 100."]}),
        ({"most": "101"}, {"most": ["Enter a whole number from 1 to 100."]}),
        ({"most": "8.0"}, {"most": ["Enter a whole number from 1 to 100."]}),
        ({"most": "²"}, {"most": ["Enter a whole number from 1 to 100."]}),
        ({"start": "2026-10"}, {"non_field_errors": ["Both parameters must be specified."]}),
        (
            {"start": "2026-10", "end": "2026-09"},
            {"non_field_errors": ["Start date must be earlier or equal to end date."]},
        ),
        (
            {"start": "2021-11", "end": "2026-11"},
            {"non_field_errors": ["No more than 60 months are answered at once."]},
        ),
        ({"end": "2026-13", "start": "2026-10"}, {"end": ["Month has to be from 1 to 12."]}),
    ],
)
def test_what_is_asked_wrongly_is_told(world: World, query: dict[str, str], expected: Any) -> None:
    assert refused(world, "monthly-usages", **query) == expected


def test_a_range_may_have_sixty_months_and_end_with_the_last_one_there_is(world: World) -> None:
    report(world, RESOURCE, "2026-11-02", cpu=1)
    assert len(table(world, "monthly-usages", start="2021-12", end="2026-11")) == 1
    assert table(world, "monthly-usages", start="9999-01", end="9999-12") == []


def test_a_misspelt_filter_is_refused(world: World) -> None:
    assert list(refused(world, "monthly-usages", project="x")) == ["project"]


def test_as_of_a_position_sums_are_those_of_then(world: World) -> None:
    fill(world)
    end = world.projector.catch_up()
    queries = [
        {"group_by": name, "most": 2}
        for name in ("resource", "project", "customer", "offering", "component", "user")
    ]
    before = [table(world, "monthly-usages", by, **query) for by in SEES for query in queries]
    report(world, RESOURCE, "2026-10-05", cpu=900, gpu=901)
    report(world, SECOND_RESOURCE, "2026-11-05", cpu=902)
    after = [table(world, "monthly-usages", by, **query) for by in SEES for query in queries]
    assert before != after
    then = [table(world, "monthly-usages", by, as_of=end, **query) for by in SEES for query in queries]
    assert then == before


def test_whoever_was_forgotten_has_a_sum_without_a_name(world: World) -> None:
    report(world, RESOURCE, "2026-11-02", cpu=5)
    [usage] = world.usages()
    for name, amount in (("ann", 1), ("bo", 2)):
        assert world.report_user(usage["uuid"], username=name, usage=amount).status_code == 201
    named = table(world, "monthly-usages", group_by="user")
    assert [(row["group_name"], row["usage"]) for row in named] == [("bo", "2.00"), ("ann", "1.00")]
    forget(world.services, "bo", "they asked")
    rows = table(world, "monthly-usages", group_by="user")
    assert rows == [named[0] | {"group_name": ""}, named[1]]
