"""The facts that lowered a figure of a past month and do not say why, with the usage as it is now.

So they are filtered, seen and named as the list of component usages is, also as of an earlier position: that
list and `read_position` are as of then, and no later fact is told.
"""

from psycopg.sql import SQL

from projections.queries import component_usages, display_names
from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery

# There is a usage for each of them. To PostgreSQL there may be none, so that it need not look to count them.
USAGES = """(
    SELECT
        u.*, l.position, l.recorded_at, l.reported_by AS lowered_by, l.usage_before, l.usage_after
    FROM lowered l
    LEFT JOIN component_usage u ON u.resource_uuid = l.resource_uuid
        AND u.billing_period = l.billing_period AND u.uuid = l.usage_uuid
    WHERE l.position <= (SELECT position FROM read_position)
      AND l.billing_period < date_trunc('month', l.recorded_at AT TIME ZONE %(zone)s)
) u"""

COUNT = SQL(f"SELECT count(*) AS total FROM {USAGES} WHERE {{where}}")  # noqa: S608 - of constants


ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT u.* FROM {USAGES} WHERE {{where}} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
    ) u {{most}}
)
SELECT {{json}}
FROM page u{display_names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)


ACCOUNT: Values = {"uuid": SQL("a.uuid"), "username": SQL("coalesce(a.username, '')"), "id": SQL("a.id")}

COLUMNS: Values = {
    **display_names.COLUMNS,
    "uuid": SQL("u.uuid"),
    "component_type": SQL("u.component_type"),
    "billing_period": SQL("u.billing_period"),
    "usage_before": SQL("u.usage_before"),
    "usage_after": SQL("u.usage_after"),
    "delta": SQL("u.usage_after - u.usage_before"),
    "positions": SQL("ARRAY[u.position]"),
    "reasons": SQL("ARRAY[]::text[]"),
    "position": SQL("u.position"),
    "reported_by": Listed(SQL("SELECT {json} FROM account a WHERE a.uuid = u.lowered_by"), ACCOUNT),
    "recorded_at": SQL("u.recorded_at"),
}

UNEXPLAINED = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    component_usages.FILTERS,
    orders={},
    default=SQL("u.position DESC"),
    last=SQL("u.position"),
    visibility=component_usages.VISIBLE_BY,
)
"""Newest first. Restrictions must have the `zone` that months are counted in, by its IANA name."""
