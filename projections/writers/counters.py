"""Counters beside component usages: how many there are in a scope, and sums of what was used.

A statement that changes usages changes the counters by the difference between its rows after and before it.
So a report costs the same however many rows there are, and no counter depends on how often or in what order
facts are projected. A rebuild counts from the rows instead, which proves the counters.

The same statement keeps what a usage was (`projections/history/`), and passes on to user usages what they
have from their usage and are ordered by.

Customers are counted by offering: whoever has a part in several customers, offerings and providers is told a
sum that counts no usage twice. Price: 0.1 ms of PostgreSQL's time a report. Other combinations of filters are
still counted row by row.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, LiteralString

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Composed, Identifier

Write = Callable[[Cursor[DictRow], LiteralString, Mapping[str, Any]], None]
"""Execute a write to `component_usage AS u` that has no RETURNING clause."""

FOLLOWED = (
    *("measured_at", "component_type", "project_uuid", "customer_uuid", "offering_uuid", "provider_uuid"),
)
"""What user usages follow their component usage in, to be listed by."""

KEPT = (
    *("id", "since", "measured_at", "created", "billing_period", "resource_uuid", "uuid", "component_uuid"),
    *("project_uuid", "customer_uuid", "offering_uuid", "provider_uuid", "plan_uuid", "plan_period_uuid"),
    *("reported_by", "correction_uuid", "usage", "component_type", "missing_usage_policy", "description"),
)
"""The columns of `component_usage_versions`, but for `until`."""

NIL = SQL("'00000000-0000-0000-0000-000000000000'::uuid")
"""The scope of what is counted for all."""

# The scopes that a usage is counted in. Those of a customer are split by offering: only there does what it
# has as a customer overlap with what it has as a provider.
SCOPES = SQL("""(VALUES
        ('all', {nil}, {nil}), ('offering', c.offering_uuid, c.offering_uuid),
        ('project', c.project_uuid, {nil}), ('customer', c.customer_uuid, c.offering_uuid)
    ) s(kind, scope, offering_uuid)""").format(nil=NIL)

# Of tables whose rows are only counted. The joined `b` has them as they were: a statement does not see what
# it writes. `sign` is 0 where the change deletes them.
COUNT_ROWS = SQL("""
WITH after AS ({change} RETURNING {returned}), changed AS (
    SELECT {sign} AS sign, {columns} FROM after
    UNION ALL
    SELECT -1, {before} FROM after JOIN {table} b USING (uuid)
)
INSERT INTO {counter} (kind, scope, offering_uuid, {by}{number})
SELECT s.kind, s.scope, s.offering_uuid, {by}sum(sign)
FROM changed c CROSS JOIN LATERAL {scopes}
GROUP BY s.kind, s.scope, {by}s.offering_uuid
HAVING sum(sign) <> 0
ON CONFLICT (kind, scope, {by}offering_uuid) DO UPDATE SET
    {number} = {counter}.{number} + EXCLUDED.{number}""")

# What changed usages were: a statement does not see what it writes. They are looked up row by row (OFFSET 0
# keeps it so), as a join would be planned for a hundred rows and read all of a table of thousands.
BEFORE = SQL("""CROSS JOIN LATERAL (
        SELECT * FROM component_usage WHERE resource_uuid = after.resource_uuid
        AND billing_period = after.billing_period AND uuid = after.uuid OFFSET 0) b""")

# What a usage was is kept until the fact that replaced it.
KEEP = SQL("""
    INSERT INTO component_usage_past ({columns}, until, is_moved)
    SELECT {values}, after.since, {is_moved}
    FROM after {before}
    WHERE b.since <> after.since""")

CHANGE_AND_KEEP = SQL("""
WITH after AS ({change} RETURNING u.resource_uuid, u.billing_period, u.uuid, u.since)
{keep}""")

# Of usages, which have sums besides. Users are only read where a usage has something to pass on to them. What
# is counted is summed up before it is spread over scopes: most changes of a usage count nothing.
CHANGE_WITH_COUNTERS = SQL("""
WITH after AS ({change}
    RETURNING u.resource_uuid, u.component_uuid, u.billing_period, u.uuid, u.project_uuid, u.customer_uuid,
        u.offering_uuid, u.is_terminated, u.users, u.usage, u.provider_uuid, u.measured_at, u.component_type,
        u.since
), past AS ({keep}), followed AS (
    UPDATE user_usage uu SET ({followed}) = ({after})
    FROM (
        SELECT after.* FROM after {before}
        WHERE after.users > 0 AND ({after}) IS DISTINCT FROM ({was}) OFFSET 0
    ) after
    WHERE uu.resource_uuid = after.resource_uuid AND uu.component_usage_uuid = after.uuid
), changed AS (
    SELECT 1 AS sign, a.resource_uuid, a.component_uuid, a.billing_period, a.uuid, a.project_uuid,
        a.customer_uuid, a.offering_uuid, a.is_terminated, a.users, a.usage
    FROM after a
    UNION ALL
    SELECT -1, b.resource_uuid, b.component_uuid, b.billing_period, b.uuid, b.project_uuid, b.customer_uuid,
        b.offering_uuid, b.is_terminated, b.users, b.usage
    FROM after {before}
), counts AS (
    INSERT INTO usage_count (kind, scope, offering_uuid, month, component_usages, user_usages)
    SELECT s.kind, s.scope, s.offering_uuid, c.billing_period, sum(c.usages), sum(c.users)
    FROM (
        SELECT offering_uuid, project_uuid, customer_uuid, billing_period, sum(sign) AS usages,
            sum(sign * users) AS users
        FROM changed GROUP BY offering_uuid, project_uuid, customer_uuid, billing_period
        HAVING sum(sign) <> 0 OR sum(sign * users) <> 0
    ) c CROSS JOIN LATERAL {scopes}
    GROUP BY s.kind, s.scope, s.offering_uuid, c.billing_period
    HAVING sum(c.usages) <> 0 OR sum(c.users) <> 0
    ON CONFLICT (kind, scope, month, offering_uuid) DO UPDATE SET
        component_usages = usage_count.component_usages + EXCLUDED.component_usages,
        user_usages = usage_count.user_usages + EXCLUDED.user_usages
), consumption AS (
    INSERT INTO monthly_consumption (component_uuid, month, usages, total)
    SELECT component_uuid, billing_period, sum(sign), sum(sign * usage) FROM changed
    GROUP BY component_uuid, billing_period
    HAVING sum(sign) <> 0 OR sum(sign * usage) <> 0
    ON CONFLICT (component_uuid, month) DO UPDATE SET
        usages = monthly_consumption.usages + EXCLUDED.usages,
        total = monthly_consumption.total + EXCLUDED.total
)
INSERT INTO project_usage (
    project_uuid, component_uuid, month, offering_uuid, usages, usages_terminated, used, used_terminated)
SELECT
    project_uuid, component_uuid, billing_period, offering_uuid, sum(sign),
    sum(sign * is_terminated::integer), sum(sign * usage), sum(sign * is_terminated::integer * usage)
FROM changed
GROUP BY project_uuid, component_uuid, billing_period, offering_uuid
HAVING sum(sign) <> 0 OR sum(sign * is_terminated::integer) <> 0
    OR sum(sign * usage) <> 0 OR sum(sign * is_terminated::integer * usage) <> 0
ON CONFLICT (project_uuid, component_uuid, month, offering_uuid) DO UPDATE SET
    usages = project_usage.usages + EXCLUDED.usages,
    usages_terminated = project_usage.usages_terminated + EXCLUDED.usages_terminated,
    used = project_usage.used + EXCLUDED.used,
    used_terminated = project_usage.used_terminated + EXCLUDED.used_terminated""")

# Usages are never deleted, but move with their resources. A rebuild makes no rows of scopes without usages.
DROP_EMPTY = (
    "DELETE FROM usage_count WHERE component_usages = 0",
    "DELETE FROM project_usage WHERE usages = 0",
)

# In this order the counts of a scope lie together on disk.
COUNT_USAGES = SQL("""
INSERT INTO usage_count (kind, scope, offering_uuid, month, component_usages, user_usages)
SELECT s.kind, s.scope, s.offering_uuid, c.billing_period, sum(c.usages), sum(c.users)
FROM (
    SELECT offering_uuid, project_uuid, customer_uuid, billing_period, count(*) AS usages, sum(users) AS users
    FROM component_usage
    GROUP BY offering_uuid, project_uuid, customer_uuid, billing_period
) c CROSS JOIN LATERAL {scopes}
GROUP BY s.kind, s.scope, s.offering_uuid, c.billing_period
ORDER BY s.kind, s.scope, c.billing_period""").format(scopes=SCOPES)

# Rows in the order of the key make its index sooner, and smaller.
SUM_BY_PROJECT = """
INSERT INTO project_usage (
    project_uuid, component_uuid, month, offering_uuid, usages, usages_terminated, used, used_terminated)
SELECT
    project_uuid, component_uuid, billing_period, offering_uuid, count(*),
    count(*) FILTER (WHERE is_terminated), sum(usage),
    coalesce(sum(usage) FILTER (WHERE is_terminated), 0.00)
FROM component_usage
GROUP BY project_uuid, component_uuid, billing_period, offering_uuid
ORDER BY project_uuid, component_uuid, billing_period, offering_uuid"""

SUM_BY_COMPONENT = """
INSERT INTO monthly_consumption (component_uuid, month, usages, total)
SELECT component_uuid, billing_period, count(*), sum(usage) FROM component_usage
GROUP BY component_uuid, billing_period"""


def counting(
    change: Composable, table: str, row: str, number: str, *, by: str = "", deletes: bool = False
) -> Composed:
    """Return a change of a table's rows, called `row` in it, that changes the counters of their scopes, too.

    Those are in `<table>_count`, where `number` is how many rows there are, by the column `by` if there is
    one. The change has no RETURNING clause; `deletes`: it is a DELETE.
    """
    names = ["offering_uuid", "project_uuid", "customer_uuid", *filter(None, [by])]

    def of(place: str, *more: str) -> Composed:
        return SQL(", ").join(Identifier(place, name) for name in (*more, *names))

    return COUNT_ROWS.format(
        change=change,
        returned=of(row, "uuid"),
        sign=SQL("0" if deletes else "1"),
        columns=SQL(", ").join(map(Identifier, names)),
        before=of("b"),
        table=Identifier(table),
        counter=Identifier(f"{table}_count"),
        by=SQL("{}, ").format(Identifier(by)) if by else SQL(""),
        number=Identifier(number),
        scopes=SCOPES,
    )


def with_counters(
    cursor: Cursor[DictRow], change: LiteralString, parameters: Mapping[str, Any], *, moves: bool = False
) -> None:
    """Change usages, and their counters in the same statement. `moves`: they get other owners."""
    cursor.execute(_with_counters(change, moves), parameters)


def without_counters(
    cursor: Cursor[DictRow], change: LiteralString, parameters: Mapping[str, Any], *, moves: bool = False
) -> None:
    """Change what no counter depends on; or usages in a rebuild, which calls `count_all` in the end."""
    cursor.execute(_kept(change, moves), parameters)


def drop_empty(cursor: Cursor[DictRow]) -> None:
    """Delete counters that fell to zero after usages changed owner."""
    for statement in DROP_EMPTY:
        cursor.execute(statement)


def count_all(cursor: Cursor[DictRow]) -> None:
    """Fill the empty counters from all usages."""
    for statement in (COUNT_USAGES, SUM_BY_PROJECT, SUM_BY_COMPONENT):
        cursor.execute(statement)


def _keep(moves: bool) -> Composed:
    return KEEP.format(
        columns=SQL(", ").join(map(Identifier, KEPT)),
        values=SQL(", ").join(Identifier("b", name) for name in KEPT),
        before=BEFORE,
        is_moved=moves,
    )


@cache
def _kept(change: LiteralString, moves: bool) -> bytes:
    return CHANGE_AND_KEEP.format(change=SQL(change), keep=_keep(moves)).as_string().encode()


@cache
def _with_counters(change: LiteralString, moves: bool) -> bytes:
    followed, after, was = (
        SQL(", ").join(Identifier(*row, name) for name in FOLLOWED) for row in ((), ("after",), ("b",))
    )
    statement = CHANGE_WITH_COUNTERS.format(
        change=SQL(change),
        keep=_keep(moves),
        scopes=SCOPES,
        before=BEFORE,
        followed=followed,
        after=after,
        was=was,
    )
    return statement.as_string().encode()
