"""The monthly summary: what was consumed and allocated of each component in each month.

Both figures are sums over all resources of an offering, and neither is added up here: what was consumed
follows the usages (`projections/writers/counters.py`), what was allocated follows the limits
(`projections/writers/limits/allocation.py`).

Past allocation is what our own history says, as there are no invoices. The limits of a month are those that
were described by its end in UTC. The first description of a resource counts for the months before it, too,
back to where the component's own history begins; a resource that is described later changes no month before.
"""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

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
"""Conditions by name; `customer_uuid` is the provider, `project_uuid` the offering's project."""

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
PERCENT = SQL("""(s.nearest - CASE
    WHEN s.nearest * s.total_allocated * 2 = s.total_consumed * 20000 + s.total_allocated
    THEN mod(s.nearest, 2) ELSE 0 END) * 0.01""")

COLUMNS = {
    "offering_uuid": SQL("s.offering_uuid"),
    "offering_name": SQL("s.offering_name"),
    "offering_type": SQL("s.offering_type"),
    "service_provider_uuid": SQL("s.service_provider_uuid"),
    "service_provider_name": SQL("s.service_provider_name"),
    "category_uuid": SQL("coalesce(s.category_uuid, '00000000-0000-0000-0000-000000000000')"),
    "category_title": SQL("s.category_title"),
    "component_type": SQL("s.component_type"),
    "component_name": SQL("s.component_name"),
    "measured_unit": SQL("s.measured_unit"),
    "billing_type": SQL("s.billing_type"),
    "limit_amount": SQL("s.limit_amount"),
    "limit_period": SQL("s.limit_period"),
    "billing_period": SQL("s.billing_period"),
    "total_consumed": SQL("round(s.total_consumed, 2)"),
    "total_allocated": SQL("s.total_allocated"),
    "usage_percent": PERCENT,
}
"""What the summary can show. Clients insist on a category; an offering that came without one shows zeros."""

# A component has a row for every month since it was first described or used in which a figure is above
# zero, until the current one: a limit holds until it is changed, also in months without any fact. Where the
# current month is behind that of UTC, which descriptions count by, it shows what was described meanwhile.
# Of an array PostgreSQL expects few months, of a series a thousand, and would rather read all there is than
# look it up.
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
    FROM unnest(ARRAY(
        SELECT month::date FROM generate_series(
            least(
                (SELECT min(month) FROM usage_count WHERE kind = 'all'),
                (SELECT min(until) + 1 FROM allocation), %(current)s::date),
            %(current)s::date, '1 month') AS month
    )) AS m(month)
    JOIN allocation a ON m.month BETWEEN a.since AND a.until
    JOIN component c ON c.uuid = a.component_uuid
    JOIN offering o ON o.uuid = c.offering_uuid
    LEFT JOIN customer p ON p.uuid = o.customer_uuid
    LEFT JOIN category g ON g.uuid = o.category_uuid
    LEFT JOIN monthly_consumption u ON u.component_uuid = c.uuid AND u.month = m.month
    WHERE {where} AND (u.total > 0 OR a.amount >= 0.005) AND (NOT a.if_used OR m.month = %(current)s::date
        OR EXISTS (SELECT FROM monthly_consumption WHERE component_uuid = c.uuid AND month <= m.month))
)""")

TOTAL = SQL("SELECT count(*) AS total FROM summary")

ROWS = SQL("""
SELECT {json} FROM (
    SELECT s.*, CASE WHEN s.total_allocated > 0 THEN
        div(s.total_consumed * 20000 + s.total_allocated, s.total_allocated * 2) END AS nearest
    FROM (SELECT * FROM summary s ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s) s
    OFFSET 0
) s""")

SUMMARIES = ListQuery(
    ROWS,
    TOTAL,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=DEFAULT_ORDER,
    visibility=VISIBLE_BY,
    prelude=SUMMARY,
)
"""The rows of the summary. Restrictions must have the `current` month, the last one that there is."""
