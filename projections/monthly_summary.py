"""Read model of the monthly summary: what was consumed and allocated of each component in each month.

Both figures are sums over all resources of an offering, and neither is counted anew: what was consumed
follows the usages (`projections/figures.py`), what was allocated follows the resources here, by the
difference between what a resource had before and has after. What that comes to is kept by spans of months,
so that a month is read without adding anything up.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.catalogue import Resource, ResourceState
from ledger.events import ComponentDescribed, Fact, ResourceDescribed
from ledger.months import month_of
from projections.lists import Listing, in_hex, number, safe, string
from projections.rows import as_json

ALLOCATING_STATES = {
    ResourceState.OK,
    ResourceState.UPDATING,
    ResourceState.TERMINATING,
    ResourceState.ERRED,
}

SELECT_ALLOCATIONS = """
SELECT resource_uuid, offering_uuid, limits::text AS limits FROM resource_allocation
WHERE resource_uuid = ANY(%(resources)s)"""

UPSERT_ALLOCATIONS = """
INSERT INTO resource_allocation (resource_uuid, offering_uuid, limits)
SELECT resource_uuid, offering_uuid, limits FROM json_populate_recordset(NULL::resource_allocation, %(rows)s)
ON CONFLICT (resource_uuid) DO UPDATE SET offering_uuid = EXCLUDED.offering_uuid, limits = EXCLUDED.limits"""

FOLLOW_ALLOCATION = """
INSERT INTO allocation_change (offering_uuid, component_type, month, is_first, amount, resources)
SELECT offering_uuid, component_type, month, is_first, sum(amount), sum(resources)
FROM json_populate_recordset(NULL::allocation_change, %(rows)s)
GROUP BY offering_uuid, component_type, month, is_first
ON CONFLICT (offering_uuid, component_type, month, is_first) DO UPDATE SET
    amount = allocation_change.amount + EXCLUDED.amount,
    resources = allocation_change.resources + EXCLUDED.resources"""

UPSERT_COMPONENT_LIMITS = """
INSERT INTO component_limit (component_uuid, month, limit_amount)
SELECT component_uuid, month, limit_amount FROM json_populate_recordset(NULL::component_limit, %(rows)s)
ON CONFLICT (component_uuid, month) DO UPDATE SET limit_amount = EXCLUDED.limit_amount"""

# The first description of a component counts for the time before, too.
REMEMBER_FIRST_LIMITS = """
INSERT INTO component_limit (component_uuid, month, limit_amount)
SELECT component_uuid, '-infinity', limit_amount FROM json_populate_recordset(NULL::component_limit, %(rows)s)
ON CONFLICT (component_uuid, month) DO NOTHING"""

# From -infinity on, each span until the next change of the resources' limits or of the component's own. Those
# before the component was described count with what was first said of resources by then. Rows stay as they
# are where nothing changed.
FOLLOW_SPANS = """
WITH touched AS (
    SELECT c.uuid, c.offering_uuid, c.component_type FROM component c
    WHERE c.uuid = ANY(%(components)s) OR (c.offering_uuid, c.component_type) IN (
        SELECT offering_uuid, component_type FROM json_populate_recordset(NULL::allocation_change, %(rows)s))
), spans AS (
    SELECT
        c.uuid AS component_uuid, m.month AS since,
        coalesce(lead(m.month) OVER (PARTITION BY c.uuid ORDER BY m.month) - 1, 'infinity') AS until,
        m.month < d.described AS if_used,
        CASE WHEN a.resources > 0 THEN a.amount ELSE coalesce(l.limit_amount, 0) END AS amount
    FROM touched c
    CROSS JOIN LATERAL (
        SELECT min(month) AS described FROM component_limit
        WHERE component_uuid = c.uuid AND month > '-infinity'
    ) d
    CROSS JOIN LATERAL (
        SELECT month FROM component_limit WHERE component_uuid = c.uuid
        UNION
        SELECT month FROM allocation_change
        WHERE offering_uuid = c.offering_uuid AND component_type = c.component_type
    ) m
    CROSS JOIN LATERAL (
        SELECT sum(amount) AS amount, sum(resources) AS resources FROM allocation_change
        WHERE offering_uuid = c.offering_uuid AND component_type = c.component_type
          AND (month <= m.month OR is_first AND month <= d.described)
    ) a
    CROSS JOIN LATERAL (
        SELECT limit_amount FROM component_limit
        WHERE component_uuid = c.uuid AND month <= m.month ORDER BY month DESC LIMIT 1
    ) l
), gone AS (
    DELETE FROM allocation a USING touched c
    WHERE a.component_uuid = c.uuid
      AND NOT EXISTS (SELECT FROM spans s WHERE s.component_uuid = a.component_uuid AND s.since = a.since)
)
INSERT INTO allocation AS a (component_uuid, since, until, if_used, amount)
SELECT component_uuid, since, until, if_used, amount FROM spans
ON CONFLICT (component_uuid, since) DO UPDATE SET
    until = EXCLUDED.until, if_used = EXCLUDED.if_used, amount = EXCLUDED.amount
WHERE (a.until, a.if_used, a.amount) <> (EXCLUDED.until, EXCLUDED.if_used, EXCLUDED.amount)"""

FILTERS = {
    "offering_uuid": SQL("o.uuid = %(offering_uuid)s"),
    "customer_uuid": SQL("o.customer_uuid = %(customer_uuid)s"),
    "project_uuid": SQL("o.project_uuid = %(project_uuid)s"),
    "offering_type": SQL("o.offering_type = %(offering_type)s"),
    "component_type": SQL("c.component_type = %(component_type)s"),
    "billing_type": SQL("c.billing_type = %(billing_type)s"),
    "billing_period": SQL("m.month = %(billing_period)s"),
    "start": SQL("m.month >= %(start)s"),
    "end": SQL("m.month <= %(end)s"),
}
"""What the summary can be restricted to; `customer_uuid` is the provider, `project_uuid` the offering's."""

VISIBLE_BY = {
    "providers": SQL("o.customer_uuid"),
    "projects": SQL("o.project_uuid"),
    "offerings": SQL("o.uuid"),
}

ORDERS = {
    "usage_percent": SQL("round(s.total_consumed * 100 / nullif(greatest(s.total_allocated, 0), 0), 2)"),
    "billing_period": SQL("s.billing_period"),
    "total_consumed": SQL("s.total_consumed"),
    "total_allocated": SQL("s.total_allocated"),
}
DEFAULT_ORDER = SQL("s.billing_period DESC, s.offering_name, s.component_name, s.component_uuid")

# Halves to even, by whole numbers: PostgreSQL's round() takes them up, as `nearest` does.
PERCENT = SQL("""'"' || (s.nearest - CASE
    WHEN s.nearest * s.total_allocated * 2 = s.total_consumed * 20000 + s.total_allocated
    THEN mod(s.nearest, 2) ELSE 0 END) * 0.01 || '"'""")

COLUMNS = {
    "offering_uuid": in_hex(SQL("s.offering_uuid")),
    "offering_name": string(SQL("s.offering_name")),
    "offering_type": string(SQL("s.offering_type")),
    "service_provider_uuid": in_hex(SQL("s.service_provider_uuid")),
    "service_provider_name": string(SQL("s.service_provider_name")),
    "category_uuid": in_hex(SQL("coalesce(s.category_uuid, '00000000-0000-0000-0000-000000000000')")),
    "category_title": string(SQL("s.category_title")),
    "component_type": string(SQL("s.component_type")),
    "component_name": string(SQL("s.component_name")),
    "measured_unit": string(SQL("s.measured_unit")),
    "billing_type": safe(SQL("s.billing_type")),
    "limit_amount": number(SQL("s.limit_amount")),
    "limit_period": safe(SQL("s.limit_period")),
    "billing_period": safe(SQL("s.billing_period")),
    "total_consumed": safe(SQL("round(s.total_consumed, 2)")),
    "total_allocated": safe(SQL("s.total_allocated")),
    "usage_percent": number(PERCENT),
}
"""What the summary can show. Clients insist on a category; an offering that came without one shows zeros."""

# A component has a row for every month since it was first described or used in which a figure is above
# zero, until the current one: a limit holds until it is changed, also in months without any fact.
SUMMARY = SQL("""
WITH summary AS MATERIALIZED (
    SELECT
        o.uuid AS offering_uuid, o.name AS offering_name, o.offering_type,
        o.customer_uuid AS service_provider_uuid, coalesce(p.name, '') AS service_provider_name,
        o.category_uuid, coalesce(g.title, '') AS category_title,
        c.uuid AS component_uuid, c.component_type, c.name AS component_name, c.measured_unit,
        c.billing_type, trunc(c.limit_amount) AS limit_amount, c.limit_period, m.month AS billing_period,
        least(greatest(u.total, 0), 999999999999999999.99) AS total_consumed,
        round(least(greatest(a.amount, -999999999999999999.99), 999999999999999999.99), 2) AS total_allocated
    FROM (
        SELECT month::date FROM generate_series(
            least((SELECT min(month) FROM monthly_consumption), (SELECT min(until) + 1 FROM allocation)),
            %(current)s::date, '1 month') AS month
    ) m
    JOIN allocation a ON m.month BETWEEN a.since AND a.until
    JOIN component c ON c.uuid = a.component_uuid
    JOIN offering o ON o.uuid = c.offering_uuid
    LEFT JOIN customer p ON p.uuid = o.customer_uuid
    LEFT JOIN category g ON g.uuid = o.category_uuid
    LEFT JOIN monthly_consumption u ON u.component_uuid = c.uuid AND u.month = m.month
    WHERE {where} AND (u.total > 0 OR a.amount >= 0.005) AND (NOT a.if_used OR EXISTS (
        SELECT FROM monthly_consumption WHERE component_uuid = c.uuid AND month <= m.month))
)""")

TOTAL = SQL("SELECT count(*) AS total FROM summary")

ROWS = SQL("""
SELECT {json} FROM (
    SELECT s.*, CASE WHEN s.total_allocated > 0 THEN
        div(s.total_consumed * 20000 + s.total_allocated, s.total_allocated * 2) END AS nearest
    FROM (SELECT * FROM summary s ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s) s
    OFFSET 0
) s""")

SUMMARIES = Listing(
    ROWS,
    TOTAL,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=DEFAULT_ORDER,
    visible=VISIBLE_BY,
    prelude=SUMMARY,
)
"""The rows of the summary. Restrictions must have the `current` month, the last one that there is."""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Moves the sums of limits by what a batch changes, and the spans of what they are sums of."""
    resources = [fact for _, fact in facts if isinstance(fact, ResourceDescribed)]
    components = [fact for _, fact in facts if isinstance(fact, ComponentDescribed)]
    changes = _project_allocation(cursor, resources) if resources else []
    if components:
        _project_limits(cursor, components)
    if changes or components:
        touched = {"rows": as_json(changes), "components": [fact.entity.uuid for fact in components]}
        cursor.execute(FOLLOW_SPANS, touched)


def _project_allocation(cursor: Cursor[DictRow], facts: Sequence[ResourceDescribed]) -> list[dict[str, Any]]:
    """Returns by how much which sums were moved."""
    known = cursor.execute(SELECT_ALLOCATIONS, {"resources": [fact.entity.uuid for fact in facts]})
    standing = {row["resource_uuid"]: (row["offering_uuid"], _limits(row["limits"])) for row in known}
    changes: list[dict[str, Any]] = []
    for fact in facts:
        resource = fact.entity
        when = {"month": month_of(fact.recorded_at), "is_first": resource.uuid not in standing}
        before = standing.get(resource.uuid, (resource.offering_uuid, {}))
        after = standing[resource.uuid] = (resource.offering_uuid, allocated(resource))
        if before == after:
            continue
        for (offering, limits), resources in ((before, -1), (after, 1)):
            for component_type, amount in limits.items():
                what = {"offering_uuid": offering, "component_type": component_type, "resources": resources}
                changes.append({**when, **what, "amount": amount if resources > 0 else amount.copy_negate()})
    cursor.execute(FOLLOW_ALLOCATION, {"rows": as_json(changes)})
    allocations = [
        {"resource_uuid": uuid, "offering_uuid": offering, "limits": limits}
        for uuid, (offering, limits) in standing.items()
    ]
    cursor.execute(UPSERT_ALLOCATIONS, {"rows": as_json(allocations)})
    return changes


def allocated(resource: Resource) -> dict[str, Decimal]:
    """What a resource counts with, by component type: its limits, in the states in which it holds them."""
    if resource.state not in ALLOCATING_STATES:
        return {}
    return {name: limit for name, limit in resource.limits.items() if limit is not None}


def _limits(text: str) -> dict[str, Decimal]:
    return msgspec.json.decode(text, type=dict[str, Decimal])


def _project_limits(cursor: Cursor[DictRow], facts: Sequence[ComponentDescribed]) -> None:
    first: dict[UUID, dict[str, Any]] = {}
    last: dict[tuple[UUID, date], dict[str, Any]] = {}
    for fact in facts:
        month = month_of(fact.recorded_at)
        row = {"component_uuid": fact.entity.uuid, "month": month, "limit_amount": fact.entity.limit_amount}
        first.setdefault(fact.entity.uuid, row)
        last[fact.entity.uuid, month] = row
    cursor.execute(REMEMBER_FIRST_LIMITS, {"rows": as_json(first.values())})
    cursor.execute(UPSERT_COMPONENT_LIMITS, {"rows": as_json(last.values())})
