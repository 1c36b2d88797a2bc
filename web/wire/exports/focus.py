"""Charges in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification, and what is asked for.

Its columns are in the order of its letters, ours begin with `x_` and come after them. Costs must not be null
there, nor the price of a usage: where none is known they are 0, and `x_PriceIsKnown` is false.
"""

from datetime import date, timedelta
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, post_load

from ledger.domain.months import start_of
from web.wire.body import Loading
from web.wire.fields import REQUIRED
from web.wire.parameters import PlainMonthFilter, UuidFilter
from web.wire.responses.columns import Boolean, Constant, Decimal, Hex, Moment, Number, Text, Word, Zulu
from web.wire.responses.schemas import RowSchema, declare

SERVICE_CATEGORIES = (
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases"),
    *("Developer Tools", "Multicloud", "Identity", "Integration", "Internet of Things"),
    *("Management and Governance", "Media", "Migration", "Mobile", "Networking", "Security", "Storage"),
    *("Web", "Other"),
)
"""Those that FOCUS allows. A category of another title is Other."""

CHARGE = declare(
    RowSchema,
    "FocusCharge",
    BilledCost=Number(),
    BillingAccountId=Hex(),
    BillingAccountName=Text(allow_none=True),
    BillingCurrency=Text(),
    BillingPeriodEnd=Zulu(),
    BillingPeriodStart=Zulu(),
    ChargeCategory=Constant('"Usage"'),
    ChargeClass=Word(("Correction",), allow_none=True),
    ChargeDescription=Text(),
    ChargeFrequency=Constant('"Usage-Based"'),
    ChargePeriodEnd=Zulu(),
    ChargePeriodStart=Zulu(),
    ConsumedQuantity=Decimal(),
    ConsumedUnit=Text(),
    ContractedCost=Number(),
    ContractedUnitPrice=Number(),
    EffectiveCost=Number(),
    InvoiceIssuerName=Text(),
    ListCost=Number(),
    ListUnitPrice=Number(),
    PricingCategory=Word(("Standard", "Other")),
    PricingQuantity=Decimal(),
    PricingUnit=Text(),
    ProviderName=Text(),
    PublisherName=Text(),
    ResourceId=Hex(),
    ResourceName=Text(allow_none=True),
    ResourceType=Text(allow_none=True),
    ServiceCategory=Text(),
    ServiceName=Text(),
    SkuId=Hex(),
    SkuMeter=Text(),
    SkuPriceId=Text(allow_none=True),
    SubAccountId=Hex(),
    SubAccountName=Text(allow_none=True),
    x_UsageId=Hex(),
    x_BillingType=Text(),
    x_CategoryTitle=Text(),
    x_MeasuredAt=Moment(),
    x_OfferingId=Hex(),
    x_PlanId=Hex(allow_none=True),
    x_PlanName=Text(allow_none=True),
    x_PlanPrice=Number(allow_none=True),
    x_PriceIsKnown=Boolean(),
)
"""A usage of a month as a charge. `ChargeClass` says where a correction stated the figure last."""

NO_MONTH = "Enter a month, YYYY-MM."


class FocusQuery(Schema):
    """A month, which has to be said, and whose charges."""

    class Meta:
        unknown = EXCLUDE

    billing_period = PlainMonthFilter(NO_MONTH, NO_MONTH, required=True, error_messages=REQUIRED)
    customer_uuid = UuidFilter()
    project_uuid = UuidFilter()
    offering_uuid = UuidFilter()
    resource_uuid = UuidFilter()

    @post_load
    def period(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the moments that the month begins and ends with in the ledger's zone."""
        month: date = data["billing_period"]
        zone = Loading.get().zone
        if month.year in (date.min.year, date.max.year):
            raise ValidationError({"billing_period": [NO_MONTH]})
        following = (month + timedelta(31)).replace(day=1)
        bounds = {"begin": start_of(month, zone), "end": start_of(following, zone)}
        return data | bounds | {"service_categories": list(SERVICE_CATEGORIES)}


FOCUS_QUERY = FocusQuery()
