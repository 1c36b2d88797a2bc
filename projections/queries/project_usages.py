"""Usage of a project, or of all projects of a customer: read from sums by project, and the catalogue.

Project and customer differ in where their resources are found, and in nothing else. An answer is one
statement, so that what is found, its figures and their position are of one moment.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.domain.catalogue import LimitPeriod
from projections.queries.limit_periods import Period

ScopeKind = Literal["project", "customer"]
Scopes = Mapping[str, list[UUID]] | None
"""`customers` and `projects`; None is all of them."""

PROJECTS_IN: dict[ScopeKind, SQL] = {
    "project": SQL("p.uuid = %(scope)s"),
    "customer": SQL("p.customer_uuid = %(scope)s"),
}

# A project is found by who holds a listing role on it or its customer; a customer by any role on it or on
# one of its projects.
FOUND: dict[ScopeKind, SQL] = {
    "project": SQL("""EXISTS (
    SELECT FROM project WHERE uuid = %(scope)s
      AND (%(all)s OR uuid = ANY(%(found_projects)s) OR customer_uuid = ANY(%(found_customers)s)))"""),
    "customer": SQL("""EXISTS (
    SELECT FROM customer c WHERE uuid = %(scope)s
      AND (%(all)s OR uuid = ANY(%(found_customers)s) OR EXISTS (
        SELECT FROM project
        WHERE customer_uuid = c.uuid AND NOT is_removed AND uuid = ANY(%(found_projects)s))))"""),
}

# The projects whose resources the caller may see.
PROJECTS = SQL("""
projects AS (
    SELECT p.uuid, p.name, p.is_removed FROM project p
    WHERE {scope} AND (%(all)s OR p.customer_uuid = ANY(%(customers)s) OR p.uuid = ANY(%(projects)s))
)""")

# The period of the limit of component `c`. A period outside of the calendar has no months.
IN_PERIOD = SQL("""u.month BETWEEN
    CASE c.limit_period
        WHEN 'month' THEN %(month_start)s::date WHEN 'quarterly' THEN %(quarterly_start)s::date
        WHEN 'annual' THEN %(annual_start)s::date ELSE '-infinity' END
    AND CASE c.limit_period
        WHEN 'month' THEN %(month_end)s::date WHEN 'quarterly' THEN %(quarterly_end)s::date
        WHEN 'annual' THEN %(annual_end)s::date ELSE 'infinity' END""")


def _by_kind(statement: SQL) -> dict[ScopeKind, bytes]:
    return {
        kind: statement.format(
            projects=PROJECTS.format(scope=PROJECTS_IN[kind]), found=FOUND[kind], in_period=IN_PERIOD
        )
        .as_string()
        .encode()
        for kind in PROJECTS_IN
    }


# As an array the projects restrict what is summed up, as of a position; a join would come after the sums.
# Terminated resources count with their usage where asked for, and never with their limits.
COMPONENTS = _by_kind(
    SQL("""
WITH {projects}, limits AS (
    SELECT l.offering_uuid, l.component_type, sum(l.amount) AS total
    FROM project_limit l WHERE l.project_uuid = ANY(ARRAY(SELECT uuid FROM projects))
    GROUP BY l.offering_uuid, l.component_type
), used AS (
    SELECT u.component_uuid, sum(u.used) AS total, sum(u.used_terminated) AS of_terminated
    FROM project_usage u JOIN component c ON c.uuid = u.component_uuid
    WHERE u.project_uuid = ANY(ARRAY(SELECT uuid FROM projects)) AND {in_period}
    GROUP BY u.component_uuid
)
SELECT
    h."end", c.component_type, c.name, c.description, c.measured_unit, c.billing_type, c.limit_period,
    o.name AS offering_name, encode(uuid_send(o.uuid), 'hex') AS offering_uuid, o.offering_type,
    coalesce(
        CASE WHEN %(include_terminated)s THEN used.total ELSE used.total - used.of_terminated END, 0
    )::float8 AS used,
    coalesce(CASE WHEN %(include_terminated)s THEN used.of_terminated END, 0)::float8 AS used_terminated,
    limits.total AS limit
FROM (SELECT ARRAY[position, digest] AS "end" FROM read_position WHERE {found}) h
LEFT JOIN (
    (
        SELECT h.offering_uuid FROM project_offering h
        WHERE h.project_uuid = ANY(ARRAY(SELECT uuid FROM projects))
          AND (h.resources > h.terminated OR %(include_terminated)s)
        GROUP BY h.offering_uuid
    ) has
    JOIN offering o ON o.uuid = has.offering_uuid AND o.parent_uuid IS NULL
    JOIN component c ON c.offering_uuid = o.uuid
    LEFT JOIN limits ON limits.offering_uuid = c.offering_uuid AND limits.component_type = c.component_type
    LEFT JOIN used ON used.component_uuid = c.uuid
) ON true
ORDER BY c.name, c.uuid""")
)

# Without a type it is the first limit-billed component, or else the first.
SERIES = _by_kind(
    SQL("""
WITH {projects}
SELECT
    h."end", f.uuid AS offering_found, c.*, (
        SELECT sum(l.amount) FROM project_limit l
        WHERE l.project_uuid = ANY(ARRAY(SELECT uuid FROM projects))
          AND l.offering_uuid = f.uuid AND l.component_type = c.component_type
    ) AS limit, b.*
FROM (SELECT ARRAY[position, digest] AS "end" FROM read_position WHERE {found}) h
LEFT JOIN offering f ON f.uuid = %(offering)s
LEFT JOIN LATERAL (
    SELECT
        uuid AS component_uuid, f.name AS offering_name, component_type, name, measured_unit, billing_type,
        limit_period
    FROM component
    WHERE offering_uuid = f.uuid AND component_type = coalesce(%(component_type)s, component_type)
    ORDER BY billing_type = 'limit' DESC, name, uuid LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT
        p.uuid AS project_uuid, p.name AS project_name, p.is_removed, u.month AS billing_period,
        CASE WHEN %(include_terminated)s THEN u.used ELSE u.used - u.used_terminated END AS used,
        CASE WHEN %(include_terminated)s THEN u.used_terminated ELSE 0 END AS used_terminated
    FROM projects p
    JOIN project_usage u ON u.project_uuid = p.uuid AND u.component_uuid = c.component_uuid
    WHERE u.project_uuid = ANY(ARRAY(SELECT uuid FROM projects)) AND {in_period}
      AND (u.usages > u.usages_terminated OR %(include_terminated)s)
) b ON true
ORDER BY b.billing_period, b.project_uuid""")
)


class Scope(NamedTuple):
    """A project or customer, the scopes that find it, and those whose resources of it the caller may see."""

    kind: ScopeKind
    uuid: UUID
    found: Scopes
    visible: Scopes
    include_terminated: bool = False


Periods = Mapping[LimitPeriod, Period | None]
"""The period that is asked for of every kind of limit, None where it is outside of the calendar."""


def components(cursor: Cursor[DictRow], scope: Scope, periods: Periods) -> list[DictRow]:
    """Return the components of every offering that the scope has resources of.

    Each row has the `used` of the period of the component's limit, the part of it by terminated resources
    (`used_terminated`), the sum of limits (`limit`, None if no resource has one) and the `end` of the
    journal. Without components there is one row whose `component_type` is None; without such a project or
    customer for the caller there is no row.
    """
    parameters = _parameters(scope, periods)
    return cursor.execute(COMPONENTS[scope.kind], parameters, binary=True).fetchall()


def series(
    cursor: Cursor[DictRow], scope: Scope, offering: UUID | None, component_type: str | None, periods: Periods
) -> list[DictRow]:
    """Return what was `used` of a component, by project and month of the period of its limit.

    Without a `component_type` it is the first component of the offering. Each row has the component, the sum
    of limits and the `end` of the journal. Without usage there is one row whose `billing_period` is None; if
    there is no such component its `component_uuid` is None, too, and without the offering `offering_found`.
    Without such a project or customer for the caller there is no row.
    """
    asked = {"offering": offering, "component_type": component_type}
    parameters = _parameters(scope, periods) | asked
    return cursor.execute(SERIES[scope.kind], parameters, binary=True).fetchall()


def _parameters(scope: Scope, periods: Periods) -> dict[str, Any]:
    nobody: dict[str, list[UUID]] = {"customers": [], "projects": []}
    parameters: dict[str, Any] = {
        "scope": scope.uuid,
        "include_terminated": scope.include_terminated,
        "all": scope.visible is None,
        **(scope.visible or nobody),
    }
    for kind, uuids in (scope.found or nobody).items():
        parameters[f"found_{kind}"] = uuids
    for name, period in periods.items():
        parameters |= {f"{name}_start": period and period.start, f"{name}_end": period and period.end}
    return parameters
