"""The list of user usages, which have the month, date and ids of the component usage that they are of."""

from psycopg.sql import SQL

from projections.queries import component_usages, display_names
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

FILTERS = component_usages.FILTERS | {
    "uuid": SQL("uu.uuid = %(uuid)s"),
    # Not in the column's collation, which knows upper and lower case of ASCII letters only.
    "username_part": SQL('uu.username COLLATE "default" ILIKE %(username_part)s'),
}
"""Conditions by name; month, date and ids are the component usage's. `username_part` is an ILIKE pattern."""

ORDERS = {
    "billing_period": SQL("u.billing_period"),
    "usage": SQL("uu.usage"),
    "username": SQL("uu.username"),
}
DEFAULT_ORDER = SQL("u.measured_at DESC, u.component_type, uu.id")

COUNT = SQL("""
SELECT count(*) AS total
FROM user_usage uu
JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
WHERE {where}""")

STORED_TOTAL = SQL("SELECT coalesce(sum(n.user_usages), 0)::bigint AS total FROM usage_count n WHERE {scope}")

COLUMNS: Values = {
    **component_usages.COLUMNS,
    "uuid": SQL("uu.uuid"),
    "offering_user_uuid": SQL("uu.offering_user_uuid"),
    "username": SQL("coalesce(uu.username, '')"),
    "component_usage_uuid": SQL("uu.component_usage_uuid"),
    "usage": SQL("uu.usage"),
    "created": SQL("uu.created"),
    "modified": SQL("uu.modified"),
}
"""What a list can show of a user usage."""

# As in the list of component usages, of which `page` has those that the user usages belong to.
ROWS = SQL(
    f"""
WITH chosen AS MATERIALIZED (
    SELECT * FROM (
        SELECT uu.* FROM user_usage uu
        JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
        WHERE {{where}} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
    ) uu LIMIT 300
), page AS MATERIALIZED (
    SELECT u.*
    FROM (SELECT DISTINCT component_usage_uuid FROM chosen) w
    JOIN LATERAL (SELECT * FROM component_usage WHERE uuid = w.component_usage_uuid OFFSET 0) u ON true
)
SELECT {{json}}
FROM chosen uu FULL JOIN page u ON u.uuid = uu.component_usage_uuid{display_names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

USAGES = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=SQL("uu.id"),
    visibility=component_usages.VISIBLE_BY,
    stored_total=STORED_TOTAL,
)
"""User usages with the names around them, those of the newest component usages first."""
