"""Which resources used more, or less, of a component than in the month before.

Units can't be compared, and a share of a resource's own usage makes the smallest ones move the most. So a
change is ranked by its share in the whole of its component, as far as it is seen and asked for: in the larger
of both months.
"""

from psycopg.sql import SQL

from projections.queries import component_usages, display_names
from projections.queries.figures.monthly_usages import FILTERS
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

MOVED = SQL("""
WITH sums AS MATERIALIZED (
    SELECT
        u.resource_uuid, u.component_uuid, u.offering_uuid, u.project_uuid, u.customer_uuid,
        coalesce(sum(u.usage) FILTER (WHERE u.billing_period < %(billing_period)s), 0.00) AS usage_before,
        coalesce(sum(u.usage) FILTER (WHERE u.billing_period = %(billing_period)s), 0.00) AS usage
    FROM component_usage u
    WHERE u.billing_period = ANY(ARRAY[%(billing_period)s::date, %(month_before)s::date]) AND {where}
    GROUP BY 1, 2, 3, 4, 5
), moved AS MATERIALIZED (
    SELECT s.*, s.usage - s.usage_before AS delta, round(abs(s.usage - s.usage_before) / w.whole, 4) AS share
    FROM sums s
    JOIN (
        SELECT
            offering_uuid, component_uuid,
            nullif(greatest(abs(sum(usage)), abs(sum(usage_before))), 0) AS whole
        FROM sums GROUP BY offering_uuid, component_uuid
    ) w USING (offering_uuid, component_uuid)
    WHERE s.usage <> s.usage_before
)""")

ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM moved u ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {{json}}
FROM page u{display_names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

COLUMNS: Values = {
    **display_names.COLUMNS,
    "billing_period": SQL("%(billing_period)s::date"),
    "component_type": SQL("(SELECT component_type FROM component WHERE uuid = u.component_uuid)"),
    "usage_before": SQL("u.usage_before"),
    "usage": SQL("u.usage"),
    "delta": SQL("u.delta"),
    "share": SQL("u.share"),
}

KEY = SQL("u.resource_uuid, u.component_uuid")

MOVERS = ListQuery(
    ROWS,
    SQL("SELECT count(*) AS total FROM moved"),
    COLUMNS,
    FILTERS,
    orders={name: SQL(f"u.{name}") for name in ("delta", "usage", "usage_before")},
    default=SQL("u.share DESC NULLS LAST, abs(u.delta) DESC, u.resource_uuid, u.component_uuid"),
    last=KEY,
    visibility=component_usages.VISIBLE_BY,
    prelude=MOVED,
)
"""The largest share first. Restrictions must have the `billing_period` and the `month_before`.

The share is null where the component's figures come to nothing in both months.
"""
