"""What resources are allocated by their limits: kept for the monthly summary, and for usage by project.

None of it is added up anew. Sums follow by the difference between what a resource had before and has after;
what it had before is what `resource` still says, so this comes before the catalogue.
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
from ledger.events import ComponentDescribed, Fact, ResourceDescribed
from projections.rows import as_json

ALLOCATING_STATES = {
    ResourceState.OK,
    ResourceState.UPDATING,
    ResourceState.TERMINATING,
    ResourceState.ERRED,
}

SELECT_STANDING = "SELECT to_json(r)::text AS resource FROM resource r WHERE uuid = ANY(%(resources)s)"

FOLLOW_MONTHS = """
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
REMEMBER_FIRST_LIMITS = """
INSERT INTO component_limit (component_uuid, month, limit_amount)
SELECT component_uuid, '-infinity', limit_amount FROM json_populate_recordset(NULL::component_limit, %(rows)s)
ON CONFLICT (component_uuid, month) DO NOTHING"""

# From -infinity on, each span until the next change of the resources' limits or of the component's own. To
# those before the component was described (`later`) what was first said of resources until then is added.
# Rows stay as they are where nothing changed.
FOLLOW_SPANS = """
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
), changes AS (
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
), gone AS (
    DELETE FROM allocation a USING touched c
    WHERE a.component_uuid = c.uuid
      AND NOT EXISTS (SELECT FROM spans s WHERE s.component_uuid = a.component_uuid AND s.since = a.since)
)
INSERT INTO allocation AS a (component_uuid, since, until, if_used, amount)
SELECT component_uuid, since, until, if_used, amount FROM spans
ON CONFLICT (component_uuid, since) DO UPDATE SET
    until = EXCLUDED.until, if_used = EXCLUDED.if_used, amount = EXCLUDED.amount
WHERE (a.until, a.if_used, a.amount) <> (EXCLUDED.until, EXCLUDED.if_used, EXCLUDED.amount)"""

FOLLOW_OFFERINGS = """
INSERT INTO project_offering (project_uuid, offering_uuid, resources, terminated)
SELECT project_uuid, offering_uuid, sum(resources), sum(terminated)
FROM json_populate_recordset(NULL::project_offering, %(rows)s)
GROUP BY project_uuid, offering_uuid
ON CONFLICT (project_uuid, offering_uuid) DO UPDATE SET
    resources = project_offering.resources + EXCLUDED.resources,
    terminated = project_offering.terminated + EXCLUDED.terminated"""

FOLLOW_LIMITS = """
INSERT INTO project_limit (project_uuid, offering_uuid, component_type, amount, resources)
SELECT project_uuid, offering_uuid, component_type, sum(amount), sum(resources)
FROM json_populate_recordset(NULL::project_limit, %(rows)s)
GROUP BY project_uuid, offering_uuid, component_type
ON CONFLICT (project_uuid, offering_uuid, component_type) DO UPDATE SET
    amount = project_limit.amount + EXCLUDED.amount,
    resources = project_limit.resources + EXCLUDED.resources"""

# What no resource is left of is as if there had never been one.
CLEAR_OFFERINGS = """
DELETE FROM project_offering o
USING json_populate_recordset(NULL::project_offering, %(rows)s) r
WHERE (o.project_uuid, o.offering_uuid) = (r.project_uuid, r.offering_uuid) AND o.resources = 0"""

CLEAR_LIMITS = """
DELETE FROM project_limit l
USING json_populate_recordset(NULL::project_limit, %(rows)s) r
WHERE (l.project_uuid, l.offering_uuid) = (r.project_uuid, r.offering_uuid)
  AND l.component_type = r.component_type AND l.resources = 0"""

Row = dict[str, Any]
ONE = Decimal(1)


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Moves every sum by what a batch changes of resources."""
    described = [fact for _, fact in facts if isinstance(fact, ResourceDescribed)]
    if not described:
        return
    known = cursor.execute(SELECT_STANDING, {"resources": [fact.entity.uuid for fact in described]})
    found = (msgspec.json.decode(row["resource"], type=Resource) for row in known)
    standing: dict[UUID, Resource] = {resource.uuid: resource for resource in found}
    by_month: list[Row] = []
    by_project: list[Row] = []
    limits: list[Row] = []
    for fact in described:
        before, after = standing.get(fact.entity.uuid), fact.entity
        when = {"month": month_of(fact.recorded_at), "is_first": before is None}
        by_month += [when | row for row in _difference(before, after, allocated)]
        by_project += _difference(before, after, counted)
        limits += _difference(before, after, held)
        standing[after.uuid] = after
    if by_month:
        cursor.execute(FOLLOW_MONTHS, {"rows": as_json(by_month)})
        follow_spans(cursor, by_month)
    if by_project:
        cursor.execute(FOLLOW_OFFERINGS, {"rows": as_json(by_project)})
        cursor.execute(CLEAR_OFFERINGS, {"rows": as_json(by_project)})
    if limits:
        cursor.execute(FOLLOW_LIMITS, {"rows": as_json(limits)})
        cursor.execute(CLEAR_LIMITS, {"rows": as_json(limits)})


def project_component_limits(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Keeps the components' own limits, and what they change of what is allocated."""
    described = [fact for _, fact in facts if isinstance(fact, ComponentDescribed)]
    if not described:
        return
    first: dict[UUID, dict[str, Any]] = {}
    last: dict[tuple[UUID, date], dict[str, Any]] = {}
    for fact in described:
        month = month_of(fact.recorded_at)
        row = {"component_uuid": fact.entity.uuid, "month": month, "limit_amount": fact.entity.limit_amount}
        first.setdefault(fact.entity.uuid, row)
        last[fact.entity.uuid, month] = row
    cursor.execute(REMEMBER_FIRST_LIMITS, {"rows": as_json(first.values())})
    cursor.execute(UPSERT_COMPONENT_LIMITS, {"rows": as_json(last.values())})
    follow_spans(cursor, components=list(first))


def follow_spans(
    cursor: Cursor[DictRow], changes: Sequence[Row] = (), components: Sequence[UUID] = ()
) -> None:
    """Makes the spans anew of those components, and of those whose resources' limits have changed."""
    cursor.execute(FOLLOW_SPANS, {"rows": as_json(changes), "components": list(components)})


def _difference(
    before: Resource | None, after: Resource, rows_of: Callable[[Resource], list[Row]]
) -> list[Row]:
    """What has to be added for `after` to count instead of `before`."""
    gone, come = rows_of(before) if before else [], rows_of(after)
    if gone == come:
        return []
    return [{name: _negative(value) for name, value in row.items()} for row in gone] + come


def _negative(value: Any) -> Any:
    return value.copy_negate() if isinstance(value, Decimal) else value


def allocated(resource: Resource) -> list[Row]:
    """What a resource counts with in a month: its limits, in the states in which it holds them."""
    if resource.state not in ALLOCATING_STATES:
        return []
    return [{"offering_uuid": resource.offering_uuid} | limit for limit in _limits(resource)]


def held(resource: Resource) -> list[Row]:
    """What it counts with in its project: its limits until it is terminated."""
    if resource.state == ResourceState.TERMINATED:
        return []
    return [_place(resource) | limit for limit in _limits(resource)]


def counted(resource: Resource) -> list[Row]:
    terminated = Decimal(resource.state == ResourceState.TERMINATED)
    return [{**_place(resource), "resources": ONE, "terminated": terminated}]


def _place(resource: Resource) -> Row:
    return {"project_uuid": resource.project_uuid, "offering_uuid": resource.offering_uuid}


def _limits(resource: Resource) -> list[Row]:
    """In one order, so that equal limits are equal."""
    return [
        {"component_type": name, "amount": limit, "resources": ONE}
        for name, limit in sorted(resource.limits.items())
        if limit is not None
    ]
