"""Read model of what providers have: resources and offering users, and how many there are in each scope.

Each is as it was last described. A resource carries the consumer and the provider that it belongs to, and an
offering user the provider, because lists find them by those. They are refreshed when a project or an offering
changes hands. Counters change by the difference that a statement makes; resources are counted by state.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.domain.catalogue import Resource
from ledger.events import (
    Described,
    OfferingDescribed,
    OfferingUserDescribed,
    ProjectDescribed,
    ResourceDescribed,
)
from projections.rows import as_json
from projections.writers.catalogue import last_descriptions
from projections.writers.counters import counting
from projections.writers.read_model import ReadModel

CHANGING = [name for name in (*Resource.__struct_fields__, "modified") if name not in ("uuid", "created")]

UPSERT = SQL("""
INSERT INTO resource AS r (uuid, id, since, described, created, customer_uuid, provider_uuid, {columns})
SELECT
    n.uuid, n.id, n.since, n.described, coalesce(n.created, b.described, n.described), p.customer_uuid,
    o.customer_uuid, {values}
FROM json_populate_recordset(NULL::resource, %(rows)s) n
LEFT JOIN LATERAL (SELECT described FROM resource WHERE uuid = n.uuid OFFSET 0) b ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM project WHERE uuid = n.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM offering WHERE uuid = n.offering_uuid OFFSET 0) o ON true
ON CONFLICT (uuid) DO UPDATE SET
    since = EXCLUDED.since, created = EXCLUDED.created, customer_uuid = EXCLUDED.customer_uuid,
    provider_uuid = EXCLUDED.provider_uuid, {updates}""").format(
    columns=SQL(", ").join(map(Identifier, CHANGING)),
    values=SQL(", ").join(SQL("n.{}").format(Identifier(name)) for name in CHANGING),
    updates=SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(Identifier(name)) for name in CHANGING),
)

REFRESH_OWNERS = SQL("""
UPDATE resource r SET since = %(since)s, customer_uuid = p.customer_uuid, provider_uuid = o.customer_uuid
FROM project p, offering o
WHERE p.uuid = r.project_uuid AND o.uuid = r.offering_uuid
  AND (r.project_uuid = ANY(%(projects)s) OR r.offering_uuid = ANY(%(offerings)s))
  AND (r.customer_uuid, r.provider_uuid) IS DISTINCT FROM (p.customer_uuid, o.customer_uuid)""")

UPSERT_USER = SQL("""
INSERT INTO offering_user AS r (
    uuid, offering_uuid, person, username, user_uuid, id, since, described, modified, provider_uuid)
SELECT
    n.uuid, n.offering_uuid, n.person, p.username, n.user_uuid, n.id, n.since, n.described, n.modified,
    o.customer_uuid
FROM json_populate_recordset(NULL::offering_user, %(rows)s) n
LEFT JOIN journal.person p ON p.uuid = n.person
LEFT JOIN LATERAL (SELECT customer_uuid FROM offering WHERE uuid = n.offering_uuid OFFSET 0) o ON true
ON CONFLICT (uuid) DO UPDATE SET
    since = EXCLUDED.since,
    offering_uuid = EXCLUDED.offering_uuid,
    person = EXCLUDED.person,
    username = EXCLUDED.username,
    user_uuid = EXCLUDED.user_uuid,
    modified = EXCLUDED.modified,
    provider_uuid = EXCLUDED.provider_uuid""")

REFRESH_USERS = """
UPDATE offering_user r SET since = %(since)s, provider_uuid = o.customer_uuid FROM offering o
WHERE o.uuid = r.offering_uuid AND o.uuid = ANY(%(offerings)s)
  AND r.provider_uuid IS DISTINCT FROM o.customer_uuid"""

UPSERT_AND_COUNT, REFRESH_AND_COUNT = (
    counting(change, "resource", "r", "resources", by="state") for change in (UPSERT, REFRESH_OWNERS)
)

# As those of resources, but for people, who have no project. The joined `b` has the rows as they were.
UPSERT_AND_COUNT_USERS = SQL("""
WITH after AS ({change} RETURNING r.uuid, r.offering_uuid), changed AS (
    SELECT 1 AS sign, offering_uuid FROM after
    UNION ALL
    SELECT -1, b.offering_uuid FROM after JOIN offering_user b USING (uuid)
)
INSERT INTO offering_user_count (kind, scope, offering_uuid, offering_users)
SELECT s.kind, s.scope, s.scope, sum(c.sign)
FROM changed c
CROSS JOIN LATERAL (VALUES ('all', '{nil}'::uuid), ('offering', c.offering_uuid)) s(kind, scope)
GROUP BY s.kind, s.scope
HAVING sum(c.sign) <> 0
ON CONFLICT (kind, scope, offering_uuid) DO UPDATE SET
    offering_users = offering_user_count.offering_users + EXCLUDED.offering_users""").format(
    change=UPSERT_USER, nil=SQL(UUID(int=0).hex)
)

# A scope of which there are none has no row, as if there had never been any.
DROP_EMPTY = (
    "DELETE FROM resource_count WHERE resources = 0",
    "DELETE FROM offering_user_count WHERE offering_users = 0",
)


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Described]]) -> None:
    """Write the last description of resources and offering users, and whose they are now."""
    resources: list[tuple[int, Described]] = []
    users: list[tuple[int, Described]] = []
    projects: list[UUID] = []
    offerings: list[UUID] = []
    for position, fact in facts:
        match fact:
            case ResourceDescribed():
                resources.append((position, fact))
            case OfferingUserDescribed():
                users.append((position, fact))
            case ProjectDescribed(entity=project):
                projects.append(project.uuid)
            case OfferingDescribed(entity=offering):
                offerings.append(offering.uuid)
    if resources:
        cursor.execute(UPSERT_AND_COUNT, {"rows": as_json(last_descriptions(resources))})
    if users:
        cursor.execute(UPSERT_AND_COUNT_USERS, {"rows": as_json(last_descriptions(users))})
    changed = {"projects": projects, "offerings": offerings, "since": facts[-1][0]}
    if projects or offerings:
        cursor.execute(REFRESH_AND_COUNT, changed)
    if offerings:
        cursor.execute(REFRESH_USERS, changed)
    for statement in DROP_EMPTY:
        cursor.execute(statement)


PROVIDED = ReadModel(
    handles=(ResourceDescribed, OfferingUserDescribed, ProjectDescribed, OfferingDescribed),
    project=project,
    writes=("resource", "resource_count", "offering_user", "offering_user_count"),
    reads=("project", "offering"),
    is_cached=True,
)
