"""The list of offerings, as their providers see it."""

from psycopg.sql import SQL

from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery

FILTERS = {
    "uuid": SQL("o.uuid = %(uuid)s"),
    "customer_uuid": SQL("o.customer_uuid = %(customer_uuid)s"),
    "category_uuid": SQL("o.category_uuid = %(category_uuid)s"),
    "project_uuid": SQL("o.project_uuid = %(project_uuid)s"),
    "parent_uuid": SQL("o.parent_uuid = %(parent_uuid)s"),
    "states": SQL("o.state = ANY(%(states)s)"),
    "offering_types": SQL("o.offering_type = ANY(%(offering_types)s)"),
    "name_part": SQL('o.name COLLATE "default" ILIKE %(name_part)s'),
    "name_exact": SQL("o.name = %(name_exact)s"),
    "created_from": SQL("o.described >= %(created_from)s"),
    "created_until": SQL("o.described <= %(created_until)s"),
    "modified_from": SQL("o.modified >= %(modified_from)s"),
    "modified_until": SQL("o.modified <= %(modified_until)s"),
}
"""Conditions by name; `customer_uuid` is the provider. `name_part` is an ILIKE pattern."""

ORDERS = {
    "created": SQL("o.described"),
    "name": SQL("o.name"),
    "state": SQL("o.state"),
    "type": SQL("o.offering_type"),
}
DEFAULT_ORDER = SQL("o.described DESC, o.id")

COUNT = SQL("SELECT count(*) AS total FROM offering o WHERE {where}")

COMPONENTS = Listed(
    SQL("SELECT {json} FROM component c WHERE c.offering_uuid = o.uuid ORDER BY c.name, c.uuid"),
    {
        "uuid": SQL("c.uuid"),
        "offering_uuid": SQL("c.offering_uuid"),
        "billing_type": SQL("c.billing_type"),
        "component_type": SQL("c.component_type"),
        "name": SQL("c.name"),
        "description": SQL("c.description"),
        "measured_unit": SQL("c.measured_unit"),
        "unit_factor": SQL("c.unit_factor"),
        "limit_period": SQL("c.limit_period"),
        "limit_amount": SQL("c.limit_amount"),
        "is_prepaid": SQL("c.is_prepaid"),
    },
)

COLUMNS: Values = {
    "url": SQL("o.uuid"),
    "uuid": SQL("o.uuid"),
    "created": SQL("o.described"),
    "name": SQL("o.name"),
    "customer": SQL("o.customer_uuid"),
    "customer_uuid": SQL("o.customer_uuid"),
    "customer_name": SQL("(SELECT name FROM customer WHERE uuid = o.customer_uuid)"),
    "project_uuid": SQL("o.project_uuid"),
    "project_name": SQL("(SELECT name FROM project WHERE uuid = o.project_uuid)"),
    "category_uuid": SQL("o.category_uuid"),
    "category_title": SQL("coalesce((SELECT title FROM category WHERE uuid = o.category_uuid), '')"),
    "parent_uuid": SQL("o.parent_uuid"),
    "parent_name": SQL("(SELECT name FROM offering WHERE uuid = o.parent_uuid)"),
    "state": SQL(
        "coalesce((ARRAY['Draft', 'Active', 'Paused', 'Archived', 'Unavailable'])[o.state], 'Unavailable')"
    ),
    "offering_type": SQL("o.offering_type"),
    "plugin_options": SQL("o.plugin_options"),
    "components": COMPONENTS,
    "config_uuid": SQL("md5('OfferingUserAttributeConfig' || o.uuid)::uuid"),
    "modified": SQL("o.modified"),
}
"""What a list can show of an offering, by names inside. Of other states than these clients know none."""

ROWS = SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM offering o WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {json} FROM page o ORDER BY {order}""")

PROVIDED_BY = {"providers": SQL("o.customer_uuid"), "offerings": SQL("o.uuid")}

OFFERINGS = ListQuery(
    ROWS, COUNT, COLUMNS, FILTERS, ORDERS, DEFAULT_ORDER, last=SQL("o.id"), visibility=PROVIDED_BY
)
"""Offerings with their components, the newest first."""
