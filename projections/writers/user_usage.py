"""Read model of user usages: what single users consumed of a component usage."""

from collections.abc import Sequence
from typing import Any

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import UserUsageReported
from projections.rows import as_json
from projections.writers import counters
from projections.writers.read_model import ReadModel

OF_USAGE, OWN = (", ".join(f"{row}.{name}" for name in counters.FOLLOWED) for row in ("u", "uu"))

UPSERT = f"""
WITH past AS (
    INSERT INTO user_usage_past (uuid, since, until, usage, modified)
    SELECT b.uuid, b.since, n.since, b.usage, b.modified
    FROM json_populate_recordset(NULL::user_usage, %(rows)s) n
    JOIN LATERAL (
        SELECT * FROM user_usage WHERE resource_uuid = n.resource_uuid AND uuid = n.uuid OFFSET 0) b ON true
)
INSERT INTO user_usage (
    resource_uuid, uuid, id, since, component_usage_uuid, component_uuid, billing_period, person, username,
    offering_user_uuid, usage, created, modified, {", ".join(counters.FOLLOWED)})
SELECT
    n.resource_uuid, n.uuid, n.id, n.since, n.component_usage_uuid, n.component_uuid, n.billing_period,
    n.person, p.username, n.offering_user_uuid, n.usage, n.created, n.modified, {OF_USAGE}
FROM json_populate_recordset(NULL::user_usage, %(rows)s) n
JOIN LATERAL (
    SELECT * FROM component_usage WHERE resource_uuid = n.resource_uuid
    AND billing_period = n.billing_period AND uuid = n.component_usage_uuid OFFSET 0
) u ON true
LEFT JOIN LATERAL (SELECT username FROM journal.person WHERE uuid = n.person OFFSET 0) p ON true
ON CONFLICT (resource_uuid, uuid) DO UPDATE SET
    since = EXCLUDED.since,
    username = EXCLUDED.username,
    usage = EXCLUDED.usage,
    modified = EXCLUDED.modified"""  # noqa: S608 - of constants

# Runs before the upsert, after which none of them is new. Row by row, as in `counters.py`.
COUNT_NEW = """
UPDATE component_usage u SET users = u.users + n.users
FROM (
    SELECT n.resource_uuid, n.component_uuid, n.billing_period, n.component_usage_uuid, count(*) AS users
    FROM json_to_recordset(%(rows)s) AS n(
        resource_uuid uuid, uuid uuid, component_uuid uuid, billing_period date, component_usage_uuid uuid)
    LEFT JOIN LATERAL (
        SELECT uuid FROM user_usage WHERE resource_uuid = n.resource_uuid AND uuid = n.uuid OFFSET 0
    ) b ON true
    WHERE b.uuid IS NULL
    GROUP BY n.resource_uuid, n.component_uuid, n.billing_period, n.component_usage_uuid
) n
WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
  AND u.billing_period = n.billing_period AND u.uuid = n.component_usage_uuid"""

COUNT_ALL = """
UPDATE component_usage u SET users = n.users
FROM (
    SELECT resource_uuid, component_usage_uuid AS uuid, count(*) AS users FROM user_usage
    GROUP BY resource_uuid, component_usage_uuid
) n
WHERE u.resource_uuid = n.resource_uuid AND u.uuid = n.uuid"""

FOLLOW_ALL = f"""
UPDATE user_usage uu SET ({", ".join(counters.FOLLOWED)}) = ({OF_USAGE})
FROM component_usage u
WHERE uu.resource_uuid = u.resource_uuid AND uu.component_usage_uuid = u.uuid
  AND ({OWN}) IS DISTINCT FROM ({OF_USAGE})"""  # noqa: S608 - of constants

Facts = Sequence[tuple[int, UserUsageReported]]


def project(cursor: Cursor[DictRow], facts: Facts) -> None:
    """Write the amounts of users of component usages."""
    rows = {"rows": as_json(_row(position, fact) for position, fact in facts)}
    counters.with_counters(cursor, COUNT_NEW, rows)
    cursor.execute(UPSERT, rows)


def load(cursor: Cursor[DictRow], facts: Facts) -> None:
    """Write the rows in a rebuild, which calls `complete` in the end."""
    cursor.execute(UPSERT, {"rows": as_json(_row(position, fact) for position, fact in facts)})


def complete(cursor: Cursor[DictRow]) -> None:
    """Write into all component usages how many users they have, and into those what they have from them."""
    cursor.execute(COUNT_ALL)
    cursor.execute(FOLLOW_ALL)


def _row(position: int, fact: UserUsageReported) -> dict[str, Any]:
    return {
        "resource_uuid": fact.resource_uuid,
        "uuid": fact.user_usage_uuid,
        "id": position,
        "since": position,
        "component_uuid": fact.component_uuid,
        "billing_period": fact.month,
        "component_usage_uuid": fact.usage_uuid,
        "person": fact.person,
        "offering_user_uuid": fact.offering_user_uuid,
        "usage": fact.amount,
        "created": fact.created_at or fact.recorded_at,
        "modified": fact.recorded_at,
    }


USER_USAGES = ReadModel(
    handles=(UserUsageReported,),
    project=project,
    writes=("user_usage", "component_usage", "usage_count"),
    reads=("component_usage",),
    load=load,
    complete=complete,
)
