"""The resources that are expected to have usage in a month and have none, for everybody who sees them.

Now the spans of silence say who is silent. As of a position these would have to be found of all usages first:
there each resource that is seen is tried. `projections/queries/statistics/missing_usage.py` has the same list
for those who see all, whatever there is.
"""

from typing import LiteralString

from psycopg.sql import SQL

from projections.queries.catalogue import resources
from projections.queries.list_query import ListQuery
from projections.queries.statistics.missing_usage import COLUMNS, JOINS, ORDER, STATES

FILTERS = {
    name: resources.FILTERS[name]
    for name in ("offering_uuid", "provider_uuid", "customer_uuid", "project_uuid")
}

VISIBLE_BY = {
    "customers": SQL("r.customer_uuid"),
    "providers": SQL("r.provider_uuid"),
    "projects": SQL("r.project_uuid"),
    "offerings": SQL("r.offering_uuid"),
}

SILENT = """
FROM silence s JOIN resource r ON r.uuid = s.resource_uuid
WHERE s.is_expected AND daterange(s.after, s.before, '()') @> %(billing_period)s::date AND {where}
  AND r.offering_uuid IN (SELECT offering_uuid FROM component WHERE billing_type = 'usage')"""
"""Resources `r`, in the month of the parameter `billing_period`."""

SILENT_THEN = f"""
FROM resource r
WHERE r.state {STATES} AND {{where}}
  AND r.offering_uuid IN (SELECT offering_uuid FROM component WHERE billing_type = 'usage')
  AND NOT EXISTS (
    SELECT FROM component_usage u WHERE u.resource_uuid = r.uuid AND u.billing_period = %(billing_period)s)"""  # noqa: S608 - of constants
"""The same, as of a position."""

ROWS = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT r.* {{silent}} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
    ) r {{most}}
)
SELECT {{json}}
FROM page r
{JOINS}ORDER BY {{order}}"""  # noqa: S608 - of constants


def _list(silent: LiteralString) -> ListQuery:
    return ListQuery(
        SQL(ROWS.replace("{silent}", silent)),
        SQL(f"SELECT count(*) AS total {silent}"),
        COLUMNS,
        FILTERS,
        orders={},
        default=ORDER,
        last=ORDER,
        visibility=VISIBLE_BY,
    )


SILENT_RESOURCES, SILENT_RESOURCES_THEN = _list(SILENT), _list(SILENT_THEN)
"""The newest first, now and as of a position.

Restrictions must have the `billing_period`, and `now`, which days are counted up to.
"""
