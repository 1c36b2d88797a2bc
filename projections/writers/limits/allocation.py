"""Read models of limits: what is allocated of a component in each month, and what each project holds.

Nothing is added up anew. Sums change by the difference between what a resource counted with before and counts
with now. What it was before is still in `resource`, so these models come before the catalogue; what depends
on descriptions of components comes after it.

Of each component the spans of months are kept in which its allocation stays the same; the monthly summary
makes a row for each month of a span when it is read. Price: a description that changes a limit costs a
millisecond more.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import Resource, ResourceState
from ledger.domain.months import month_of
from ledger.events import ComponentDescribed, ResourceDescribed
from projections.rows import as_json
from projections.writers.read_model import ReadModel

ALLOCATING_STATES = {
    ResourceState.OK,
    ResourceState.UPDATING,
    ResourceState.TERMINATING,
    ResourceState.ERRED,
}

SELECT_BEFORE = "SELECT to_json(r)::text AS resource FROM resource r WHERE uuid = ANY(%(resources)s)"

ADD_TO_MONTHS = """
INSERT INTO allocation_change (offering_uuid, component_type, month, is_first, amount, resources)
SELECT offering_uuid, component_type, month, is_first, sum(amount), sum(resources)
FROM json_populate_recordset(NULL::allocation_change, %(rows)s)
GROUP BY offering_uuid, component_type, month, is_first
ON CONFLICT (offering_uuid, component_type, month, is_first) DO UPDATE SET
    amount = allocation_change.amount + EXCLUDED.amount,
    resources = allocation_change.resources + EXCLUDED.resources"""

UPSERT_COMPONENT_LIMITS = """
INSERT INTO component_limit (component_uuid, month, limit_amount)
SELECT component_uuid, month, limit_amount FROM json_populate_recordset(NULL::component_limit, %(rows)s)
ON CONFLICT (component_uuid, month) DO UPDATE SET limit_amount = EXCLUDED.limit_amount"""

# The first description of a component counts for the time before, too.
INSERT_FIRST_LIMITS = """
INSERT INTO component_limit (component_uuid, month, limit_amount)
SELECT component_uuid, '-infinity', limit_amount FROM json_populate_recordset(NULL::component_limit, %(rows)s)
ON CONFLICT (component_uuid, month) DO NOTHING"""

# Of `touched` components: from -infinity on, each span until the next change of the resources' limits or of
# the component's own. To those before the component was described (`later`) what was first said of resources
# until then is added.
SPANS = """changes AS (
    SELECT c.uuid, d.described, m.*
    FROM touched c
    CROSS JOIN LATERAL (
        SELECT min(month) AS described FROM component_limit
        WHERE component_uuid = c.uuid AND month > '-infinity'
    ) d
    CROSS JOIN LATERAL (
        SELECT
            month, sum(amount) AS amount, sum(resources) AS resources,
            sum(amount) FILTER (WHERE is_first AND month <= d.described) AS first_amount,
            sum(resources) FILTER (WHERE is_first AND month <= d.described) AS first_resources
        FROM (
            SELECT month, is_first, amount, resources FROM allocation_change
            WHERE offering_uuid = c.offering_uuid AND component_type = c.component_type
            UNION ALL
            SELECT month, false, 0, 0 FROM component_limit WHERE component_uuid = c.uuid
        ) a
        GROUP BY month
    ) m
), sums AS (
    SELECT
        uuid, month, month < described AS if_used, lead(month) OVER so_far - 1 AS until,
        sum(amount) OVER so_far + coalesce(sum(first_amount) OVER later, 0) AS amount,
        sum(resources) OVER so_far + coalesce(sum(first_resources) OVER later, 0) AS resources
    FROM changes
    WINDOW so_far AS (PARTITION BY uuid ORDER BY month),
        later AS (PARTITION BY uuid ORDER BY month ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
), spans AS (
    SELECT
        s.uuid AS component_uuid, s.month AS since, coalesce(s.until, 'infinity') AS until, s.if_used,
        CASE WHEN s.resources > 0 THEN s.amount ELSE coalesce(l.limit_amount, 0) END AS amount
    FROM sums s
    CROSS JOIN LATERAL (
        SELECT limit_amount FROM component_limit
        WHERE component_uuid = s.uuid AND month <= s.month ORDER BY month DESC LIMIT 1
    ) l
)"""

# Rows stay as they are where nothing changed.
REFRESH_SPANS = f"""
WITH touched AS (
    SELECT uuid, offering_uuid, component_type FROM component WHERE uuid = ANY(%(components)s)
    UNION
    SELECT c.uuid, c.offering_uuid, c.component_type
    FROM (
        SELECT DISTINCT offering_uuid, component_type
        FROM json_populate_recordset(NULL::allocation_change, %(rows)s)
    ) r CROSS JOIN LATERAL (
        SELECT * FROM component
        WHERE offering_uuid = r.offering_uuid AND component_type = r.component_type OFFSET 0
    ) c
), {SPANS}, gone AS (
    DELETE FROM allocation a USING touched c
    WHERE a.component_uuid = c.uuid
      AND NOT EXISTS (SELECT FROM spans s WHERE s.component_uuid = a.component_uuid AND s.since = a.since)
)
INSERT INTO allocation AS a (component_uuid, since, until, if_used, amount)
SELECT component_uuid, since, until, if_used, amount FROM spans
ON CONFLICT (component_uuid, since) DO UPDATE SET
    until = EXCLUDED.until, if_used = EXCLUDED.if_used, amount = EXCLUDED.amount
WHERE (a.until, a.if_used, a.amount) <> (EXCLUDED.until, EXCLUDED.if_used, EXCLUDED.amount)"""  # noqa: S608 - of constants

ADD_TO_OFFERINGS = """
INSERT INTO project_offering (project_uuid, offering_uuid, resources, terminated)
SELECT project_uuid, offering_uuid, sum(resources), sum(terminated)
FROM json_populate_recordset(NULL::project_offering, %(rows)s)
GROUP BY project_uuid, offering_uuid
ON CONFLICT (project_uuid, offering_uuid) DO UPDATE SET
    resources = project_offering.resources + EXCLUDED.resources,
    terminated = project_offering.terminated + EXCLUDED.terminated"""

ADD_TO_LIMITS = """
INSERT INTO project_limit (project_uuid, offering_uuid, component_type, amount, resources)
SELECT project_uuid, offering_uuid, component_type, sum(amount), sum(resources)
FROM json_populate_recordset(NULL::project_limit, %(rows)s)
GROUP BY project_uuid, offering_uuid, component_type
ON CONFLICT (project_uuid, offering_uuid, component_type) DO UPDATE SET
    amount = project_limit.amount + EXCLUDED.amount,
    resources = project_limit.resources + EXCLUDED.resources"""

# Without resources there is no row, as if there had never been one.
DROP_EMPTY_OFFERINGS = """
DELETE FROM project_offering o
USING json_populate_recordset(NULL::project_offering, %(rows)s) r
WHERE (o.project_uuid, o.offering_uuid) = (r.project_uuid, r.offering_uuid) AND o.resources = 0"""

DROP_EMPTY_LIMITS = """
DELETE FROM project_limit l
USING json_populate_recordset(NULL::project_limit, %(rows)s) r
WHERE (l.project_uuid, l.offering_uuid) = (r.project_uuid, r.offering_uuid)
  AND l.component_type = r.component_type AND l.resources = 0"""

Row = dict[str, Any]
ONE = Decimal(1)


def project_resources(cursor: Cursor[DictRow], facts: Sequence[tuple[int, ResourceDescribed]]) -> None:
    """Change every sum by the difference that the descriptions of resources make."""
    latest = _resources_before(cursor, [fact.entity.uuid for _, fact in facts])
    by_month: list[Row] = []
    by_project: list[Row] = []
    limits: list[Row] = []
    for _, fact in facts:
        before, after = latest.get(fact.entity.uuid), fact.entity
        when = {"month": month_of(fact.recorded_at), "is_first": before is None}
        by_month += [when | row for row in _difference(before, after, allocated)]
        by_project += _difference(before, after, counted)
        limits += _difference(before, after, held)
        latest[after.uuid] = after
    if by_month:
        cursor.execute(ADD_TO_MONTHS, {"rows": as_json(by_month)})
        _refresh_spans(cursor, by_month)
    if by_project:
        cursor.execute(ADD_TO_OFFERINGS, {"rows": as_json(by_project)})
        cursor.execute(DROP_EMPTY_OFFERINGS, {"rows": as_json(by_project)})
    if limits:
        cursor.execute(ADD_TO_LIMITS, {"rows": as_json(limits)})
        cursor.execute(DROP_EMPTY_LIMITS, {"rows": as_json(limits)})


def project_components(cursor: Cursor[DictRow], facts: Sequence[tuple[int, ComponentDescribed]]) -> None:
    """Write the components' own limits by month, and refresh what is allocated of the components."""
    first: dict[UUID, Row] = {}
    last: dict[tuple[UUID, date], Row] = {}
    for _, fact in facts:
        month = month_of(fact.recorded_at)
        row = {"component_uuid": fact.entity.uuid, "month": month, "limit_amount": fact.entity.limit_amount}
        first.setdefault(fact.entity.uuid, row)
        last[fact.entity.uuid, month] = row
    cursor.execute(INSERT_FIRST_LIMITS, {"rows": as_json(first.values())})
    cursor.execute(UPSERT_COMPONENT_LIMITS, {"rows": as_json(last.values())})
    _refresh_spans(cursor, components=list(first))


def _resources_before(cursor: Cursor[DictRow], uuids: list[UUID]) -> dict[UUID, Resource]:
    rows = cursor.execute(SELECT_BEFORE, {"resources": uuids})
    found = (msgspec.json.decode(row["resource"], type=Resource) for row in rows)
    return {resource.uuid: resource for resource in found}


def _refresh_spans(
    cursor: Cursor[DictRow], changes: Sequence[Row] = (), components: Sequence[UUID] = ()
) -> None:
    """Compute the spans of some components anew, and of those that the `changes` of resources are about."""
    cursor.execute(REFRESH_SPANS, {"rows": as_json(changes), "components": list(components)})


def _difference(
    before: Resource | None, after: Resource, rows_of: Callable[[Resource], list[Row]]
) -> list[Row]:
    """Return the rows to add so that `after` counts instead of `before`: negative ones of `before` first."""
    gone, come = rows_of(before) if before else [], rows_of(after)
    if gone == come:
        return []
    return [{name: _negative(value) for name, value in row.items()} for row in gone] + come


def _negative(value: Any) -> Any:
    return value.copy_negate() if isinstance(value, Decimal) else value


def allocated(resource: Resource) -> list[Row]:
    """Return the limits that a resource counts with in a month, none in states that allocate nothing."""
    if resource.state not in ALLOCATING_STATES:
        return []
    return [{"offering_uuid": resource.offering_uuid} | limit for limit in _limits(resource)]


def held(resource: Resource) -> list[Row]:
    """Return the limits that a resource counts with in its project, none once it is terminated."""
    if resource.state == ResourceState.TERMINATED:
        return []
    return [_owners(resource) | limit for limit in _limits(resource)]


def counted(resource: Resource) -> list[Row]:
    """Return the row that counts a resource in its project."""
    terminated = Decimal(resource.state == ResourceState.TERMINATED)
    return [{**_owners(resource), "resources": ONE, "terminated": terminated}]


def _owners(resource: Resource) -> Row:
    return {"project_uuid": resource.project_uuid, "offering_uuid": resource.offering_uuid}


def _limits(resource: Resource) -> list[Row]:
    """Return the limits in one order, so that equal limits are equal rows."""
    return [
        {"component_type": name, "amount": limit, "resources": ONE}
        for name, limit in sorted(resource.limits.items())
        if limit is not None
    ]


RESOURCE_LIMITS = ReadModel(
    handles=(ResourceDescribed,),
    project=project_resources,
    writes=("allocation_change", "allocation", "project_offering", "project_limit"),
    reads_before=("resource", "component", "component_limit"),
)

COMPONENT_LIMITS = ReadModel(
    handles=(ComponentDescribed,),
    project=project_components,
    writes=("component_limit", "allocation"),
    reads=("component", "allocation_change"),
)
