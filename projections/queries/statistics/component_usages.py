"""What was used of a type of component of an offering in a month, over all resources.

A usage belongs to the offering of its component, as in the monthly summary: where a resource is described
with another offering, what it used before stays with the old one.
"""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

FILTERS = {
    "billing_period": SQL("u.month = %(billing_period)s"),
    "start": SQL("u.month >= %(start)s"),
    "end": SQL("u.month <= %(end)s"),
}

SUMS = SQL("""
WITH sums AS MATERIALIZED (
    SELECT u.month, o.uuid AS offering_uuid, o.name AS offering_name, c.component_type, sum(u.total) AS usage
    FROM monthly_consumption u
    JOIN component c ON c.uuid = u.component_uuid
    JOIN offering o ON o.uuid = c.offering_uuid
    WHERE {where}
    GROUP BY u.month, o.uuid, o.name, c.component_type
)""")

COLUMNS = {
    "usage": SQL("s.usage"),
    "offering_uuid": SQL("s.offering_uuid"),
    "component_type": SQL("s.component_type"),
    "month": SQL("extract(month FROM s.month)"),
    "year": SQL("extract(year FROM s.month)"),
}

ORDER = SQL("s.month, s.offering_name, s.component_type, s.offering_uuid")

COMPONENT_USAGES = ListQuery(
    rows=SQL("SELECT {json} FROM sums s ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    total=SQL("SELECT count(*) AS total FROM sums"),
    columns=COLUMNS,
    filters=FILTERS,
    orders={},
    default=ORDER,
    last=ORDER,
    visibility={},
    prelude=SUMS,
)
"""Sums by month, offering and type of component, for those who see all."""
