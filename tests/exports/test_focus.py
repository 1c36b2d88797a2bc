"""Usages as charges: the columns and the rules of FOCUS 1.2."""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.exports.reading import cells, records
from tests.world import BASIC, CONSUMER, CPU, GPU, OFFERING, PROJECT, RESOURCE, World

PATH = "/api/ledger/exports/focus/"

MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
MAY_BE_NULL = {
    *("BillingAccountName", "ChargeClass", "ResourceName", "ResourceType", "SkuPriceId", "SubAccountName"),
}
DECIMALS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NUMERIC = re.compile(r"-?\d+(\.\d+)?")

Row = dict[str, Any]


@pytest.fixture(name="priced")
def world_with_prices(world: World) -> World:
    world.describe(
        plan_components=[
            {"plan_uuid": BASIC, "component_uuid": CPU, "price": "0.125"},
            {"plan_uuid": BASIC, "component_uuid": GPU, "price": "3"},
        ]
    )
    world.configure(currency="EUR")
    usages = [{"type": "cpu", "amount": "12.50"}, {"type": "gpu", "amount": 2}]
    assert world.report(usages=usages).status_code == 201
    return world


def charges(world: World, by: str = "staff", **query: str) -> list[Row]:
    response = world.as_(by).get(PATH, billing_period="2026-11", **query)
    assert response.status_code == 200, response.data
    rows: list[Row] = response.get_json()
    return sorted(rows, key=lambda row: str(row["SkuMeter"]))


def test_a_usage_is_a_charge(priced: World) -> None:
    (cpu, gpu), (usage, _) = charges(priced), priced.usages(o="-usage")
    assert cpu == {
        "BilledCost": 1.5625,
        "BillingAccountId": CONSUMER,
        "BillingAccountName": "Consumer",
        "BillingCurrency": "EUR",
        "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "BillingPeriodStart": "2026-11-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": "CPU of Resource",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": "2026-12-01T00:00:00Z",
        "ChargePeriodStart": "2026-11-01T00:00:00Z",
        "ConsumedQuantity": "12.50",
        "ConsumedUnit": "hours",
        "ContractedCost": 1.5625,
        "ContractedUnitPrice": 0.125,
        "EffectiveCost": 1.5625,
        "InvoiceIssuerName": "Provider",
        "ListCost": 1.5625,
        "ListUnitPrice": 0.125,
        "PricingCategory": "Standard",
        "PricingQuantity": "12.50",
        "PricingUnit": "hours",
        "ProviderName": "Provider",
        "PublisherName": "Provider",
        "ResourceId": RESOURCE,
        "ResourceName": "Resource",
        "ResourceType": "Marketplace.Slurm",
        "ServiceCategory": "Other",
        "ServiceName": "Cluster",
        "SkuId": CPU,
        "SkuMeter": "cpu",
        "SkuPriceId": f"{BASIC}/{CPU}",
        "SubAccountId": PROJECT,
        "SubAccountName": "Project",
        "x_UsageId": usage["uuid"],
        "x_BillingType": "usage",
        "x_CategoryTitle": "",
        "x_MeasuredAt": "2026-11-15T12:00:00+00:00",
        "x_OfferingId": OFFERING,
        "x_PlanId": BASIC,
        "x_PlanName": "Basic",
        "x_PlanPrice": 0.125,
        "x_PriceIsKnown": True,
    }
    limited = {name: gpu[name] for name in ("x_BillingType", "x_PlanPrice", "x_PriceIsKnown", "BilledCost")}
    assert limited == {"x_BillingType": "limit", "x_PlanPrice": 3, "x_PriceIsKnown": False, "BilledCost": 0}


def test_costs_are_exact_in_files(priced: World) -> None:
    query = {"billing_period": "2026-11"}
    staff = priced.as_("staff")
    by_meter = {row["SkuMeter"]: row for row in cells(staff.get(PATH, format="csv", **query))}
    assert (by_meter["cpu"]["BilledCost"], by_meter["gpu"]["BilledCost"]) == ("1.5625", "0")
    exact = {
        row["SkuMeter"]: row["BilledCost"] for row in records(staff.get(PATH, format="parquet", **query))
    }
    assert exact == {"cpu": Decimal("1.5625"), "gpu": Decimal(0)}
    disposition = staff.get(PATH, format="csv", **query).headers["Content-Disposition"]
    assert "ledger-exports-focus_2026-11_position-" in disposition


def test_rows_keep_the_rules_of_focus(priced: World) -> None:
    """Apply the rules of 1.2 for the columns that are here: names, nulls, formats and sums."""
    rows = cells(priced.as_("staff").get(PATH, format="csv", billing_period="2026-11"))
    assert rows
    for row in rows:
        assert row.keys() >= MANDATORY
        assert {name for name in row if not name.startswith("x_") and row[name] == ""} <= MAY_BE_NULL
        assert all(
            MOMENT.fullmatch(row[f"{of}Period{end}"])
            for of in ("Billing", "Charge")
            for end in ("Start", "End")
        )
        assert re.fullmatch("[A-Z]{3}", row["BillingCurrency"])
        assert all(
            NUMERIC.fullmatch(row[name]) for name in (*DECIMALS, "PricingQuantity", "ConsumedQuantity")
        )
        for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
            assert Decimal(row[cost]) == Decimal(row[price]) * Decimal(row["PricingQuantity"])
            assert Decimal(row[price]) >= 0
        assert row["ChargeCategory"] == "Usage"
        assert row["ChargeClass"] in ("", "Correction")
        assert row["ChargeFrequency"] in ("One-Time", "Recurring", "Usage-Based")
        assert row["PricingCategory"] in ("Standard", "Dynamic", "Committed", "Other")
        assert (row["SkuPriceId"] != "") == (row["x_PriceIsKnown"] == "true")


def test_a_category_of_focus_keeps_its_name(priced: World) -> None:
    priced.describe(categories=[{"uuid": "ca" * 16, "title": "Compute"}])
    priced.describe(offerings=[entity("offerings", OFFERING, category_uuid="ca" * 16)])
    assert {row["ServiceCategory"] for row in charges(priced)} == {"Compute"}


def test_costs_are_those_of_then(priced: World) -> None:
    then = priced.ledger.recorder.max_notification_id()
    priced.describe(plan_components=[{"plan_uuid": BASIC, "component_uuid": CPU, "price": "1"}])
    assert charges(priced)[0]["BilledCost"] == 12.5
    assert charges(priced, as_of=str(then))[0]["BilledCost"] == 1.5625


@pytest.mark.parametrize(("by", "count"), [("consumer-owner", 2), ("project-member", 2), ("stranger", 0)])
def test_charges_are_seen_as_usages_are(priced: World, by: str, count: int) -> None:
    assert len(charges(priced, by)) == count


@pytest.mark.parametrize("month", [None, "", "2026", "2026-13", "2026-11-01", "0001-01", "9999-12", "x"])
def test_a_month_has_to_be_said(priced: World, month: str | None) -> None:
    query = {} if month is None else {"billing_period": month}
    response = priced.as_("staff").get(PATH, **query)
    assert response.status_code == 400
    assert [*response.get_json()] == ["billing_period"]
    assert priced.as_("staff").get(PATH, billing_period="2026-11", month="2026-11").status_code == 400
