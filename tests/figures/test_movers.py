"""What used more or less than in the month before, ranked by its share in the whole of its component."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.api.test_visibility import SEES
from tests.figures.asking import NAMES_OF_OTHERS, refused, table, usages
from tests.statistics.reading import report
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)

Key = tuple[str, str, str]


def moved(world: World, by: str, **query: str) -> list[tuple[Key, Decimal, Decimal, Decimal]]:
    """Resource and component, both months, and the share, of all that moved from September to October."""
    months: dict[str, dict[Key, Decimal]] = {"2026-09-01": defaultdict(Decimal)}
    months["2026-10-01"] = defaultdict(Decimal)
    for row in usages(world, by, **query):
        if row["billing_period"] in months:
            key = row["resource_uuid"], row["offering_uuid"], row["type"]
            months[row["billing_period"]][key] += row["usage"]
    before, after = months.values()
    found = []
    for key in before.keys() | after.keys():
        whole = max(sum(each[k] for k in list(each) if k[1:] == key[1:]) for each in (before, after))
        share = abs(after[key] - before[key]) / Decimal(whole)
        rounded = share.quantize(Decimal("0.0001"), ROUND_HALF_UP)
        if after[key] != before[key]:
            found.append((key, before[key], after[key], rounded))
    return sorted(found, key=lambda each: (-each[3], -abs(each[2] - each[1]), each[0][0], each[0][2]))


@pytest.mark.parametrize("by", SEES)
def test_what_moved_is_told_of_what_somebody_sees_with_shares_in_that(full: World, by: str) -> None:
    rows = table(full, "movers", by, billing_period="2026-10")
    assert [
        (
            (row["resource_uuid"], row["offering_uuid"], row["type"]),
            Decimal(row["usage_before"]),
            Decimal(row["usage"]),
            Decimal(str(row["share"])),
        )
        for row in rows
    ] == moved(full, by)
    assert {Decimal(row["delta"]) for row in rows} == {
        Decimal(row["usage"]) - Decimal(row["usage_before"]) for row in rows
    }
    if OTHER_RESOURCE not in SEES[by]:
        assert [name for name in NAMES_OF_OTHERS if name in str(rows)] == []


@pytest.mark.parametrize(
    "query",
    [
        {"project_uuid": SECOND_PROJECT},
        {"customer_uuid": CONSUMER},
        {"offering_uuid": OFFERING},
        {"resource_uuid": RESOURCE},
        {"type": "gpu"},
        {"project_uuid": uid(0xDEAD)},
    ],
)
def test_filters_narrow_rows_and_shares(full: World, query: dict[str, str]) -> None:
    rows = table(full, "movers", billing_period="2026-10", **query)
    assert [(row["resource_uuid"], row["type"], Decimal(str(row["share"]))) for row in rows] == [
        (key[0], key[2], share) for key, _, _, share in moved(full, "staff", **query)
    ]


def test_a_row_says_what_it_is_of(world: World) -> None:
    for resource, before, after in ((RESOURCE, 10, 4), (SECOND_RESOURCE, 1, 1), (OTHER_RESOURCE, 5, 7)):
        report(world, resource, "2026-10-05", cpu=before)
        report(world, resource, "2026-11-05", cpu=after)
    first = {
        "billing_period": "2026-11-01",
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
        "usage_before": "10.00",
        "usage": "4.00",
        "delta": "-6.00",
        "share": 0.6,
    }
    rows = table(world, "movers")
    assert list(rows[0].items()) == list(first.items())
    assert [(row["resource_name"], row["share"]) for row in rows] == [
        ("Resource", 0.6),
        ("Other resource", 0.2857),
    ]
    assert [row["delta"] for row in table(world, "movers", o="delta")] == ["-6.00", "2.00"]
    assert [row["usage"] for row in table(world, "movers", o="-usage")] == ["7.00", "4.00"]
    assert table(world, "movers", provider_uuid=PROVIDER) == [first]
    assert table(world, "movers", "stranger") == []


def test_what_was_not_there_before_moved_from_nothing(world: World) -> None:
    report(world, RESOURCE, "2026-11-05", cpu=3)
    [row] = table(world, "movers")
    assert (row["usage_before"], row["usage"], row["share"]) == ("0.00", "3.00", 1)
    [row] = table(world, "movers", billing_period="2026-12")
    assert (row["usage_before"], row["usage"], row["delta"]) == ("3.00", "0.00", "-3.00")
    assert table(world, "movers", billing_period="0001-01") == []


def test_a_whole_that_comes_to_nothing_has_no_shares(world: World) -> None:
    world.describe(
        component_usages=[
            {"uuid": uid(0x8000 + number), "resource_uuid": RESOURCE, "component_uuid": uid(0xE1)}
            | {"usage": usage, "billing_period": "2026-11-01", "plan_period_uuid": None}
            for number, usage in enumerate(["0"])
        ]
    )
    assert table(world, "movers") == []


def test_what_is_asked_wrongly_is_told(world: World) -> None:
    told = {"billing_period": ["billing_period must be in YYYY-MM format"]}
    assert refused(world, "movers", billing_period="2026-10-01") == told
    assert list(refused(world, "movers", month="2026-10")) == ["month"]


def test_as_of_a_position_it_is_what_moved_then(world: World) -> None:
    report(world, RESOURCE, "2026-10-05", cpu=1)
    report(world, RESOURCE, "2026-11-05", cpu=2)
    end, before = world.projector.catch_up(), table(world, "movers")
    report(world, RESOURCE, "2026-11-05", cpu=9)
    assert table(world, "movers") != before
    assert table(world, "movers", as_of=end) == before
