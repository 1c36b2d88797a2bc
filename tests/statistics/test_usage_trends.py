"""How much there is of each month."""

from typing import Any

from tests.api.monthly import entity
from tests.statistics.reading import report, rows
from tests.world import OTHER_OFFERING, OTHER_RESOURCE, PREMIUM, RESOURCE, SECOND_PROJECT, World

NAME = "aggregated_usage_trends"


def trend(period: str, total: str, resources: int, usages: int) -> dict[str, Any]:
    year, month = map(int, period.split("-"))
    return {
        "period": period,
        "year": year,
        "month": month,
        "total_usage": total,
        "resource_count": resources,
        "component_count": usages,
    }


def test_a_month_with_usage_has_a_row_the_oldest_first(world: World) -> None:
    assert rows(world, NAME) == []
    report(world, RESOURCE, "2026-11-02", cpu=0)
    report(world, RESOURCE, "2026-09-02", cpu="1.25", gpu=2)
    report(world, OTHER_RESOURCE, "2026-09-02", cpu=4)
    found = rows(world, NAME)
    assert found == [trend("2026-09", "7.25", 2, 3), trend("2026-11", "0.00", 1, 1)]
    assert list(found[0]) == list(trend("2026-09", "", 0, 0))


def test_resources_count_once_whatever_becomes_of_them(world: World) -> None:
    report(world, RESOURCE, "2026-11-02", cpu=1)
    world.describe(resources=[entity("resources", RESOURCE, plan_uuid=PREMIUM)])
    report(world, RESOURCE, "2026-11-03", cpu=3)
    count = len(world.usages())
    total = f"{sum(float(row['usage']) for row in world.usages()):.2f}"
    assert rows(world, NAME) == [trend("2026-11", total, 1, count)]
    moved = {"state": 6, "project_uuid": SECOND_PROJECT, "offering_uuid": OTHER_OFFERING}
    world.describe(resources=[entity("resources", RESOURCE, **moved)])
    assert rows(world, NAME) == [trend("2026-11", total, 1, count)]
