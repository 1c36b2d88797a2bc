"""Read model of user usages: what single users consumed of a component usage."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact, UserUsageReported
from projections.rows import as_json
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
