"""Waldur's own client, unchanged, over a real connection."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_component_usage_monthly import (
    marketplace_component_usage_monthly_count,
    marketplace_component_usage_monthly_list,
)
from waldur_api_client.api.marketplace_component_usages import (
    marketplace_component_usages_count,
    marketplace_component_usages_list,
    marketplace_component_usages_retrieve,
    marketplace_component_usages_set_usage,
    marketplace_component_usages_set_user_usage,
    marketplace_component_usages_set_user_usages,
)
from waldur_api_client.api.marketplace_component_user_usages import (
    marketplace_component_user_usages_count,
    marketplace_component_user_usages_list,
    marketplace_component_user_usages_retrieve,
)
from waldur_api_client.api.marketplace_customer_usage import (
    marketplace_customer_usage_components_usage_by_project_retrieve as by_project,
)
from waldur_api_client.api.marketplace_customer_usage import (
    marketplace_customer_usage_components_usage_retrieve as customer_usage,
)
from waldur_api_client.api.marketplace_customer_usage import (
    marketplace_customer_usage_components_usage_timeseries_retrieve as customer_series,
)
from waldur_api_client.api.marketplace_project_usage import (
    marketplace_project_usage_components_usage_retrieve as project_usage,
)
from waldur_api_client.api.marketplace_project_usage import (
    marketplace_project_usage_components_usage_timeseries_retrieve as project_series,
)
from waldur_api_client.errors import UnexpectedStatus
from waldur_api_client.models import (
    ComponentUsageCreateRequest,
    ComponentUsageFieldEnum,
    ComponentUsageItemRequest,
    ComponentUsageOEnum,
    ComponentUserUsageBulkCreateRequest,
    ComponentUserUsageCreateRequest,
    ComponentUserUsageFieldEnum,
    ComponentUserUsageOEnum,
    MissingUsagePolicyEnum,
)

from tests import controls
from tests.support.clients import client_of
from tests.world import CATALOGUE, CONSUMER, OFFERING, OFFERING_USER, PROJECT, PROVIDER, RESOURCE, World, uid

MONTHS = [date(2026 - number // 12, 12 - number % 12, 1) for number in range(1, 79)]
"""78 months, the current one first."""

DASHED = {name: str(UUID(w)) for name, w in controls.OWNERS.items() if name.endswith("_uuid")}
"""The ids of the owners of RESOURCE, as the client writes them."""


def item(component_type: str, amount: str, **rest: Any) -> ComponentUsageItemRequest:
    return ComponentUsageItemRequest(type_=component_type, amount=amount, **rest)


def report(client: AuthenticatedClient, month: date, *usages: ComponentUsageItemRequest) -> None:
    measured_at = datetime(month.year, month.month, 1, tzinfo=UTC)
    body = ComponentUsageCreateRequest(resource=UUID(RESOURCE), date=measured_at, usages=list(usages))
    response = marketplace_component_usages_set_usage.sync_detailed(client=client, body=body)
    assert (response.status_code, response.content) == (201, b"")


def usage(month: date, component_type: str, amount: str) -> dict[str, Any]:
    """A component usage without its id, as the client reads it."""
    name, unit = {"cpu": ("CPU", "hours"), "gpu": ("GPU", "GPU hours"), "setup": ("Setup", "")}[
        component_type
    ]
    return controls.usage_row(
        uuid="",
        type=component_type,
        name=name,
        measured_unit=unit,
        usage=amount,
        date=f"{month}T00:00:00+00:00",
        billing_period=str(month),
        # Two of the ids the client reads as text.
        resource_uuid=DASHED["resource_uuid"],
        offering_uuid=DASHED["offering_uuid"],
    )


def host_of(client: AuthenticatedClient) -> str:
    return str(client.get_httpx_client().base_url).rstrip("/")


def test_every_page_of_many_reports_is_read_with_every_value_and_counted(
    client: AuthenticatedClient,
) -> None:
    expected = []
    for number, month in enumerate(MONTHS):
        amounts = {"cpu": f"{number}.25", "gpu": f"{number}.50", "setup": f"{number}.75"}
        report(client, month, *(item(*each) for each in amounts.items()))
        expected += [usage(month, *each) for each in amounts.items()]
    oldest = date(2019, 1, 1)
    report(client, oldest, item("cpu", "999999999999999999.99"))
    expected.append(usage(oldest, "cpu", "999999999999999999.99"))

    found = marketplace_component_usages_list.sync_all(client=client)
    assert len(found) == len({str(each.uuid) for each in found}) == 235
    assert [each.to_dict() | {"uuid": ""} for each in found] == expected

    count = marketplace_component_usages_count.sync
    assert count(client=client) == 235
    assert count(client=client, type_="gpu", billing_period_year=2026.0) == 11
    for each in found[::50]:
        assert isinstance(each.uuid, UUID)
        assert marketplace_component_usages_retrieve.sync(each.uuid, client=client) == each

    # What the client sends with its filters comes back through the links of all pages.
    amounts_of_2025 = marketplace_component_usages_list.sync_all(
        client=client,
        billing_period_year=2025.0,
        missing_usage_policy=[MissingUsagePolicyEnum.NONE, MissingUsagePolicyEnum.REUSE],
        o=[ComponentUsageOEnum.BILLING_PERIOD, ComponentUsageOEnum.VALUE_2],
        resource=f"{host_of(client)}/api/marketplace-resources/{RESOURCE}/",
        resource_uuid=UUID(RESOURCE),
        date_after=date(2025, 1, 1),
        date_before=date(2025, 12, 1),
        field=[ComponentUsageFieldEnum.USAGE, ComponentUsageFieldEnum.BILLING_PERIOD],
    )
    of_2025 = [each for each in expected if each["billing_period"].startswith("2025")]
    assert [each.to_dict() for each in amounts_of_2025] == [
        {"usage": each["usage"], "billing_period": each["billing_period"]}
        for each in sorted(of_2025, key=lambda each: float(each["usage"]), reverse=True)
    ]


def test_what_the_client_reports_comes_back_as_it_was_said(client: AuthenticatedClient) -> None:
    report(
        client,
        MONTHS[0],
        item("gpu", "7.5", description="Half", missing_usage_policy=MissingUsagePolicyEnum.REUSE),
        item("setup", "1", recurring=False),
    )
    found = marketplace_component_usages_list.sync(client=client)
    assert [each.to_dict() | {"uuid": ""} for each in found] == [
        usage(MONTHS[0], "gpu", "7.50")
        | {"description": "Half", "missing_usage_policy": "reuse", "recurring": True},
        usage(MONTHS[0], "setup", "1.00"),
    ]


def test_users_shares_are_reported_one_by_one_and_many_at_once_and_read_with_every_value(
    client: AuthenticatedClient,
) -> None:
    report(client, MONTHS[0], item("gpu", "500"))
    [total] = marketplace_component_usages_list.sync(client=client)
    assert isinstance(total.uuid, UUID)
    host = host_of(client)
    single = ComponentUserUsageCreateRequest(
        username="member01", usage="1.5", user=f"{host}/api/marketplace-offering-users/{OFFERING_USER}/"
    )
    told = marketplace_component_usages_set_user_usage.sync_detailed(total.uuid, client=client, body=single)
    assert (told.status_code, told.content) == (201, b"")
    many = ComponentUserUsageBulkCreateRequest(
        usages=[
            ComponentUserUsageCreateRequest(username=f"user{number:03}", usage=f"{number}.01")
            for number in range(234)
        ]
    )
    told = marketplace_component_usages_set_user_usages.sync_detailed(total.uuid, client=client, body=many)
    assert (told.status_code, told.content) == (201, b"")

    found = marketplace_component_user_usages_list.sync_all(
        client=client, component_usage_billing_period=MONTHS[0]
    )
    assert len(found) == len({str(each.uuid) for each in found}) == 235
    shares = [("member01", "1.50"), *((f"user{number:03}", f"{number}.01") for number in range(234))]
    assert [each.to_dict() | {"uuid": ""} for each in found] == [
        controls.user_usage_row(
            uuid="",
            user=single.user if username == "member01" else None,
            username=username,
            component_usage=f"{host}/api/marketplace-component-usages/{total.uuid.hex}/",
            usage=amount,
            measured_unit="GPU hours",
            component_type="gpu",
            date="2026-11-01T00:00:00+00:00",
            **DASHED,
        )
        for username, amount in shares
    ]

    count = marketplace_component_user_usages_count.sync
    assert count(client=client) == 235
    assert count(client=client, username="USER01") == 10
    for each in found[::50]:
        assert isinstance(each.uuid, UUID)
        assert marketplace_component_user_usages_retrieve.sync(each.uuid, client=client) == each
    last_first = marketplace_component_user_usages_list.sync_all(
        client=client,
        o=[ComponentUserUsageOEnum.USAGE, ComponentUserUsageOEnum.VALUE_2],
        field=[ComponentUserUsageFieldEnum.USERNAME, ComponentUserUsageFieldEnum.USAGE],
    )
    assert [each.to_dict() for each in last_first] == [
        {"username": username, "usage": amount} for username, amount in sorted(shares, reverse=True)
    ]


def test_the_client_is_refused_in_the_ways_that_it_knows(world: World, url: str) -> None:
    body = ComponentUsageCreateRequest(resource=UUID(RESOURCE), usages=[item("cpu", "1")])
    past = ComponentUsageCreateRequest(
        resource=UUID(RESOURCE), usages=[item("cpu", "1")], date=datetime(2026, 10, 1, tzinfo=UTC)
    )
    with (
        client_of(world, "offering-manager", url) as agent,
        client_of(world, "project-admin", url) as admin,
        AuthenticatedClient(base_url=url, token="wrong") as stranger,
    ):
        report_with = marketplace_component_usages_set_usage.sync_detailed
        with pytest.raises(UnexpectedStatus, match="backfilling past billing periods") as refused:
            report_with(client=agent, body=past)
        assert refused.value.status_code == 400
        with pytest.raises(UnexpectedStatus, match="You do not have permission") as refused:
            report_with(client=admin, body=body)
        assert refused.value.status_code == 403
        with pytest.raises(UnexpectedStatus, match="Invalid token") as refused:
            report_with(client=stranger, body=body)
        assert refused.value.status_code == 401
        with pytest.raises(UnexpectedStatus, match="No ComponentUsage matches") as refused:
            marketplace_component_usages_retrieve.sync(UUID(uid(0xDEAD)), client=agent)
        assert refused.value.status_code == 404
        assert marketplace_component_usages_list.sync_all(client=agent) == []
        assert marketplace_component_usages_count.sync(client=agent) == 0


def test_the_client_reads_the_monthly_summary_with_every_value(
    world: World, client: AuthenticatedClient
) -> None:
    world.describe(resources=[{**CATALOGUE["resources"][0], "limits": {"gpu": 3}}])
    for month in MONTHS[:12]:
        report(client, month, item("gpu", "2"))
    found = marketplace_component_usage_monthly_list.sync_all(client=client, start=MONTHS[11], end=MONTHS[0])
    allocated = {MONTHS[0]: ("3.00", "66.67")}  # the first description had no limits
    assert [each.to_dict() for each in found] == [
        controls.monthly_row(
            offering_uuid=str(UUID(OFFERING)),
            service_provider_uuid=str(UUID(PROVIDER)),
            category_uuid=str(UUID(int=0)),
            component_type="gpu",
            component_name="GPU",
            measured_unit="GPU hours",
            billing_type="limit",
            billing_period=str(month),
            total_consumed="2.00",
            total_allocated=allocated.get(month, ("0.00", None))[0],
            usage_percent=allocated.get(month, ("0.00", None))[1],
        )
        for month in MONTHS[:12]
    ]
    count = marketplace_component_usage_monthly_count.sync
    assert (count(client=client), count(client=client, start=MONTHS[4])) == (1, 5)


def test_the_client_reads_project_and_customer_usage_with_every_value(
    world: World, client: AuthenticatedClient
) -> None:
    world.describe(resources=[{**CATALOGUE["resources"][0], "limits": {"gpu": 3}}])
    report(client, MONTHS[0], item("gpu", "7.5"))
    month = str(MONTHS[0])
    around = {"type": "gpu", "name": "GPU", "measured_unit": "GPU hours", "billing_type": "limit"}
    around |= {"offering_uuid": str(UUID(OFFERING)), "offering_name": "Cluster", "limit_period": "month"}
    period = {"current_period_label": "Nov 2026", "current_period_start": month, "current_period_end": month}
    used = {"usage": 7.5, "usage_terminated": 0.0}
    buckets = {"buckets": [{"billing_period": month, **used}]}
    for usage_of, series_of, uuid in (
        (project_usage, project_series, UUID(PROJECT)),
        (customer_usage, customer_series, UUID(CONSUMER)),
    ):
        rows = usage_of.sync(uuid, client=client).components
        assert [each.to_dict() for each in rows if each.type_ == "gpu"] == [
            {
                **around,
                **period,
                "description": "",
                "limit": 3.0,
                "usage": 0.0,
                "limit_usage": 7.5,
                "usage_terminated": 0.0,
                "limit_usage_terminated": 0.0,
            }
        ]
        series = series_of.sync(uuid, client=client, offering_uuid=UUID(OFFERING))
        assert series.to_dict() == around | buckets | {
            "limit": 3.0,
            "today": "2026-11-15",
            "current_period_label": "Last 6 months",
            "current_period_start": "2026-06-01",
            "current_period_end": "2026-11-30",
        }
    split = by_project.sync(UUID(CONSUMER), client=client, offering_uuid=UUID(OFFERING))
    [project] = split.projects
    assert split.to_dict() == around | period | {
        "limit": 3.0,
        "today": "2026-11-15",
        "total_usage": 7.5,
        "projects": [project.to_dict()],
    }
    shown = {"project_uuid": str(UUID(PROJECT)), "project_name": "Project", "is_removed": False}
    assert project.to_dict() == shown | used | buckets
