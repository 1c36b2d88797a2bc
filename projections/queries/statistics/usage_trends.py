"""How much there is of each month: what was used in all, by how many resources, in how many usages."""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

MONTHS = SQL("""
WITH months AS MATERIALIZED (
    SELECT u.month, u.total, n.component_usages, r.resources
    FROM (SELECT month, sum(total) AS total FROM monthly_consumption GROUP BY month) u
    JOIN (SELECT month, sum(resources) AS resources FROM reporting_count GROUP BY month) r USING (month)
    JOIN usage_count n ON n.kind = 'all' AND n.month = u.month
)""")

ORDER = SQL("m.month")

USAGE_TRENDS = ListQuery(
    rows=SQL("SELECT {json} FROM months m ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    total=SQL("SELECT count(*) AS total FROM months"),
    columns={
        "billing_period": SQL("m.month"),
        "year": SQL("extract(year FROM m.month)"),
        "month": SQL("extract(month FROM m.month)"),
        "total_usage": SQL("m.total"),
        "resource_count": SQL("m.resources"),
        "component_count": SQL("m.component_usages"),
    },
    filters={},
    orders={},
    default=ORDER,
    last=ORDER,
    visibility={},
    prelude=MONTHS,
)
"""A row for each month that has usage, the oldest first, for those who see all."""
