"""Read model of component usages: the figure of each component of a resource, by month and plan."""

from collections.abc import Iterable, Sequence
from typing import LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import ComponentDescribed, Fact, OfferingDescribed, ProjectDescribed, ResourceDescribed
from projections.rows import as_json, insert
from projections.writers import counters as figures
from projections.writers.usage_rows import Folded, fold

INSERT = """
INSERT INTO component_usage AS u (
    resource_uuid, uuid, id, version, component_uuid, component_type,
    project_uuid, customer_uuid, offering_uuid, provider_uuid,
    billing_period, plan_uuid, plan_period_uuid, usage, measured_at,
    missing_usage_policy, description, reported_by, created, is_terminated, users)"""

ON_CONFLICT = """
ON CONFLICT (resource_uuid, billing_period, uuid) DO UPDATE SET
    version = EXCLUDED.version,
    plan_uuid = EXCLUDED.plan_uuid,
    plan_period_uuid = EXCLUDED.plan_period_uuid,
    usage = EXCLUDED.usage,
    measured_at = EXCLUDED.measured_at,
    missing_usage_policy = EXCLUDED.missing_usage_policy,
    description = EXCLUDED.description,
    reported_by = EXCLUDED.reported_by"""

# Where a usage belongs follows the catalogue: a resource that moves takes its usage along. Looked up row by
# row (OFFSET 0 keeps it so): a join would be planned for a hundred rows and read all of a table of thousands.
UPSERT = f"""{INSERT}
SELECT
    n.resource_uuid, n.uuid, n.id, n.version,
    n.component_uuid, coalesce(c.component_type, n.component_type),
    coalesce(r.project_uuid, n.project_uuid), coalesce(p.customer_uuid, n.customer_uuid),
    coalesce(r.offering_uuid, n.offering_uuid), coalesce(o.customer_uuid, n.provider_uuid),
    n.billing_period, n.plan_uuid, n.plan_period_uuid, n.usage, n.measured_at,
    n.missing_usage_policy, n.description, n.reported_by, n.created, coalesce(r.state = 6, false), 0
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
LEFT JOIN LATERAL (
    SELECT project_uuid, offering_uuid, state FROM resource WHERE uuid = n.resource_uuid OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM project WHERE uuid = r.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM offering WHERE uuid = r.offering_uuid OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT component_type FROM component WHERE uuid = n.component_uuid OFFSET 0) c ON true
{ON_CONFLICT}"""  # noqa: S608 - of constants

# In a rebuild, after which all rows are placed at once.
UPSERT_UNPLACED = f"""{INSERT}
SELECT
    n.resource_uuid, n.uuid, n.id, n.version, n.component_uuid, n.component_type,
    n.project_uuid, n.customer_uuid, n.offering_uuid, n.provider_uuid,
    n.billing_period, n.plan_uuid, n.plan_period_uuid, n.usage, n.measured_at,
    n.missing_usage_policy, n.description, n.reported_by, n.created, false, 0
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
{ON_CONFLICT}"""  # noqa: S608 - of constants

# A report ends the missing-usage policy of the other rows of its record. An import does not: it brings
# all rows of a record as they were elsewhere, and leaves those alone that are here.
END_POLICIES = """
UPDATE component_usage u SET missing_usage_policy = 'none'
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
WHERE u.resource_uuid = n.resource_uuid
  AND u.component_uuid = n.component_uuid
  AND u.billing_period = n.billing_period
  AND u.uuid <> n.uuid
  AND u.missing_usage_policy <> 'none'"""

# A report of users moves the version on, and gives the total to a usage that stood at zero.
TAKE_OVER_TOTALS = """
UPDATE component_usage u SET version = n.version, usage = coalesce(n.usage, u.usage)
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
  AND u.billing_period = n.billing_period AND u.uuid = n.uuid"""

PLACE = """
UPDATE component_usage u SET
    component_type = c.component_type,
    project_uuid = r.project_uuid,
    customer_uuid = p.customer_uuid,
    offering_uuid = r.offering_uuid,
    provider_uuid = o.customer_uuid,
    is_terminated = r.state = 6
FROM resource r, project p, offering o, component c
WHERE u.resource_uuid = r.uuid AND u.component_uuid = c.uuid
  AND p.uuid = r.project_uuid AND o.uuid = r.offering_uuid
  AND (u.component_type, u.project_uuid, u.customer_uuid, u.offering_uuid, u.provider_uuid, u.is_terminated)
      IS DISTINCT FROM
      (c.component_type, r.project_uuid, p.customer_uuid, r.offering_uuid, o.customer_uuid, r.state = 6)"""

FOLLOW_CATALOGUE = f"""{PLACE}
  AND (u.resource_uuid = ANY(%(resources)s) OR u.project_uuid = ANY(%(projects)s)
       OR u.offering_uuid = ANY(%(offerings)s))"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Makes every usage of the batch what was last reported of it."""
    _follow_catalogue(cursor, [fact for _, fact in facts])
    _write(cursor, fold(facts), UPSERT, figures.following)


def load(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """The same in a rebuild: the rows only, wherever they belong. `place` follows once all are there."""
    folded = fold(facts)
    # What begins a record can meet no row of it: it goes the quickest way.
    insert(cursor, "component_usage", [folded.rows.pop(uuid) for uuid in folded.first])
    _write(cursor, folded, UPSERT_UNPLACED, figures.alone)


def place(cursor: Cursor[DictRow]) -> None:
    """Puts all usages where their resources are."""
    cursor.execute(PLACE)


def _write(cursor: Cursor[DictRow], folded: Folded, upsert: LiteralString, write: figures.Write) -> None:
    rows, _, reported, totals = folded
    if totals:
        write(cursor, TAKE_OVER_TOTALS, {"rows": as_json(totals.values())})
    others = [rows[uuid] for uuid in reported if uuid in rows]
    if others:
        cursor.execute(END_POLICIES, {"rows": as_json(others)})
    if rows:
        write(cursor, upsert, {"rows": as_json(rows.values())})


def _follow_catalogue(cursor: Cursor[DictRow], facts: Iterable[Fact]) -> None:
    moved: dict[str, list[UUID]] = {"resources": [], "projects": [], "offerings": []}
    for fact in facts:
        match fact:
            case ResourceDescribed(entity=resource):
                moved["resources"].append(resource.uuid)
            case ProjectDescribed(entity=project):
                moved["projects"].append(project.uuid)
            case OfferingDescribed(entity=offering):
                moved["offerings"].append(offering.uuid)
            case ComponentDescribed(entity=component):
                moved["offerings"].append(component.offering_uuid)
    if any(moved.values()):
        figures.following(cursor, FOLLOW_CATALOGUE, moved)
        figures.clear(cursor)
