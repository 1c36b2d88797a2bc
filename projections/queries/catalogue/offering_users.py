"""The list of offering users: people with the usernames that an offering knows them by."""

from psycopg.sql import SQL

from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

OFFERING = "FROM offering WHERE uuid = n.offering_uuid"

FILTERS = {
    "uuid": SQL("n.uuid = %(uuid)s"),
    "offering_uuid": SQL("n.offering_uuid = %(offering_uuid)s"),
    "offering_uuids": SQL("n.offering_uuid = ANY(%(offering_uuids)s)"),
    "provider_uuid": SQL("n.provider_uuid = %(provider_uuid)s"),
    "parent_offering_uuid": SQL(f"(SELECT parent_uuid {OFFERING}) = %(parent_offering_uuid)s"),
    "user_uuid": SQL("n.user_uuid = %(user_uuid)s"),
    "user_username": SQL("(SELECT username FROM account WHERE uuid = n.user_uuid) = %(user_username)s"),
    "username": SQL("n.username = %(username)s"),
    "nothing": SQL("false"),
    "created_from": SQL("n.described >= %(created_from)s"),
    "created_until": SQL("n.described <= %(created_until)s"),
    "modified_from": SQL("n.modified >= %(modified_from)s"),
    "modified_until": SQL("n.modified <= %(modified_until)s"),
}
"""Conditions by name."""

ORDERS = {
    "created": SQL("n.described"),
    "modified": SQL("n.modified"),
    "username": SQL("n.username"),
}

COLUMNS: Values = {
    "url": SQL("n.uuid"),
    "uuid": SQL("n.uuid"),
    "user": SQL("n.user_uuid"),
    "offering": SQL("n.offering_uuid"),
    "username": SQL("coalesce(n.username, '')"),
    "offering_uuid": SQL("n.offering_uuid"),
    "offering_name": SQL(f"coalesce((SELECT name {OFFERING}), '')"),
    "user_uuid": SQL("n.user_uuid"),
    "user_username": SQL("coalesce((SELECT username FROM account WHERE uuid = n.user_uuid), '')"),
    "created": SQL("n.described"),
    "modified": SQL("n.modified"),
    "customer_uuid": SQL("n.provider_uuid"),
    "customer_name": SQL("coalesce((SELECT name FROM customer WHERE uuid = n.provider_uuid), '')"),
}
"""What a list can show of an offering user, by names inside. A forgotten person's username is empty."""

OFFERING_USERS = ListQuery(
    SQL("""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM offering_user n WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
    ) n {most}
)
SELECT {json} FROM page n ORDER BY {order}"""),
    SQL("SELECT count(*) AS total FROM offering_user n WHERE {where}"),
    COLUMNS,
    FILTERS,
    ORDERS,
    default=SQL("n.described DESC, n.id"),
    last=SQL("n.id"),
    visibility={"providers": SQL("n.provider_uuid"), "offerings": SQL("n.offering_uuid")},
    stored_total=SQL(
        "SELECT coalesce(sum(n.offering_users), 0)::bigint AS total FROM offering_user_count n WHERE {scope}"
    ),
)
"""Offering users, the newest first."""
