"""Read model of component usages: the figure of each component of a resource, by month and plan.

Where a usage belongs follows the catalogue: a resource that moves takes its usage along. So the columns that
say it are looked up when a usage is reported, and refreshed when the catalogue changes. The fact keeps the
project and customer of its time.
"""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import (
    ComponentDescribed,
    Described,
    OfferingDescribed,
    ProjectDescribed,
    Report,
    ResourceDescribed,
    UsageReported,
    UserUsageReported,
)
from projections.rows import IS_TERMINATED, as_json, insert
from projections.writers import counters
from projections.writers.catalogue import described_owners
from projections.writers.read_model import ReadModel
from projections.writers.statistics.silence import end_silence
from projections.writers.usage_rows import ComponentUsageRow, UsageDelta, usage_rows

OWNERS = {
    "component_type": "c.component_type",
    "project_uuid": "r.project_uuid",
    "customer_uuid": "p.customer_uuid",
    "offering_uuid": "r.offering_uuid",
    "provider_uuid": "o.customer_uuid",
    "is_terminated": IS_TERMINATED,
}
"""The columns that say where a usage belongs, with where the catalogue says it."""

SHOWN = [name for name in OWNERS if name != "is_terminated"]
SHOWN_IN_CATALOGUE = ", ".join(OWNERS[name] for name in SHOWN)

COLUMNS = ComponentUsageRow.__struct_fields__

ON_CONFLICT = """
ON CONFLICT (resource_uuid, billing_period, uuid) DO UPDATE SET
    since = EXCLUDED.since,
    version = EXCLUDED.version,
    plan_uuid = EXCLUDED.plan_uuid,
    plan_period_uuid = EXCLUDED.plan_period_uuid,
    usage = EXCLUDED.usage,
    measured_at = EXCLUDED.measured_at,
    missing_usage_policy = EXCLUDED.missing_usage_policy,
    description = EXCLUDED.description,
    reported_by = EXCLUDED.reported_by,
    correction_uuid = EXCLUDED.correction_uuid"""

# Looked up row by row (OFFSET 0 keeps it so): a join would be planned for a hundred rows and read all of a
# table of thousands.
UPSERT = f"""
INSERT INTO component_usage AS u ({", ".join(COLUMNS)}, is_terminated)
SELECT
    {", ".join(f"coalesce({OWNERS[name]}, n.{name})" if name in OWNERS else f"n.{name}" for name in COLUMNS)},
    coalesce({IS_TERMINATED}, false)
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
LEFT JOIN LATERAL (
    SELECT project_uuid, offering_uuid, state FROM resource WHERE uuid = n.resource_uuid OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM project WHERE uuid = r.project_uuid OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT customer_uuid FROM offering WHERE uuid = r.offering_uuid OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT component_type FROM component WHERE uuid = n.component_uuid OFFSET 0) c ON true
{ON_CONFLICT}"""  # noqa: S608 - of constants

# In a rebuild: a report names the owners of its time, and descriptions after it move them on.
UPSERT_AS_REPORTED = f"""
INSERT INTO component_usage AS u ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM json_populate_recordset(NULL::component_usage, %(rows)s)
{ON_CONFLICT}"""  # noqa: S608 - of constants

PLACE = ("resource_uuid", "billing_period", "component_uuid", "uuid", "since")
"""What finds the other usages of a usage's record, and is said of them. All columns take longer to read."""

# The others are looked up row by row, too: a record has hardly ever any.
END_POLICIES = """
UPDATE component_usage u SET since = other.since, missing_usage_policy = 'none'
FROM (
    SELECT n.since, o.* FROM json_to_recordset(%(rows)s) n(
        resource_uuid uuid, billing_period date, component_uuid uuid, uuid uuid, since bigint)
    CROSS JOIN LATERAL (
        SELECT resource_uuid, billing_period, uuid FROM component_usage
        WHERE resource_uuid = n.resource_uuid AND component_uuid = n.component_uuid
        AND billing_period = n.billing_period AND uuid <> n.uuid AND missing_usage_policy <> 'none' OFFSET 0
    ) o OFFSET 0
) other
WHERE u.resource_uuid = other.resource_uuid AND u.billing_period = other.billing_period
  AND u.uuid = other.uuid
"""

# A report of users moves the version on, and gives the total to a usage that stood at zero.
TAKE_OVER_TOTALS = """
UPDATE component_usage u SET
    since = coalesce(n.since, u.since), version = n.version, usage = coalesce(n.usage, u.usage),
    correction_uuid = CASE WHEN n.since IS NULL THEN u.correction_uuid ELSE n.correction_uuid END
FROM json_populate_recordset(NULL::component_usage, %(rows)s) n
WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
  AND u.billing_period = n.billing_period AND u.uuid = n.uuid"""

# Of the resources that are described, or that belong to what is. Whether they are terminated is no part of
# what usages were: the past asks the resources.
MOVE = f"""
UPDATE component_usage u SET
    since = CASE WHEN ({", ".join(f"u.{name}" for name in SHOWN)}) IS DISTINCT FROM ({SHOWN_IN_CATALOGUE})
        THEN coalesce(n.since, %(since)s) ELSE u.since END,
    ({", ".join(OWNERS)}) = ({", ".join(OWNERS.values())})
FROM resource r
LEFT JOIN unnest(%(resources)s::uuid[], %(positions)s::bigint[]) n(uuid, since) ON n.uuid = r.uuid,
    project p, offering o, component c
WHERE u.resource_uuid = r.uuid AND u.component_uuid = c.uuid
  AND p.uuid = r.project_uuid AND o.uuid = r.offering_uuid
  AND (r.uuid = ANY(%(resources)s) OR r.project_uuid = ANY(%(projects)s)
       OR r.offering_uuid = ANY(%(offerings)s))
  AND ({", ".join(f"u.{name}" for name in OWNERS)}) IS DISTINCT FROM ({", ".join(OWNERS.values())})"""  # noqa: S608 - of constants

FIND_TERMINATED = f"""
UPDATE component_usage u SET is_terminated = true FROM resource r
WHERE u.resource_uuid = r.uuid AND NOT u.is_terminated AND {IS_TERMINATED}"""  # noqa: S608 - of constants

Reports = Sequence[tuple[int, Report]]
Descriptions = Sequence[tuple[int, Described]]


def project(cursor: Cursor[DictRow], facts: Reports) -> None:
    """Make every usage of the step what is reported of it."""
    delta = usage_rows(facts)
    _write(cursor, delta, UPSERT, counters.with_counters)
    if delta.first:
        end_silence(cursor, [delta.rows[uuid] for uuid in delta.first])


def load(cursor: Cursor[DictRow], facts: Reports) -> None:
    """Write the rows in a rebuild, with the owners that they were reported with."""
    delta = usage_rows(facts)
    # The first usage of a record can meet no other row: it goes the quickest way.
    insert(cursor, "component_usage", [delta.rows.pop(uuid) for uuid in delta.first])
    _write(cursor, delta, UPSERT_AS_REPORTED, counters.without_counters)


def _write(cursor: Cursor[DictRow], delta: UsageDelta, upsert: LiteralString, write: counters.Write) -> None:
    rows, _, reported, totals = delta
    if totals:
        write(cursor, TAKE_OVER_TOTALS, {"rows": as_json(totals.values())})
    others = [{name: getattr(rows[uuid], name) for name in PLACE} for uuid in reported if uuid in rows]
    if others:
        counters.without_counters(cursor, END_POLICIES, {"rows": as_json(others)})
    if rows:
        write(cursor, upsert, {"rows": as_json(rows.values())})


def follow_catalogue(cursor: Cursor[DictRow], facts: Descriptions) -> None:
    """Refresh the owners of usages whose resource, project, offering or component is described."""
    counters.with_counters(cursor, MOVE, described_owners(facts), moves=True)
    counters.drop_empty(cursor)


def load_moves(cursor: Cursor[DictRow], facts: Descriptions) -> None:
    """Refresh the owners in a rebuild, which has no counters yet."""
    counters.without_counters(cursor, MOVE, described_owners(facts), moves=True)


def find_terminated(cursor: Cursor[DictRow]) -> None:
    """Mark the usages of terminated resources, as reports don't say which are."""
    cursor.execute(FIND_TERMINATED)


COMPONENT_USAGES = ReadModel(
    handles=(UsageReported, UserUsageReported),
    project=project,
    writes=(
        *("component_usage", "user_usage", "usage_count", "project_usage", "monthly_consumption"),
        *("silence", "reporting_count"),
    ),
    reads=("resource", "project", "offering", "component"),
    load=load,
)

USAGE_OWNERS = ReadModel(
    handles=(ResourceDescribed, ProjectDescribed, OfferingDescribed, ComponentDescribed),
    project=follow_catalogue,
    writes=("component_usage", "user_usage", "usage_count", "project_usage"),
    reads=("resource", "project", "offering", "component"),
    load=load_moves,
    complete=find_terminated,
)
