"""How fresh the figures of each offering are: when it was last reported, and who reported in a month.

All of it is that of the usages and resources that the caller sees. How many reported is kept for a whole
offering, and counted where a part of one is seen. The last usage is looked for by project, as an index leads
to it, and whoever sees some resources of an offering need not look through those of others.
"""

from typing import LiteralString

from psycopg.sql import SQL

from projections.history.moments import RECORDED_AT
from projections.queries.figures.scopes import OF_OFFERINGS
from projections.queries.figures.silence import SILENT, SILENT_THEN, VISIBLE_BY
from projections.queries.list_query import ListQuery

FILTERS = {
    "offering_uuid": SQL("r.offering_uuid = %(offering_uuid)s"),
    "provider_uuid": SQL("r.provider_uuid = %(provider_uuid)s"),
}

# Resources, usages, and what an offering has in a project are all called `r`, and seen by the same columns.
OFFERINGS = f"""
WITH pairs AS MATERIALIZED (
    SELECT r.project_uuid, r.offering_uuid, r.provider_uuid FROM ({OF_OFFERINGS}) r WHERE {{where}}
), partly AS MATERIALIZED (
    SELECT DISTINCT r.offering_uuid FROM ({OF_OFFERINGS}) r
    WHERE ({{where}}) IS NOT TRUE AND r.offering_uuid IN (SELECT offering_uuid FROM pairs)
), reported AS MATERIALIZED (
    SELECT offering_uuid, resources FROM reporting_count
    WHERE month = %(billing_period)s AND offering_uuid NOT IN (SELECT offering_uuid FROM partly)
    UNION ALL
    SELECT offering_uuid, count(*)
    FROM (
        SELECT DISTINCT r.offering_uuid, r.resource_uuid FROM component_usage r
        WHERE r.billing_period = %(billing_period)s AND EXISTS (SELECT FROM partly) AND {{where}}
    ) r
    WHERE offering_uuid IN (SELECT offering_uuid FROM partly)
    GROUP BY offering_uuid
), silent AS MATERIALIZED (
    SELECT r.offering_uuid, count(*) AS resources {{silent}} GROUP BY r.offering_uuid
), seen AS MATERIALIZED (
    SELECT
        f.offering_uuid, f.provider_uuid, o.name AS offering_name, v.name AS provider_name,
        coalesce(n.resources, 0) AS reported, coalesce(s.resources, 0) AS silent
    FROM (SELECT DISTINCT offering_uuid, provider_uuid FROM pairs) f
    JOIN offering o ON o.uuid = f.offering_uuid
    LEFT JOIN customer v ON v.uuid = f.provider_uuid
    LEFT JOIN reported n ON n.offering_uuid = f.offering_uuid
    LEFT JOIN silent s ON s.offering_uuid = f.offering_uuid
)"""  # noqa: S608 - of constants

# What is known of when a row was last reported is when the fact was recorded that made it what it is, unless
# that is none of a report: the resource was moved since, or its usage carried over.
ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM seen f ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {{json}}
FROM page f
LEFT JOIN LATERAL (
    SELECT u.measured_at, u.since
    FROM pairs k
    CROSS JOIN LATERAL (
        SELECT measured_at, since FROM component_usage
        WHERE project_uuid = k.project_uuid AND offering_uuid = k.offering_uuid
        ORDER BY measured_at DESC, component_type, id LIMIT 1
    ) u
    WHERE k.offering_uuid = f.offering_uuid
    ORDER BY u.measured_at DESC, u.since DESC LIMIT 1
) u ON true
LEFT JOIN LATERAL (
    SELECT {RECORDED_AT} AS recorded_at FROM journal.ledger_events
    WHERE notification_id = u.since AND topic = ANY(ARRAY['UsageReported', 'UserUsageReported'])
) e ON true
ORDER BY {{order}}"""  # noqa: S608 - of constants
)

COLUMNS = {
    "offering_uuid": SQL("f.offering_uuid"),
    "offering_name": SQL("f.offering_name"),
    "provider_uuid": SQL("f.provider_uuid"),
    "provider_name": SQL("f.provider_name"),
    "measured_at": SQL("u.measured_at"),
    "recorded_at": SQL("e.recorded_at"),
    "reported": SQL("f.reported"),
    "silent": SQL("f.silent"),
}


def _list(silent: LiteralString) -> ListQuery:
    return ListQuery(
        ROWS,
        SQL("SELECT count(*) AS total FROM seen"),
        COLUMNS,
        FILTERS,
        orders={},
        default=SQL("f.offering_name, f.offering_uuid"),
        last=SQL("f.offering_uuid"),
        visibility=VISIBLE_BY,
        prelude=SQL(OFFERINGS.replace("{silent}", silent)),
    )


FRESHNESS, FRESHNESS_THEN = _list(SILENT), _list(SILENT_THEN)
"""Offerings by name, now and as of a position. Restrictions must have the `billing_period`."""
