"""Read model of resources: each as it was last described, and how many there are in each scope, by state.

A resource carries the consumer and the provider that it belongs to, because lists find it by them. They are
refreshed when its project or offering changes hands. Counters change by the difference that a statement
makes.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.domain.catalogue import Resource
from ledger.events import Described, OfferingDescribed, ProjectDescribed, ResourceDescribed
from projections.rows import as_json
from projections.writers.catalogue import last_descriptions
from projections.writers.counters import counting
from projections.writers.read_model import ReadModel

CHANGING = [name for name in (*Resource.__struct_fields__, "modified") if name not in ("uuid", "created")]

UPSERT = SQL("""
INSERT INTO resource AS r (uuid, id, described, created, customer_uuid, provider_uuid, {columns})
SELECT
    n.uuid, n.id, n.described, coalesce(n.created, b.described, n.described), p.customer_uuid,
    o.customer_uuid, {values}
FROM json_populate_recordset(NULL::resource, %(rows)s) n
LEFT JOIN LATERAL (SELECT described FROM resource WHERE uuid = n.uuid OFFSET 0) b ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM project WHERE uuid = n.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM offering WHERE uuid = n.offering_uuid OFFSET 0) o ON true
ON CONFLICT (uuid) DO UPDATE SET
    created = EXCLUDED.created, customer_uuid = EXCLUDED.customer_uuid,
    provider_uuid = EXCLUDED.provider_uuid, {updates}""").format(
    columns=SQL(", ").join(map(Identifier, CHANGING)),
    values=SQL(", ").join(SQL("n.{}").format(Identifier(name)) for name in CHANGING),
    updates=SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(Identifier(name)) for name in CHANGING),
)

REFRESH_OWNERS = SQL("""
UPDATE resource r SET customer_uuid = p.customer_uuid, provider_uuid = o.customer_uuid
FROM project p, offering o
WHERE p.uuid = r.project_uuid AND o.uuid = r.offering_uuid
  AND (r.project_uuid = ANY(%(projects)s) OR r.offering_uuid = ANY(%(offerings)s))
  AND (r.customer_uuid, r.provider_uuid) IS DISTINCT FROM (p.customer_uuid, o.customer_uuid)""")

UPSERT_AND_COUNT, REFRESH_AND_COUNT = (
    counting(change, "resource", "r", "resources", by="state") for change in (UPSERT, REFRESH_OWNERS)
)

# Without resources there is no row, as if there had never been one.
DROP_EMPTY = "DELETE FROM resource_count WHERE resources = 0"


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Described]]) -> None:
    """Write the last description of every resource, and where resources belong now."""
    resources: list[tuple[int, Described]] = []
    changed: dict[str, list[UUID]] = {"projects": [], "offerings": []}
    for position, fact in facts:
        match fact:
            case ResourceDescribed():
                resources.append((position, fact))
            case ProjectDescribed(entity=project):
                changed["projects"].append(project.uuid)
            case OfferingDescribed(entity=offering):
                changed["offerings"].append(offering.uuid)
    if resources:
        cursor.execute(UPSERT_AND_COUNT, {"rows": as_json(last_descriptions(resources))})
    if any(changed.values()):
        cursor.execute(REFRESH_AND_COUNT, changed)
    cursor.execute(DROP_EMPTY)


RESOURCES = ReadModel(
    handles=(ResourceDescribed, ProjectDescribed, OfferingDescribed),
    project=project,
    writes=("resource", "resource_count"),
    reads=("project", "offering"),
    is_cached=True,
)
