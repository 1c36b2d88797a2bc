"""Waldur's own client reads the statistics, and counts them."""

from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_provider_offerings import (
    marketplace_provider_offerings_component_stats_list as component_stats,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_aggregated_usage_trends_count as trends_count,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_aggregated_usage_trends_list as trends,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_count as usages_count,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_list as usages,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_per_month_count as per_month_count,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_per_month_list as per_month,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_per_project_count as per_project_count,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_component_usages_per_project_list as per_project,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_resources_missing_usage_count as missing_count,
)
from waldur_api_client.api.marketplace_stats import (
    marketplace_stats_resources_missing_usage_list as missing,
)

from tests.statistics.reading import report
from tests.world import OFFERING, RESOURCE, World

LISTS = [
    (trends, trends_count, {}, 2),
    (usages, usages_count, {}, 2),
    (per_month, per_month_count, {}, 3),
    (per_project, per_project_count, {}, 2),
    (missing, missing_count, {"billing_period": "2026-10"}, 2),
]


@pytest.mark.parametrize(
    ("rows", "count", "query", "number"), LISTS, ids=lambda each: getattr(each, "__name__", None)
)
def test_the_client_reads_and_counts_statistics(
    world: World,
    client: AuthenticatedClient,
    rows: ModuleType,
    count: ModuleType,
    query: dict[str, Any],
    number: int,
) -> None:
    report(world, RESOURCE, "2026-10-02", cpu=1)
    report(world, RESOURCE, "2026-11-02", cpu=2, gpu=1)
    found = rows.sync(client=client, **query)
    assert len(found) == count.sync(client=client, **query) == number
    whole = rows.sync_all(client=client, **query)
    assert [each.to_dict() for each in whole] == [each.to_dict() for each in found]
    assert not any(each.additional_properties for each in found)


def test_the_client_reads_the_statistics_of_an_offering(world: World, client: AuthenticatedClient) -> None:
    report(world, RESOURCE, "2026-11-02", cpu="2.5")
    [row] = component_stats.sync(client=client, uuid=UUID(OFFERING))
    assert (row.period, row.date) == ("2026-11", "2026-11-30T00:00:00+00:00")
    assert (row.type_, str(row.usage)) == ("cpu", "2.50")
    assert row.additional_properties == {}
