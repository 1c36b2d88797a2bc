"""Read model of silence: the months in which a resource has no usage, and how many resources have some.

A usage is never deleted, and stays in its month, with its resource. So the first usage of a month splits a
span of silence for good: the writer of usages tells of it. What a resource counts as changes with its state
and its offering.
"""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Literal

from ledger.domain.catalogue import EXPECTED_STATES
from ledger.events import ResourceDescribed
from projections.rows import as_json
from projections.writers.read_model import ReadModel
from projections.writers.usage_rows import ComponentUsageRow

IS_EXPECTED = SQL("r.state = ANY({})").format(Literal(list(map(int, EXPECTED_STATES))))

ADD = SQL("""
ON CONFLICT (month, offering_uuid) DO UPDATE SET
    resources = reporting_count.resources + EXCLUDED.resources,
    expected = reporting_count.expected + EXCLUDED.expected""")

# A statement does not see its own writes: what is read of silence is as it was.
FOLLOW_RESOURCES = SQL("""
WITH described AS MATERIALIZED (
    SELECT r.uuid, r.offering_uuid, {is_expected} AS is_expected
    FROM resource r WHERE r.uuid = ANY(%(resources)s)
), begun AS (
    INSERT INTO silence (resource_uuid, offering_uuid, after, before, is_expected)
    SELECT uuid, offering_uuid, '-infinity', 'infinity', is_expected FROM described d
    WHERE NOT EXISTS (SELECT FROM silence WHERE resource_uuid = d.uuid)
), changed AS MATERIALIZED (
    SELECT DISTINCT d.*, s.offering_uuid AS offering_before, s.is_expected AS was_expected
    FROM described d JOIN silence s ON s.resource_uuid = d.uuid
    WHERE (s.offering_uuid, s.is_expected) <> (d.offering_uuid, d.is_expected)
), followed AS (
    UPDATE silence s SET offering_uuid = c.offering_uuid, is_expected = c.is_expected
    FROM changed c WHERE s.resource_uuid = c.uuid
)
INSERT INTO reporting_count (month, offering_uuid, resources, expected)
SELECT m.billing_period, n.offering_uuid, sum(n.sign), sum(n.sign * n.is_expected::integer)
FROM changed c
CROSS JOIN LATERAL (
    SELECT DISTINCT billing_period FROM component_usage WHERE resource_uuid = c.uuid OFFSET 0
) m
CROSS JOIN LATERAL (
    VALUES (1, c.offering_uuid, c.is_expected), (-1, c.offering_before, c.was_expected)
) n(sign, offering_uuid, is_expected)
GROUP BY m.billing_period, n.offering_uuid
{add}""").format(is_expected=IS_EXPECTED, add=ADD)

# Offerings that have no resource with usage any more have no row, as if there had never been one.
DROP_EMPTY = "DELETE FROM reporting_count WHERE resources = 0"

SPLIT = SQL("""
WITH reported AS MATERIALIZED (
    SELECT DISTINCT resource_uuid, billing_period AS month
    FROM json_populate_recordset(NULL::component_usage, %(rows)s)
), broken AS (
    DELETE FROM silence s USING reported n
    WHERE s.resource_uuid = n.resource_uuid AND s.after < n.month AND n.month < s.before
    RETURNING s.resource_uuid, s.offering_uuid, s.after, s.before, s.is_expected
), first AS MATERIALIZED (
    SELECT b.resource_uuid, b.offering_uuid, b.after, b.is_expected, n.month
    FROM broken b
    JOIN reported n ON n.resource_uuid = b.resource_uuid AND b.after < n.month AND n.month < b.before
), counted AS (
    INSERT INTO reporting_count (month, offering_uuid, resources, expected)
    SELECT month, offering_uuid, count(*), count(*) FILTER (WHERE is_expected) FROM first
    GROUP BY month, offering_uuid
    {add}
)
INSERT INTO silence (resource_uuid, offering_uuid, after, before, is_expected)
SELECT * FROM (
    SELECT
        resource_uuid, offering_uuid, month AS after,
        lead(month) OVER (PARTITION BY resource_uuid, span ORDER BY month) AS before, is_expected
    FROM (
        SELECT resource_uuid, offering_uuid, after AS span, month, is_expected FROM first
        UNION ALL SELECT resource_uuid, offering_uuid, after, after, is_expected FROM broken
        UNION ALL SELECT resource_uuid, offering_uuid, after, before, is_expected FROM broken
    ) ends
) spans
WHERE before > after + interval '1 month'""").format(add=ADD)

REPORTED = SQL("SELECT DISTINCT resource_uuid, billing_period AS month FROM component_usage")

REPORTING = SQL("""
SELECT n.month, r.offering_uuid, count(*) AS resources, count(*) FILTER (WHERE {is_expected}) AS expected
FROM {reported} n JOIN resource r ON r.uuid = n.resource_uuid
GROUP BY n.month, r.offering_uuid""")

SILENT = SQL("""
SELECT r.uuid AS resource_uuid, r.offering_uuid, s.after, s.before, {is_expected} AS is_expected
FROM (
    SELECT
        resource_uuid, month AS after,
        lead(month) OVER (PARTITION BY resource_uuid ORDER BY month) AS before
    FROM (
        SELECT resource_uuid, month FROM {reported} n
        UNION ALL SELECT uuid, '-infinity' FROM resource
        UNION ALL SELECT uuid, 'infinity' FROM resource
    ) ends
) s JOIN resource r ON r.uuid = s.resource_uuid
WHERE s.before > s.after + interval '1 month'""")

FILL = SQL("""
WITH reported AS MATERIALIZED ({months}), counted AS (
    INSERT INTO reporting_count (month, offering_uuid, resources, expected) {reporting}
)
INSERT INTO silence (resource_uuid, offering_uuid, after, before, is_expected) {silent}""").format(
    months=REPORTED,
    reporting=REPORTING.format(is_expected=IS_EXPECTED, reported=SQL("reported")),
    silent=SILENT.format(is_expected=IS_EXPECTED, reported=SQL("reported")),
)

VIEWS = {
    "reporting_count": REPORTING.format(is_expected=IS_EXPECTED, reported=SQL("({})").format(REPORTED)),
    "silence": SILENT.format(is_expected=IS_EXPECTED, reported=SQL("({})").format(REPORTED)),
}
"""What both tables follow from, as queries of all resources and usages."""

Descriptions = Sequence[tuple[int, ResourceDescribed]]


def follow_resources(cursor: Cursor[DictRow], facts: Descriptions) -> None:
    """Take over what resources count as now."""
    cursor.execute(FOLLOW_RESOURCES, {"resources": [fact.entity.uuid for _, fact in facts]})
    cursor.execute(DROP_EMPTY)


def end_silence(cursor: Cursor[DictRow], rows: Sequence[ComponentUsageRow]) -> None:
    """End the silence of the months of these usages."""
    cursor.execute(SPLIT, {"rows": as_json(rows)})


def leave_to_complete(cursor: Cursor[DictRow], facts: Descriptions) -> None:
    """Do nothing: a rebuild finds all silence in the end."""


def fill(cursor: Cursor[DictRow]) -> None:
    """Fill the empty tables from all resources and usages."""
    cursor.execute(FILL)


SILENCE = ReadModel(
    handles=(ResourceDescribed,),
    project=follow_resources,
    writes=("silence", "reporting_count"),
    reads=("resource",),
    reads_before=("component_usage",),
    load=leave_to_complete,
    complete=fill,
)
