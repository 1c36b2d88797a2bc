"""The list of users' limits, and one of them as it was described."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.domain.catalogue import UserUsageLimit
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery, Scopes

FILTERS = {
    "uuid": SQL("l.uuid = %(uuid)s"),
    "resource_uuid": SQL("l.resource_uuid = %(resource_uuid)s"),
    "resource": SQL("l.resource_uuid = %(resource)s"),
    "offering_uuid": SQL("l.offering_uuid = %(offering_uuid)s"),
    "component_type": SQL(
        "l.component_uuid = ANY(ARRAY(SELECT uuid FROM component WHERE component_type = %(component_type)s))"
    ),
    "username": SQL(
        "l.offering_user_uuid = ANY(ARRAY(SELECT uuid FROM offering_user WHERE username = %(username)s))"
    ),
}

COUNT = SQL("SELECT count(*) AS total FROM user_usage_limit l WHERE {where}")

STORED_TOTAL = SQL(
    "SELECT coalesce(sum(n.limits), 0)::bigint AS total FROM user_usage_limit_count n WHERE {scope}"
)

COLUMNS: Values = {
    "url": SQL("l.uuid"),
    "uuid": SQL("l.uuid"),
    "resource_uuid": SQL("l.resource_uuid"),
    "component_uuid": SQL("l.component_uuid"),
    "component_type": SQL("c.component_type"),
    "offering_user_uuid": SQL("l.offering_user_uuid"),
    "limit": SQL('l."limit"::numeric(20, 2)'),
    "username": SQL("coalesce(w.username, '')"),
}
"""Values of a limit, by names inside."""

# Names are looked up row by row (OFFSET 0 keeps it so): a join would read all of a table of thousands.
ROWS = SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM user_usage_limit l WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {json}
FROM page l
LEFT JOIN LATERAL (SELECT component_type FROM component WHERE uuid = l.component_uuid OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT username FROM offering_user WHERE uuid = l.offering_user_uuid OFFSET 0) w ON true
ORDER BY {order}""")

LIMITS = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    orders={},
    default=SQL("l.id DESC"),
    last=SQL("l.id"),
    visibility={
        "customers": SQL("l.customer_uuid"),
        "providers": SQL("l.provider_uuid"),
        "projects": SQL("l.project_uuid"),
        "offerings": SQL("l.offering_uuid"),
    },
    stored_total=STORED_TOTAL,
)
"""Limits of users, the newest first. They are seen by whoever sees the resource's usage."""

FIND = """
SELECT l.uuid, l.resource_uuid, l.component_uuid, l.offering_user_uuid, l."limit"
FROM user_usage_limit l WHERE {where}"""


def find(cursor: Cursor[DictRow], uuid: UUID, scopes: Scopes) -> UserUsageLimit | None:
    """Return a limit as it was last described, None if there is none that the scopes may see."""
    statement = LIMITS.with_filters(FIND, {"uuid": uuid}, scopes)
    row = cursor.execute(statement, {"uuid": uuid, **(scopes or {})}).fetchone()
    return UserUsageLimit(**row) if row else None
