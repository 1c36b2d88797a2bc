"""The usages of a month as charges, in the columns of FOCUS 1.2.

A price is that of the plan that a usage was reported under. It is the price of usage only where the component
is billed by usage: of others the limit costs something, or the resource itself, and the usage nothing.
"""

from dataclasses import replace

from psycopg.sql import SQL

from projections.queries import component_usages
from projections.queries.json_columns import Values

IS_PRICED = "(t.price IS NOT NULL AND c.billing_type = 'usage')"

# The limit that no page exceeds tells the planner how few rows there will be, whatever the parameters.
ROWS = SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM listed_usage u WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
    ) u {most}
)
SELECT {json}
FROM page u
LEFT JOIN LATERAL (
    SELECT name, measured_unit, billing_type FROM component WHERE uuid = u.component_uuid OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT name FROM resource WHERE uuid = u.resource_uuid OFFSET 0) r ON true
LEFT JOIN LATERAL (
    SELECT name, offering_type, category_uuid FROM offering WHERE uuid = u.offering_uuid OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT title FROM category WHERE uuid = o.category_uuid OFFSET 0) k ON true
LEFT JOIN LATERAL (SELECT name FROM customer WHERE uuid = u.provider_uuid OFFSET 0) v ON true
LEFT JOIN LATERAL (SELECT name FROM customer WHERE uuid = u.customer_uuid OFFSET 0) cu ON true
LEFT JOIN LATERAL (SELECT name FROM project WHERE uuid = u.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT name FROM plan WHERE uuid = u.plan_uuid OFFSET 0) l ON true
LEFT JOIN LATERAL (
    SELECT price FROM plan_component
    WHERE plan_uuid = u.plan_uuid AND component_uuid = u.component_uuid OFFSET 0
) t ON true
ORDER BY {order}""")

PRICE = SQL(f"CASE WHEN {IS_PRICED} THEN t.price ELSE 0 END")
COST = SQL(f"u.usage * CASE WHEN {IS_PRICED} THEN t.price ELSE 0 END")

USAGE = SQL("u.usage")
UNIT = SQL("coalesce(nullif(c.measured_unit, ''), 'Units')")
PROVIDER = SQL("coalesce(v.name, '')")
BEGIN = SQL("%(begin)s::timestamptz")
END = SQL("%(end)s::timestamptz")

COLUMNS: Values = {
    "BilledCost": COST,
    "BillingAccountId": SQL("u.customer_uuid"),
    "BillingAccountName": SQL("cu.name"),
    "BillingCurrency": SQL("%(currency)s::text"),
    "BillingPeriodEnd": END,
    "BillingPeriodStart": BEGIN,
    "ChargeClass": SQL("CASE WHEN u.correction_uuid IS NOT NULL THEN 'Correction' END"),
    "ChargeDescription": SQL("coalesce(c.name, u.component_type) || ' of ' || coalesce(r.name, '')"),
    "ChargePeriodEnd": END,
    "ChargePeriodStart": BEGIN,
    "ConsumedQuantity": USAGE,
    "ConsumedUnit": UNIT,
    "ContractedCost": COST,
    "ContractedUnitPrice": PRICE,
    "EffectiveCost": COST,
    "InvoiceIssuerName": PROVIDER,
    "ListCost": COST,
    "ListUnitPrice": PRICE,
    "PricingCategory": SQL(f"CASE WHEN {IS_PRICED} THEN 'Standard' ELSE 'Other' END"),
    "PricingQuantity": USAGE,
    "PricingUnit": UNIT,
    "ProviderName": PROVIDER,
    "PublisherName": PROVIDER,
    "ResourceId": SQL("u.resource_uuid"),
    "ResourceName": SQL("r.name"),
    "ResourceType": SQL("o.offering_type"),
    "ServiceCategory": SQL("CASE WHEN k.title = ANY(%(service_categories)s) THEN k.title ELSE 'Other' END"),
    "ServiceName": SQL("coalesce(o.name, '')"),
    "SkuId": SQL("u.component_uuid"),
    "SkuMeter": SQL("u.component_type"),
    "SkuPriceId": SQL(
        f"CASE WHEN {IS_PRICED} THEN"
        " encode(uuid_send(u.plan_uuid), 'hex') || '/' || encode(uuid_send(u.component_uuid), 'hex') END"
    ),
    "SubAccountId": SQL("u.project_uuid"),
    "SubAccountName": SQL("p.name"),
    "x_UsageId": SQL("u.uuid"),
    "x_BillingType": SQL("coalesce(c.billing_type, '')"),
    "x_CategoryTitle": SQL("coalesce(k.title, '')"),
    "x_MeasuredAt": SQL("u.measured_at"),
    "x_OfferingId": SQL("u.offering_uuid"),
    "x_PlanId": SQL("u.plan_uuid"),
    "x_PlanName": SQL("l.name"),
    "x_PlanPrice": SQL("t.price"),
    "x_PriceIsKnown": SQL(IS_PRICED),
}

CHARGES = replace(component_usages.USAGES, rows=ROWS, columns=COLUMNS)
"""Seen, counted and ordered as the list of component usages is.

Restrictions must have the `billing_period`, its `begin` and `end` as moments, the `currency`, and the
`service_categories` that FOCUS knows.
"""
