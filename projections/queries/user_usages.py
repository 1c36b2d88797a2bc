"""The list of user usages. What it is listed by, a user usage has from the component usage that it is of."""

from psycopg.sql import SQL

from projections.queries import component_usages, display_names
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

FILTERS = {
    **{name: text for name, text in component_usages.FILTERS.items() if name != "missing_usage_policies"},
    # Not in the column's collation, which knows upper and lower case of ASCII letters only.
    "username_part": SQL('u.username COLLATE "default" ILIKE %(username_part)s'),
}
"""Conditions by name, each with the parameter of the same name. `username_part` is an ILIKE pattern."""

ORDERS = {name: SQL(f"u.{name}") for name in ("billing_period", "usage", "username")}

COUNT = SQL("SELECT count(*) AS total FROM user_usage u WHERE {where}")

STORED_TOTAL = SQL("SELECT coalesce(sum(n.user_usages), 0)::bigint AS total FROM usage_count n WHERE {scope}")

COLUMNS: Values = {
    **display_names.COLUMNS,
    "uuid": SQL("u.uuid"),
    "offering_user_uuid": SQL("u.offering_user_uuid"),
    "username": SQL("coalesce(u.username, '')"),
    "component_usage_uuid": SQL("u.component_usage_uuid"),
    "usage": SQL("u.usage"),
    "created": SQL("u.created"),
    "modified": SQL("u.modified"),
    "component_type": SQL("u.component_type"),
    "measured_at": SQL("u.measured_at"),
    "billing_period": SQL("u.billing_period"),
}
"""What a list can show of a user usage."""

# As in the list of component usages.
ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        {{within}} SELECT * FROM user_usage u WHERE {{where}} ORDER BY {{order}} {{bound}}
        LIMIT %(limit)s OFFSET %(offset)s
    ) u {{most}}
)
SELECT {{json}}
FROM page u{display_names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

USAGES = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    ORDERS,
    component_usages.DEFAULT_ORDER,
    last=SQL("u.id"),
    visibility=component_usages.VISIBLE_BY,
    stored_total=STORED_TOTAL,
)
"""User usages with the names around them, those of the newest component usages first."""
