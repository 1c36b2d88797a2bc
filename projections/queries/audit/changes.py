"""What changed between two positions: the figures that differ, with the facts that changed them.

The later position is the one that is read as of: rows, names and visibility are of then. A figure can differ
only if there was none at the earlier position, or if the row that held there was replaced by the later one.
Both are found by index, so a short while costs little, however long the journal is. Rows stay in PostgreSQL,
but for those of the page.
"""

from psycopg.sql import SQL

from projections.queries import component_usages, display_names
from projections.queries.billing.corrections import SEEN
from projections.queries.json_columns import Values
from projections.queries.list_query import ListQuery

# The figure before is that of the row that held at the earlier position; what is newer had none.
DIFFERING_ROWS = """
    SELECT
        u.id, u.resource_uuid, u.billing_period, u.uuid, u.component_uuid, u.component_type,
        u.project_uuid, u.customer_uuid, u.offering_uuid, b.usage AS usage_before, u.usage AS usage_after,
        u.usage - coalesce(b.usage, 0) AS delta
    FROM (
        SELECT resource_uuid, billing_period, uuid, usage FROM component_usage_past
        WHERE since <= %(from)s AND until > %(from)s AND until <= %(to)s
        UNION ALL
        SELECT resource_uuid, billing_period, uuid, NULL FROM component_usage_versions
        WHERE until = 9223372036854775807 AND id > %(from)s AND id <= %(to)s
    ) b
    JOIN component_usage u ON u.resource_uuid = b.resource_uuid
        AND u.billing_period = b.billing_period AND u.uuid = b.uuid
    WHERE u.usage IS DISTINCT FROM b.usage AND {where}
"""

DIFFERING = SQL(f"WITH differing AS MATERIALIZED ({DIFFERING_ROWS})")

# Of a usage, the facts after the earlier position that made its figure another one.
FACTS = """
CROSS JOIN LATERAL (
    SELECT array_agg(v.position ORDER BY v.position) AS positions
    FROM (
        SELECT since AS position, usage, lag(usage) OVER (ORDER BY since) AS before
        FROM component_usage_versions v
        WHERE v.resource_uuid = u.resource_uuid AND v.billing_period = u.billing_period AND v.uuid = u.uuid
          AND v.since <= %(to)s AND v.until > %(from)s
    ) v
    WHERE v.position > %(from)s AND v.usage IS DISTINCT FROM v.before
) f"""


ROWS = SQL(
    f"""
WITH page AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM differing u ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s
    ) u {{most}}
)
SELECT {{json}}
FROM page u{display_names.JOINS}{FACTS}
ORDER BY {{order}}"""  # noqa: S608 - of constants
)


# Most facts have none: their state is no JSON to PostgreSQL then.
REASONS = SQL("""ARRAY(
    SELECT r.reason
    FROM journal.ledger_events e
    CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::json ->> 'reason' AS reason OFFSET 0) r
    WHERE e.notification_id = ANY(f.positions) AND position('"reason":'::bytea IN e.state) > 0
      AND r.reason <> ''
    GROUP BY r.reason
    ORDER BY min(e.notification_id))""")

# Those that the caller may know of.
CORRECTIONS = SQL(
    f"""ARRAY(
    SELECT encode(uuid_send(k.uuid), 'hex')
    FROM component_usage_versions v JOIN correction k ON k.uuid = v.correction_uuid
    WHERE v.resource_uuid = u.resource_uuid AND v.billing_period = u.billing_period AND v.uuid = u.uuid
      AND v.since = ANY(f.positions) AND (%(sees_all)s OR {SEEN})
    GROUP BY k.uuid, k.id
    ORDER BY k.id)"""  # noqa: S608 - of constants
)

COLUMNS: Values = {
    **display_names.COLUMNS,
    "uuid": SQL("u.uuid"),
    "component_type": SQL("u.component_type"),
    "billing_period": SQL("u.billing_period"),
    "usage_before": SQL("u.usage_before"),
    "usage_after": SQL("u.usage_after"),
    "delta": SQL("u.delta"),
    "positions": SQL("f.positions"),
    "reasons": REASONS,
    "corrections": CORRECTIONS,
}

CHANGES = ListQuery(
    ROWS,
    SQL("SELECT count(*) AS total FROM differing"),
    COLUMNS,
    component_usages.FILTERS,
    orders={name: SQL(f"u.{name}") for name in ("delta", "billing_period", "usage_after")},
    default=SQL("u.billing_period DESC, u.id"),
    last=SQL("u.id"),
    visibility=component_usages.VISIBLE_BY,
    prelude=DIFFERING,
)
"""For a cursor that reads as of the later position. Restrictions must have both, as `from` and `to`."""
