"""Read model of user usages: what single users consumed of a component usage."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.events import Fact, UserUsageReported
from projections.queries import display_names as names
from projections.queries.list_query import Listing, in_hex, in_iso, safe, string
from projections.rows import as_json
from projections.writers import component_usage
from projections.writers import counters as figures

UPSERT = """
INSERT INTO user_usage (
    resource_uuid, uuid, id, component_usage_uuid, person, username, offering_user_uuid, usage,
    created, modified)
SELECT
    n.resource_uuid, n.uuid, n.id, n.component_usage_uuid, n.person, p.username, n.offering_user_uuid,
    n.usage, n.created, n.modified
FROM json_populate_recordset(NULL::user_usage, %(rows)s) n
LEFT JOIN journal.person p ON p.uuid = n.person
ON CONFLICT (resource_uuid, uuid) DO UPDATE SET
    username = EXCLUDED.username,
    usage = EXCLUDED.usage,
    modified = EXCLUDED.modified"""

# Before the upsert, which makes the new ones known.
COUNT_NEW = """
UPDATE component_usage u SET users = u.users + n.users
FROM (
    SELECT n.resource_uuid, n.component_uuid, n.billing_period, n.component_usage_uuid, count(*) AS users
    FROM json_to_recordset(%(rows)s) AS n(
        resource_uuid uuid, uuid uuid, component_uuid uuid, billing_period date, component_usage_uuid uuid)
    WHERE NOT EXISTS (
        SELECT FROM user_usage uu WHERE uu.resource_uuid = n.resource_uuid AND uu.uuid = n.uuid)
    GROUP BY n.resource_uuid, n.component_uuid, n.billing_period, n.component_usage_uuid
) n
WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
  AND u.billing_period = n.billing_period AND u.uuid = n.component_usage_uuid"""

COUNT_ALL = """
UPDATE component_usage u SET users = n.users
FROM (SELECT component_usage_uuid AS uuid, count(*) AS users FROM user_usage GROUP BY component_usage_uuid) n
WHERE u.uuid = n.uuid"""

FILTERS = component_usage.FILTERS | {
    "uuid": SQL("uu.uuid = %(uuid)s"),
    # Not in the column's collation, which knows upper and lower case of ASCII letters only.
    "username_part": SQL('uu.username COLLATE "default" ILIKE %(username_part)s'),
}
"""As for component usages, whose month, date and ids these are; `username_part` is an ILIKE pattern."""

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

KEPT = SQL("SELECT coalesce(sum(n.user_usages), 0)::bigint AS total FROM usage_count n WHERE {scope}")

COLUMNS = {
    **component_usage.COLUMNS,
    "uuid": in_hex(SQL("uu.uuid")),
    "offering_user_url": string(
        SQL("%(offering_users)s || encode(uuid_send(uu.offering_user_uuid), 'hex') || '/'")
    ),
    "username": string(SQL("coalesce(uu.username, '')")),
    "component_usage_url": string(
        SQL("%(component_usages)s || encode(uuid_send(uu.component_usage_uuid), 'hex') || '/'")
    ),
    "usage": safe(SQL("uu.usage")),
    "created": in_iso(SQL("uu.created")),
    "modified": in_iso(SQL("uu.modified")),
    "nothing": safe(SQL("''")),
}
"""What a list can show of a user usage. URLs begin with the parameters `offering_users` and
`component_usages`."""

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
FROM chosen uu FULL JOIN page u ON u.uuid = uu.component_usage_uuid{names.JOINS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

USAGES = Listing(
    ROWS,
    COUNT,
    COLUMNS,
    FILTERS,
    ORDERS,
    DEFAULT_ORDER,
    last=SQL("uu.id"),
    visible=component_usage.VISIBLE_BY,
    kept=KEPT,
)
"""User usages with the names around them, those of the newest component usages first."""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Keeps the last figure of every user of every component usage."""
    rows = _fold(facts)
    if rows:
        parameters = {"rows": as_json(rows)}
        figures.following(cursor, COUNT_NEW, parameters)
        cursor.execute(UPSERT, parameters)


def load(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """The same in a rebuild: the rows only. `count` follows once all are there."""
    rows = _fold(facts)
    if rows:
        cursor.execute(UPSERT, {"rows": as_json(rows)})


def count(cursor: Cursor[DictRow]) -> None:
    """Tells all component usages how many users they have."""
    cursor.execute(COUNT_ALL)


def _fold(facts: Sequence[tuple[int, Fact]]) -> Collection[dict[str, Any]]:
    rows: dict[UUID, dict[str, Any]] = {}
    for position, fact in facts:
        if isinstance(fact, UserUsageReported):
            before = rows.get(fact.user_usage_uuid)
            rows[fact.user_usage_uuid] = {
                "resource_uuid": fact.resource_uuid,
                "uuid": fact.user_usage_uuid,
                "id": before["id"] if before else position,
                "component_uuid": fact.component_uuid,
                "billing_period": fact.month,
                "component_usage_uuid": fact.usage_uuid,
                "person": fact.person,
                "offering_user_uuid": fact.offering_user_uuid,
                "usage": fact.amount,
                "created": before["created"] if before else fact.created_at or fact.recorded_at,
                "modified": fact.recorded_at,
            }
    return rows.values()
