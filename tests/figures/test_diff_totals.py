"""What changed between two positions, by project, offering and component, is what the diff comes to."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.api.test_visibility import SEES
from tests.audit.test_diff import diff
from tests.figures.asking import EXTRA, LEDGER, NAMES_OF_OTHERS, Row, refused, table
from tests.statistics.reading import report
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_RESOURCE,
    World,
)

KEY = ("customer_uuid", "project_uuid", "offering_uuid", "type")


def totals(world: World, begin: int, to: int | None = None, *, by: str = "staff", **query: Any) -> list[Row]:
    between = {"from": begin} | ({} if to is None else {"to": to})
    return table(world, "diff-totals", by, **between, **query)


def added_up(rows: list[Row]) -> dict[tuple[str, ...], tuple[Decimal, Decimal, Decimal, int]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in KEY)].append(row)
    return {
        key: (
            sum((Decimal(row["usage_before"] or 0) for row in group), Decimal()),
            sum((Decimal(row["usage_after"]) for row in group), Decimal()),
            sum((Decimal(row["delta"]) for row in group), Decimal()),
            sum(row.get("figures", 1) for row in group),
        )
        for key, group in groups.items()
    }


def test_a_row_says_what_it_is_of(world: World) -> None:
    report(world, RESOURCE, "2026-10-05", cpu=10)
    begin = world.projector.catch_up()
    report(world, RESOURCE, "2026-10-05", cpu=12)
    report(world, RESOURCE, "2026-11-05", cpu="0.5")
    report(world, SECOND_RESOURCE, "2026-11-05", cpu=0)
    first, second = totals(world, begin)
    assert list(first.items()) == list(
        {
            "customer_uuid": CONSUMER,
            "customer_name": "Consumer",
            "project_uuid": PROJECT,
            "project_name": "Project",
            "offering_uuid": OFFERING,
            "offering_name": "Cluster",
            "type": "cpu",
            "name": "CPU",
            "measured_unit": "hours",
            "usage_before": "10.00",
            "usage_after": "12.50",
            "delta": "2.50",
            "figures": 2,
        }.items()
    )
    assert (second["usage_before"], second["usage_after"], second["figures"]) == ("0.00", "0.00", 1)
    assert totals(world, begin, o="delta") == [second, first]
    assert totals(world, begin, begin) == []


@pytest.mark.parametrize("by", SEES)
def test_totals_are_those_of_the_diff_that_somebody_sees(full: World, by: str) -> None:
    end = full.projector.catch_up()
    for begin, to in ((0, None), (end - 100, end), (0, end - 50)):
        rows = totals(full, begin, to, by=by)
        assert added_up(rows) == added_up(diff_of(full, by, begin, to))
        assert len(added_up(rows)) == len(rows)
        if OTHER_RESOURCE not in SEES[by]:
            assert [name for name in NAMES_OF_OTHERS if name in str(rows)] == []


def diff_of(world: World, by: str, begin: int, to: int | None, **query: Any) -> list[Row]:
    return table(world, "diff", by, **{"from": begin} | ({} if to is None else {"to": to}), **query)


@pytest.mark.parametrize(
    "query",
    [
        {"offering_uuid": OFFERING},
        {"provider_uuid": PROVIDER},
        {"provider_uuid": OTHER_PROVIDER},
        {"resource_uuid": EXTRA[1]},
        {"billing_period": "2026-10-01", "type": "cpu"},
    ],
)
def test_filters_are_those_of_the_diff(full: World, query: dict[str, str]) -> None:
    rows = diff_of(full, "staff", 0, None, **query)
    assert added_up(totals(full, 0, None, **query)) == added_up(rows) != {}


def test_provider_narrows_the_diff_and_what_is_unexplained(world: World) -> None:
    begin = world.projector.catch_up()
    report(world, RESOURCE, "2026-10-05", cpu=3)
    report(world, OTHER_RESOURCE, "2026-10-05", cpu=5)
    report(world, RESOURCE, "2026-10-05", cpu=1)
    report(world, OTHER_RESOURCE, "2026-10-05", cpu=2)
    for provider, resource in ((PROVIDER, RESOURCE), (OTHER_PROVIDER, OTHER_RESOURCE)):
        found = [
            *diff(world.as_("staff"), begin, provider_uuid=provider),
            *table(world, "unexplained", provider_uuid=provider),
        ]
        assert [row["resource_uuid"] for row in found] == [resource, resource]


def test_both_ends_are_read_as_those_of_the_diff(world: World) -> None:
    assert refused(world, "diff-totals") == {"from": ["This field is required."]}
    assert refused(world, "diff-totals", **{"from": 7, "to": 6}) == {"from": ["Must not be after `to`."]}
    assert list(refused(world, "diff-totals", **{"from": 0, "til": 6})) == ["til"]


def test_links_name_the_end_and_an_answer_between_two_positions_stays_the_same(world: World) -> None:
    begin = world.projector.catch_up()
    report(world, RESOURCE, "2026-10-05", cpu=1, gpu=2)
    end, staff = world.projector.catch_up(), world.as_("staff")
    path = f"{LEDGER}diff-totals/"
    first = staff.get(path, **{"from": begin, "page_size": 1})
    assert f"to={end}" in first.headers["Link"]
    before = totals(world, begin, end)
    report(world, RESOURCE, "2026-10-05", cpu=9)
    assert totals(world, begin, end) == totals(world, begin, as_of=end) == before
    assert totals(world, begin) != before
