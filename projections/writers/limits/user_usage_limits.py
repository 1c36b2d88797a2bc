"""Read model of the limits of users: each as it was last described until it is removed, and their counters.

A limit carries the ids of those whose resource it is, as usages do: lists find it by them. They are refreshed
when the catalogue changes. A limit that was removed and is described again is a new one.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.events import (
    Described,
    OfferingDescribed,
    ProjectDescribed,
    ResourceDescribed,
    UserUsageLimitDescribed,
    UserUsageLimitRemoved,
)
from projections.rows import as_json
from projections.writers.catalogue import described_owners
from projections.writers.counters import counting
from projections.writers.read_model import ReadModel

UPSERT = SQL("""
INSERT INTO user_usage_limit AS l (
    id, since, uuid, resource_uuid, component_uuid, offering_user_uuid, "limit", project_uuid, customer_uuid,
    offering_uuid, provider_uuid)
SELECT
    n.id, n.since, n.uuid, n.resource_uuid, n.component_uuid, n.offering_user_uuid, n."limit", r.project_uuid,
    r.customer_uuid, r.offering_uuid, r.provider_uuid
FROM json_populate_recordset(NULL::user_usage_limit, %(rows)s) n
LEFT JOIN LATERAL (SELECT * FROM resource WHERE uuid = n.resource_uuid OFFSET 0) r ON true
ON CONFLICT (uuid) DO UPDATE SET
    since = EXCLUDED.since,
    resource_uuid = EXCLUDED.resource_uuid,
    component_uuid = EXCLUDED.component_uuid,
    offering_user_uuid = EXCLUDED.offering_user_uuid,
    "limit" = EXCLUDED."limit",
    project_uuid = EXCLUDED.project_uuid,
    customer_uuid = EXCLUDED.customer_uuid,
    offering_uuid = EXCLUDED.offering_uuid,
    provider_uuid = EXCLUDED.provider_uuid""")

# It goes to the past as what held until then.
END = """
UPDATE user_usage_limit l SET until = n.until
FROM unnest(%(removed)s::uuid[], %(positions)s::bigint[]) n(uuid, until) WHERE l.uuid = n.uuid"""

DELETE = SQL("""
DELETE FROM user_usage_limit l WHERE l.uuid = ANY(%(removed)s)""")

REFRESH_OWNERS = SQL("""
UPDATE user_usage_limit l SET
    since = coalesce(n.since, %(since)s),
    project_uuid = r.project_uuid,
    customer_uuid = r.customer_uuid,
    offering_uuid = r.offering_uuid,
    provider_uuid = r.provider_uuid
FROM resource r
LEFT JOIN unnest(%(resources)s::uuid[], %(positions)s::bigint[]) n(uuid, since) ON n.uuid = r.uuid
WHERE r.uuid = l.resource_uuid
  AND (l.resource_uuid = ANY(%(resources)s) OR l.project_uuid = ANY(%(projects)s)
       OR l.offering_uuid = ANY(%(offerings)s))
  AND (l.project_uuid, l.customer_uuid, l.offering_uuid, l.provider_uuid)
      IS DISTINCT FROM (r.project_uuid, r.customer_uuid, r.offering_uuid, r.provider_uuid)""")

UPSERT_AND_COUNT, DELETE_AND_COUNT, REFRESH_AND_COUNT = (
    counting(change, "user_usage_limit", "l", "limits", deletes=change is DELETE)
    for change in (UPSERT, DELETE, REFRESH_OWNERS)
)

# Without limits there is no row, as if there had never been one.
DROP_EMPTY = "DELETE FROM user_usage_limit_count WHERE limits = 0"


def project(
    cursor: Cursor[DictRow], facts: Sequence[tuple[int, UserUsageLimitDescribed | UserUsageLimitRemoved]]
) -> None:
    """Write the last description of every limit, and delete what was removed."""
    rows: dict[UUID, dict[str, Any]] = {}
    removed: dict[UUID, int] = {}
    for position, fact in facts:
        limit = fact.entity
        if isinstance(fact, UserUsageLimitRemoved):
            rows.pop(limit.uuid, None)
            removed[limit.uuid] = position
        else:
            first = rows.get(limit.uuid, {"id": position})["id"]
            rows[limit.uuid] = {**structs.asdict(limit), "id": first, "since": position}
    if removed:
        gone = {"removed": list(removed), "positions": list(removed.values())}
        cursor.execute(END, gone)
        cursor.execute(DELETE_AND_COUNT, gone)
    if rows:
        cursor.execute(UPSERT_AND_COUNT, {"rows": as_json(rows.values())})
    cursor.execute(DROP_EMPTY)


def follow_catalogue(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Described]]) -> None:
    """Refresh the owners of limits whose resource, project or offering is described."""
    cursor.execute(REFRESH_AND_COUNT, described_owners(facts))
    cursor.execute(DROP_EMPTY)


USER_USAGE_LIMITS = ReadModel[UserUsageLimitDescribed | UserUsageLimitRemoved](
    handles=(UserUsageLimitDescribed, UserUsageLimitRemoved),
    project=project,
    writes=("user_usage_limit", "user_usage_limit_count"),
    reads=("resource",),
    is_cached=True,
)

LIMIT_OWNERS = ReadModel(
    handles=(ResourceDescribed, ProjectDescribed, OfferingDescribed),
    project=follow_catalogue,
    writes=("user_usage_limit", "user_usage_limit_count"),
    reads=("resource",),
)
