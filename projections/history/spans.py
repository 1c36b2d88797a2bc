"""Counts usages by spans of positions: what `usage_count` was as of a position, without counting all rows.

A report costs nothing more: a span is counted when it is over, from the rows that came or moved in it.
"""

from collections.abc import Mapping
from importlib.resources import files

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Composed

from ledger.journal.scripts import run_script
from projections.writers.counters import SCOPES

SPAN = 1_024
"""Positions of a span."""

COUNT_SPANS = files("projections.history").joinpath("spans.sql").read_text()

# What is to be counted of the positions from `first` on and before `end`: +1 for a usage that came with its
# first version or moved to where a later one says, and -1 for one that moved away from where it was. Its
# users move with it. They are now where it is now: one that came before it moved came to where it was then.
CHANGES = SQL("""
    SELECT id AS position, 1 AS usages, 0::bigint AS users, billing_period, project_uuid, customer_uuid,
        offering_uuid
    FROM component_usage_versions WHERE since = id AND id >= {first} AND id < {end}
    UNION ALL
    SELECT uu.id, 0, 1, uu.billing_period, coalesce(m.project_uuid, uu.project_uuid),
        coalesce(m.customer_uuid, uu.customer_uuid), coalesce(m.offering_uuid, uu.offering_uuid)
    FROM {users} uu LEFT JOIN (
        SELECT resource_uuid, uuid, project_uuid, customer_uuid, offering_uuid, until,
            lag(until, 1, 0::bigint) OVER (PARTITION BY uuid ORDER BY until) AS begin
        FROM component_usage_past WHERE is_moved AND until >= {first}
    ) m ON m.uuid = uu.component_usage_uuid AND m.resource_uuid = uu.resource_uuid
        AND m.begin <= uu.id AND uu.id < m.until
    WHERE uu.id >= {first} AND uu.id < {end}
    UNION ALL
    SELECT p.until, v.sign, v.sign * n.users, p.billing_period, v.project_uuid, v.customer_uuid,
        v.offering_uuid
    FROM component_usage_past p CROSS JOIN LATERAL (
        SELECT -1 AS sign, p.project_uuid, p.customer_uuid, p.offering_uuid
        UNION ALL
        SELECT 1, n.project_uuid, n.customer_uuid, n.offering_uuid
        FROM component_usage_versions n WHERE n.uuid = p.uuid AND n.since = p.until
    ) v CROSS JOIN LATERAL (
        SELECT count(*) AS users FROM {users} uu
        WHERE uu.component_usage_uuid = p.uuid AND uu.resource_uuid = p.resource_uuid AND uu.id < p.until
    ) n
    WHERE p.is_moved AND p.until >= {first} AND p.until < {end}""")

# Counted by owners first, which are few, and then by what they are counted in.
COUNT = SQL("""
INSERT INTO usage_count_span (kind, scope, offering_uuid, month, span, component_usages, user_usages)
SELECT s.kind, s.scope, s.offering_uuid, c.billing_period, c.span, sum(c.usages), sum(c.users)
FROM (
    SELECT billing_period, project_uuid, customer_uuid, offering_uuid, position / {span} AS span,
        sum(usages) AS usages, sum(users) AS users
    FROM ({changes}) c
    GROUP BY billing_period, project_uuid, customer_uuid, offering_uuid, position / {span}
) c CROSS JOIN LATERAL {scopes}
GROUP BY s.kind, s.scope, s.offering_uuid, c.billing_period, c.span
HAVING sum(c.usages) <> 0 OR sum(c.users) <> 0
ORDER BY s.kind, s.scope, c.billing_period""")

PASSED = SQL("(SELECT position / {span} * {span} FROM read_position)")


def create(connection: Connection[DictRow] | Cursor[DictRow]) -> None:
    """Count the spans behind the position, and have the next ones counted as soon as they are over.

    The schema of the transaction has no counts of spans yet.
    """
    span = SQL(str(SPAN))
    connection.execute(_count(SQL("0"), PASSED.format(span=span)))
    run_script(connection, SQL(COUNT_SPANS).format(span=span, count=_count(SQL("$1"), SQL("$2"))))


def views(at: Composable, live: Composable) -> Mapping[str, Composable]:
    """Return the parts of views that show what was counted as of a position, by names in `as_of.sql`.

    `live` is the schema of the tables.
    """
    span = SQL(str(SPAN))
    begin, end = (SQL(each).format(at=at, span=span) for each in ("{at} / {span} * {span}", "({at} + 1)"))
    users = SQL("{}.user_usage").format(live)
    return {
        "span": span,
        "scopes": SCOPES,
        "changes_of_span": CHANGES.format(first=begin, end=end, users=users),
        "changes_since": CHANGES.format(first=end, end=SQL("9223372036854775807"), users=users),
    }


def _count(first: Composable, end: Composable) -> Composed:
    return COUNT.format(
        span=SQL(str(SPAN)),
        scopes=SCOPES,
        changes=CHANGES.format(first=first, end=end, users=SQL("user_usage")),
    )
