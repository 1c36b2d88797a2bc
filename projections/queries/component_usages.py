"""The list of component usages, and one of them as it is in its table."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from projections.queries import display_names
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery, Scopes

FILTERS = {
    "uuid": SQL("u.uuid = %(uuid)s"),
    "resource_uuid": SQL("u.resource_uuid = %(resource_uuid)s"),
    "resource": SQL("u.resource_uuid = %(resource)s"),
    "offering_uuid": SQL("u.offering_uuid = %(offering_uuid)s"),
    "project_uuid": SQL("u.project_uuid = %(project_uuid)s"),
    "customer_uuid": SQL("u.customer_uuid = %(customer_uuid)s"),
    "provider_uuid": SQL("u.provider_uuid = %(provider_uuid)s"),
    "component_type": SQL("u.component_type = %(component_type)s"),
    "billing_period": SQL("u.billing_period = %(billing_period)s"),
    "billing_period_year": SQL("extract(year FROM u.billing_period) = %(billing_period_year)s"),
    "billing_period_month": SQL("extract(month FROM u.billing_period) = %(billing_period_month)s"),
    "measured_from": SQL("u.measured_at >= %(measured_from)s"),
    "measured_before": SQL("u.measured_at < %(measured_before)s"),
    "missing_usage_policies": SQL("u.missing_usage_policy = ANY(%(missing_usage_policies)s)"),
}
"""Conditions by name, each with the parameter of the same name. Times are aware, months are dates."""

ORDERS = {
    "billing_period": SQL("u.billing_period"),
    "usage": SQL("u.usage"),
    "missing_usage_policy": SQL("u.missing_usage_policy"),
}
DEFAULT_ORDER = SQL("u.measured_at DESC, u.component_type, u.id")

COUNT = SQL("SELECT count(*) AS total FROM listed_usage u WHERE {where}")

STORED_TOTAL = SQL(
    "SELECT coalesce(sum(n.component_usages), 0)::bigint AS total FROM usage_count n WHERE {scope}"
)

COLUMNS: Values = {
    **display_names.COLUMNS,
    "uuid": SQL("u.uuid"),
    "created": SQL("u.created"),
    "description": SQL("u.description"),
    "component_type": SQL("u.component_type"),
    "usage": SQL("u.usage"),
    "measured_at": SQL("u.measured_at"),
    "missing_usage_policy": SQL("u.missing_usage_policy"),
    "is_reused": SQL("u.missing_usage_policy = 'reuse'"),
    "billing_period": SQL("u.billing_period"),
    "reported_by_id": SQL("a.id"),
}
"""Values of a usage, by names inside."""

# The limit that no page exceeds tells the planner how few rows there will be, whatever the parameters.
ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        {{within}} SELECT * FROM listed_usage u WHERE {{where}} ORDER BY {{order}} {{bound}}
        LIMIT %(limit)s OFFSET %(offset)s
    ) u {{most}}
)
SELECT {{json}}
FROM page u{display_names.JOINS}
FULL JOIN (
    SELECT w.reported_by, a.id
    FROM (SELECT DISTINCT reported_by FROM page) w
    JOIN LATERAL (SELECT id FROM account WHERE uuid = w.reported_by OFFSET 0) a ON true
    OFFSET 0
) a ON a.reported_by = u.reported_by
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

VISIBLE_BY = {
    "customers": SQL("u.customer_uuid"),
    "providers": SQL("u.provider_uuid"),
    "projects": SQL("u.project_uuid"),
    "offerings": SQL("u.offering_uuid"),
}
"""The columns that name whose usage it is, by the kinds of scopes."""

USAGES = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=SQL("u.id"),
    visibility=VISIBLE_BY,
    stored_total=STORED_TOTAL,
)
"""Component usages with the names around them, newest first unless ordered otherwise."""

# By their names: what is prepared must not change its columns where a dump is put back with others.
FIND = """
SELECT u.uuid, u.resource_uuid, u.component_uuid, u.billing_period, u.offering_uuid, u.provider_uuid
FROM component_usage u WHERE {where}"""


def find(cursor: Cursor[DictRow], uuid: UUID, scopes: Scopes) -> DictRow | None:
    """Return what a usage is of, and whose; None if there is none that the scopes may see."""
    restrictions = {"uuid": uuid}
    statement = USAGES.with_filters(FIND, restrictions, scopes)
    return cursor.execute(statement, {**restrictions, **(scopes or {})}).fetchone()
