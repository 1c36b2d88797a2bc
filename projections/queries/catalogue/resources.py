"""The list of resources, as providers see it, and a single one, as everybody does who sees its usage."""

from dataclasses import replace

from psycopg.sql import SQL

from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

OFFERING = "FROM offering WHERE uuid = r.offering_uuid"
PROJECT = "FROM project WHERE uuid = r.project_uuid"
CATEGORY = "FROM offering o JOIN category g ON g.uuid = o.category_uuid WHERE o.uuid = r.offering_uuid"
COMPONENT = "FROM component c WHERE c.offering_uuid = r.offering_uuid AND c.billing_type ="

FILTERS = {
    "uuid": SQL("r.uuid = %(uuid)s"),
    "offering_uuid": SQL("r.offering_uuid = %(offering_uuid)s"),
    "offering_uuids": SQL("r.offering_uuid = ANY(%(offering_uuids)s)"),
    "project_uuid": SQL("r.project_uuid = %(project_uuid)s"),
    "customer_uuid": SQL("r.customer_uuid = %(customer_uuid)s"),
    "provider_uuid": SQL("r.provider_uuid = %(provider_uuid)s"),
    "plan_uuid": SQL("r.plan_uuid = %(plan_uuid)s"),
    "states": SQL("r.state = ANY(%(states)s)"),
    "name_part": SQL('r.name COLLATE "default" ILIKE %(name_part)s'),
    "name_exact": SQL("r.name = %(name_exact)s"),
    "project_name_part": SQL(f'(SELECT name COLLATE "default" {PROJECT}) ILIKE %(project_name_part)s'),
    "slug": SQL("r.slug = %(slug)s"),
    "backend_id": SQL("r.backend_id = %(backend_id)s"),
    "created_from": SQL("r.created >= %(created_from)s"),
    "created_until": SQL("r.created <= %(created_until)s"),
    "modified_from": SQL("r.modified >= %(modified_from)s"),
    "modified_until": SQL("r.modified <= %(modified_until)s"),
    "offering_type": SQL(f"(SELECT offering_type {OFFERING}) = %(offering_type)s"),
    "category_uuid": SQL(f"(SELECT category_uuid {OFFERING}) = %(category_uuid)s"),
    "parent_offering_uuid": SQL(f"(SELECT parent_uuid {OFFERING}) = %(parent_offering_uuid)s"),
    "is_usage_based": SQL(f"EXISTS (SELECT {COMPONENT} 'usage') = %(is_usage_based)s"),
    "is_limit_based": SQL(f"EXISTS (SELECT {COMPONENT} 'limit') = %(is_limit_based)s"),
}
"""Conditions by name; `customer_uuid` is the consumer, parts are ILIKE patterns."""

ORDERS = {
    "created": SQL("r.created"),
    "name": SQL("r.name"),
    "backend_id": SQL("r.backend_id"),
    "state": SQL("r.state"),
    "offering_name": SQL(f"(SELECT name {OFFERING})"),
    "project_name": SQL(f"(SELECT name {PROJECT})"),
    "customer_name": SQL("(SELECT name FROM customer WHERE uuid = r.customer_uuid)"),
    "plan_name": SQL("(SELECT name FROM plan WHERE uuid = r.plan_uuid)"),
}
DEFAULT_ORDER = SQL("r.created DESC, r.id")

COUNT = SQL("SELECT count(*) AS total FROM resource r WHERE {where}")

STORED_TOTAL = SQL(
    "SELECT coalesce(sum(n.resources), 0)::bigint AS total FROM resource_count n WHERE {scope}"
)

# The usages of a resource lie together: to read each once is sooner done than to look for every component.
CURRENT_USAGES = SQL("""coalesce((
    SELECT jsonb_object_agg(m.component_type, trim_scale(m.total))
    FROM (
        SELECT DISTINCT ON (component_type) component_type, sum(usage) AS total
        FROM component_usage WHERE resource_uuid = r.uuid
        GROUP BY component_type, billing_period
        ORDER BY component_type, billing_period DESC
    ) m), '{}')""")

COLUMNS: Values = {
    "url": SQL("r.uuid"),
    "uuid": SQL("r.uuid"),
    "name": SQL("r.name"),
    "slug": SQL("r.slug"),
    "backend_id": SQL("r.backend_id"),
    "state": SQL("(ARRAY['Creating', 'OK', 'Erred', 'Updating', 'Terminating', 'Terminated'])[r.state]"),
    "created": SQL("r.created"),
    "modified": SQL("r.modified"),
    "offering": SQL("r.offering_uuid"),
    "offering_uuid": SQL("r.offering_uuid"),
    "offering_name": SQL(f"coalesce((SELECT name {OFFERING}), '')"),
    "offering_type": SQL(f"coalesce((SELECT offering_type {OFFERING}), '')"),
    "offering_plugin_options": SQL(f"coalesce((SELECT plugin_options {OFFERING}), '{{}}')"),
    "provider_uuid": SQL("r.provider_uuid"),
    "provider_name": SQL("coalesce((SELECT name FROM customer WHERE uuid = r.provider_uuid), '')"),
    "category_uuid": SQL(f"(SELECT g.uuid {CATEGORY})"),
    "category_title": SQL(f"coalesce((SELECT g.title {CATEGORY}), '')"),
    "plan_uuid": SQL("r.plan_uuid"),
    "plan_name": SQL("(SELECT name FROM plan WHERE uuid = r.plan_uuid)"),
    "project": SQL("r.project_uuid"),
    "project_uuid": SQL("r.project_uuid"),
    "project_name": SQL(f"coalesce((SELECT name {PROJECT}), '')"),
    "customer_uuid": SQL("r.customer_uuid"),
    "customer_name": SQL("coalesce((SELECT name FROM customer WHERE uuid = r.customer_uuid), '')"),
    "limits": SQL("jsonb_strip_nulls(r.limits)"),
    "attributes": SQL("r.attributes"),
    "backend_metadata": SQL("r.backend_metadata"),
    "current_usages": CURRENT_USAGES,
    "is_usage_based": SQL(f"EXISTS (SELECT {COMPONENT} 'usage')"),
    "is_limit_based": SQL(f"EXISTS (SELECT {COMPONENT} 'limit')"),
}
"""What a list can show of a resource, by names inside. Current usages are of each component's last month."""

# The limit that no page exceeds tells the planner how few rows there will be, whatever the parameters.
ROWS = SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM resource r WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
    ) r {most}
)
SELECT {json} FROM page r ORDER BY {order}""")

PROVIDED_BY = {"providers": SQL("r.provider_uuid"), "offerings": SQL("r.offering_uuid")}
SEEN_BY = {**PROVIDED_BY, "customers": SQL("r.customer_uuid"), "projects": SQL("r.project_uuid")}

PROVIDED = ListQuery(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=SQL("r.id"),
    visibility=PROVIDED_BY,
    stored_total=STORED_TOTAL,
)
"""Resources as the provider's side sees them, the newest first."""

RESOURCES = replace(PROVIDED, visibility=SEEN_BY)
"""Resources as both sides see them."""
