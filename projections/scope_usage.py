"""What a project or a customer used of what they have: read from kept sums by project, and the catalogue.

Project and customer differ in where their resources are found, and in nothing else.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable

from ledger.catalogue import LimitPeriod
from projections.lists import total_of
from projections.periods import Period, period_of
from projections.rows import as_json

ScopeKind = Literal["project", "customer"]

PROJECTS_IN = {
    "project": SQL("p.uuid = %(scope)s"),
    "customer": SQL("p.customer_uuid = %(scope)s"),
}


class Scope(NamedTuple):
    """A project or customer, and whose resources of it the caller may see: None sees all."""

    kind: ScopeKind
    uuid: UUID
    visible: Mapping[str, list[UUID]] | None
    """`customers` and `projects` whose resources may be listed."""
    include_terminated: bool = False


# Terminated resources count with their usage where asked for, and never with their limits.
COUNTED = SQL("""
projects AS (
    SELECT p.uuid, p.name, p.is_removed FROM project p WHERE {scope} AND {visible}
), counted AS (
    SELECT r.offering_uuid, r.limits, r.state = 6 AS is_terminated
    FROM projects p JOIN resource r ON r.project_uuid = p.uuid
    WHERE r.state <> 6 OR %(include_terminated)s
)""")

VISIBLE = SQL("(p.customer_uuid = ANY(%(customers)s) OR p.uuid = ANY(%(projects)s))")

# Equal limits are taken apart once only: that is what takes long, and many resources have the same.
LIMITS = SQL("""
limits AS (
    SELECT r.offering_uuid, l.key AS component_type, sum(l.value::numeric * r.resources) AS total
    FROM (
        SELECT offering_uuid, limits, count(*) AS resources FROM counted WHERE NOT is_terminated
        GROUP BY offering_uuid, limits
    ) r CROSS JOIN LATERAL jsonb_each(r.limits) l
    WHERE jsonb_typeof(l.value) = 'number'
    GROUP BY r.offering_uuid, l.key
)""")

COMPONENTS = SQL("""
WITH {counted}, {limits}, used AS (
    SELECT
        u.component_uuid, sum(u.used) AS total, sum(u.used_terminated) AS of_terminated
    FROM projects p
    JOIN project_usage u ON u.project_uuid = p.uuid
    JOIN component c ON c.uuid = u.component_uuid
    JOIN json_to_recordset(%(periods)s) AS t(limit_period text, "start" date, "end" date)
        ON t.limit_period = c.limit_period
    WHERE u.month BETWEEN coalesce(t."start", '-infinity') AND coalesce(t."end", 'infinity')
    GROUP BY u.component_uuid
)
SELECT
    c.component_type, c.name, c.description, c.measured_unit, c.billing_type, c.limit_period,
    o.name AS offering_name, o.uuid AS offering_uuid, o.offering_type,
    coalesce(CASE WHEN %(include_terminated)s THEN used.total ELSE used.total - used.of_terminated END, 0)
        AS used,
    coalesce(CASE WHEN %(include_terminated)s THEN used.of_terminated END, 0) AS used_terminated,
    limits.total AS limit
FROM (SELECT DISTINCT offering_uuid FROM counted) has
JOIN offering o ON o.uuid = has.offering_uuid
JOIN component c ON c.offering_uuid = o.uuid
LEFT JOIN used ON used.component_uuid = c.uuid
LEFT JOIN limits ON limits.offering_uuid = o.uuid AND limits.component_type = c.component_type
WHERE o.parent_uuid IS NULL
ORDER BY c.name, c.uuid""")

# Without a type it is the first limit-billed component, or else the first.
COMPONENT = SQL("""
WITH {counted}, {limits}
SELECT
    o.uuid AS offering_uuid, o.name AS offering_name, c.uuid AS component_uuid, c.component_type, c.name,
    c.measured_unit, c.billing_type, c.limit_period, limits.total AS limit
FROM offering o
JOIN component c ON c.offering_uuid = o.uuid
LEFT JOIN limits ON limits.offering_uuid = o.uuid AND limits.component_type = c.component_type
WHERE o.uuid = %(offering)s AND c.component_type = coalesce(%(component_type)s, c.component_type)
ORDER BY c.billing_type = 'limit' DESC, c.name, c.uuid LIMIT 1""")

BUCKETS = SQL("""
WITH {counted}
SELECT
    p.uuid AS project_uuid, p.name AS project_name, p.is_removed, u.month AS billing_period,
    CASE WHEN %(include_terminated)s THEN u.used ELSE u.used - u.used_terminated END AS used,
    CASE WHEN %(include_terminated)s THEN u.used_terminated ELSE 0 END AS used_terminated
FROM projects p
JOIN project_usage u ON u.project_uuid = p.uuid
WHERE u.component_uuid = %(component)s
  AND u.month BETWEEN coalesce(%(start)s, '-infinity'::date) AND coalesce(%(end)s, 'infinity'::date)
  AND (u.usages > u.usages_terminated OR %(include_terminated)s)
ORDER BY u.month, p.uuid""")

# A project is found by who holds a listing role on it or its customer; a customer by any role on it or on
# one of its projects.
FIND_PROJECT = """
SELECT count(*) AS total FROM project p
WHERE p.uuid = %(scope)s
  AND (%(all)s OR p.uuid = ANY(%(projects)s) OR p.customer_uuid = ANY(%(customers)s))"""

FIND_CUSTOMER = """
SELECT count(*) AS total FROM customer c
WHERE c.uuid = %(scope)s AND (%(all)s OR c.uuid = ANY(%(customers)s) OR EXISTS (
    SELECT FROM project p
    WHERE p.customer_uuid = c.uuid AND NOT p.is_removed AND p.uuid = ANY(%(projects)s)))"""

HAS_OFFERING = "SELECT count(*) AS total FROM offering WHERE uuid = %(offering)s"


def is_found(
    cursor: Cursor[DictRow], kind: ScopeKind, uuid: UUID, roles: Mapping[str, list[UUID]] | None
) -> bool:
    """Whether a project or customer exists for somebody with roles on these `customers` and `projects`."""
    parameters = {"scope": uuid, "all": roles is None, **(roles or {"customers": [], "projects": []})}
    return total_of(cursor.execute(FIND_PROJECT if kind == "project" else FIND_CUSTOMER, parameters)) > 0


def has_offering(cursor: Cursor[DictRow], offering: UUID) -> bool:
    return total_of(cursor.execute(HAS_OFFERING, {"offering": offering})) > 0


def components(cursor: Cursor[DictRow], scope: Scope, today: date) -> list[DictRow]:
    """Every component of every offering that the scope has resources of, with the `used` of the current
    period of its limit, the part of it by terminated resources, and the sum of limits, None if none has."""
    periods = [(name, period_of(name, today)) for name in get_args(LimitPeriod)]
    rows = [{"limit_period": name, "start": each.start, "end": each.end} for name, each in periods]
    statement = COMPONENTS.format(counted=_counted(scope), limits=LIMITS)
    return cursor.execute(statement, {**_parameters(scope), "periods": as_json(rows)}).fetchall()


def component(
    cursor: Cursor[DictRow], scope: Scope, offering: UUID, component_type: str | None
) -> DictRow | None:
    """The component that is asked for, with the sum of limits; None if the offering has none such."""
    statement = COMPONENT.format(counted=_counted(scope), limits=LIMITS)
    parameters = {**_parameters(scope), "offering": offering, "component_type": component_type}
    return cursor.execute(statement, parameters).fetchone()


def buckets(cursor: Cursor[DictRow], scope: Scope, component: UUID, period: Period) -> list[DictRow]:
    """What was `used` of a component in a period by each project and month that has any usage."""
    statement = BUCKETS.format(counted=_counted(scope))
    parameters = {
        **_parameters(scope),
        "component": component,
        "start": period.start,
        "end": period.end,
    }
    return cursor.execute(statement, parameters).fetchall()


def _counted(scope: Scope) -> Composable:
    visible = SQL("true") if scope.visible is None else VISIBLE
    return COUNTED.format(scope=PROJECTS_IN[scope.kind], visible=visible)


def _parameters(scope: Scope) -> dict[str, Any]:
    return {
        "scope": scope.uuid,
        "include_terminated": scope.include_terminated,
        **(scope.visible or {}),
    }
