"""What the resources of a project used of a type of component in a month, whatever the offering."""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

SUMS = SQL("""
WITH sums AS MATERIALIZED (
    SELECT p.uuid AS project_uuid, p.name AS project_name, c.component_type, sum(u.used) AS usage
    FROM project_usage u
    JOIN component c ON c.uuid = u.component_uuid
    JOIN project p ON p.uuid = u.project_uuid
    WHERE {where}
    GROUP BY p.uuid, p.name, c.component_type
)""")

ORDER = SQL("s.project_name, s.component_type, s.project_uuid")

PROJECT_USAGES = ListQuery(
    rows=SQL("SELECT {json} FROM sums s ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    total=SQL("SELECT count(*) AS total FROM sums"),
    columns={
        "project_uuid": SQL("s.project_uuid"),
        "component_type": SQL("s.component_type"),
        "usage": SQL("s.usage"),
    },
    filters={"billing_period": SQL("u.month = %(billing_period)s")},
    orders={},
    default=ORDER,
    last=ORDER,
    visibility={},
    prelude=SUMS,
)
"""Sums by project and type of component, for those who see all."""
