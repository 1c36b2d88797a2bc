"""The list of service providers: customers who provide offerings."""

from psycopg.sql import SQL

from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

FILTERS = {
    "uuid": SQL("s.uuid = %(uuid)s"),
    "customer_uuid": SQL("s.customer_uuid = %(customer_uuid)s"),
    "created_from": SQL("s.described >= %(created_from)s"),
    "created_until": SQL("s.described <= %(created_until)s"),
    "modified_from": SQL("s.modified >= %(modified_from)s"),
    "modified_until": SQL("s.modified <= %(modified_until)s"),
}

COLUMNS: Values = {
    "url": SQL("s.uuid"),
    "uuid": SQL("s.uuid"),
    "created": SQL("s.described"),
    "customer": SQL("s.customer_uuid"),
    "customer_uuid": SQL("s.customer_uuid"),
    "customer_name": SQL("coalesce((SELECT name FROM customer WHERE uuid = s.customer_uuid), '')"),
    "customer_abbreviation": SQL(
        "coalesce((SELECT abbreviation FROM customer WHERE uuid = s.customer_uuid), '')"
    ),
    "offering_count": SQL("(SELECT count(*) FROM offering WHERE customer_uuid = s.customer_uuid)"),
}
"""What a list can show of a service provider, by names inside."""

SERVICE_PROVIDERS = ListQuery(
    SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM service_provider s WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {json} FROM page s ORDER BY {order}"""),
    SQL("SELECT count(*) AS total FROM service_provider s WHERE {where}"),
    COLUMNS,
    FILTERS,
    orders={
        "customer_name": SQL("(SELECT name FROM customer WHERE uuid = s.customer_uuid)"),
    },
    default=SQL("s.described DESC, s.id"),
    last=SQL("s.id"),
    visibility={
        "providers": SQL("s.customer_uuid"),
        "offerings": SQL("""(
            SELECT o.uuid FROM offering o
            WHERE o.customer_uuid = s.customer_uuid AND o.uuid = ANY(%(offerings)s) LIMIT 1)"""),
    },
)
"""Service providers, the newest first. Who sees one of their offerings sees them."""
