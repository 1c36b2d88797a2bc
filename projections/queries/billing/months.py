"""The months of offerings that were closed, or opened again, and what has moved in them since."""

from psycopg.sql import SQL

from projections.queries.audit.unexplained import ACCOUNT
from projections.queries.json_columns import Listed, Values
from projections.queries.list_query import ListQuery

MONTHS_SEEN = """billing_month m JOIN offering o ON o.uuid = m.offering_uuid"""

ROWS = SQL(
    f"""
SELECT {{json}} FROM {MONTHS_SEEN}
LEFT JOIN customer c ON c.uuid = o.customer_uuid
LEFT JOIN LATERAL (
    SELECT v.modified, v.described_by, v.source, v.note FROM billing_month_versions v
    WHERE v.offering_uuid = m.offering_uuid AND v.month = m.month AND v.is_closed AND v.since <= m.since
    ORDER BY v.since DESC LIMIT 1
) k ON true
WHERE {{where}} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s"""  # noqa: S608 - of constants
)

# Of the figures that are there: all that moved them since is in the row that held when the month was closed.
MOVED = SQL("""CASE WHEN m.is_closed THEN (
    SELECT count(*)
    FROM component_usage u
    LEFT JOIN LATERAL (
        SELECT v.usage FROM component_usage_versions v
        WHERE v.resource_uuid = u.resource_uuid AND v.billing_period = u.billing_period AND v.uuid = u.uuid
          AND v.since <= m.since AND v.until > m.since
        OFFSET 0
    ) b ON true
    WHERE u.offering_uuid = m.offering_uuid AND u.billing_period = m.month AND u.since > m.since
      AND u.usage IS DISTINCT FROM b.usage) END""")

# The same of what single users consumed.
USERS_MOVED = SQL("""CASE WHEN m.is_closed THEN (
    SELECT count(*)
    FROM user_usage u
    LEFT JOIN LATERAL (
        SELECT p.usage FROM user_usage_past p
        WHERE p.uuid = u.uuid AND p.since <= m.since AND p.until > m.since
        OFFSET 0
    ) b ON true
    WHERE u.offering_uuid = m.offering_uuid AND u.billing_period = m.month AND u.since > m.since
      AND u.usage IS DISTINCT FROM b.usage) END""")

DIFF = SQL("""CASE WHEN m.is_closed THEN
    '/api/ledger/diff/?from=' || m.since || '&offering_uuid=' || encode(uuid_send(m.offering_uuid), 'hex')
    || '&billing_period=' || to_char(m.month, 'YYYY-MM-DD') END""")

COLUMNS: Values = {
    "offering_uuid": SQL("m.offering_uuid"),
    "offering_name": SQL("o.name"),
    "provider_uuid": SQL("o.customer_uuid"),
    "provider_name": SQL("c.name"),
    "billing_period": SQL("m.month"),
    "is_closed": SQL("m.is_closed"),
    "position": SQL("m.since"),
    "changed_at": SQL("m.modified"),
    "changed_by": Listed(SQL("SELECT {json} FROM account a WHERE a.uuid = m.described_by"), ACCOUNT),
    "source": SQL("m.source"),
    "note": SQL("m.note"),
    "closed_at": SQL("k.modified"),
    "closed_by": Listed(SQL("SELECT {json} FROM account a WHERE a.uuid = k.described_by"), ACCOUNT),
    "closed_source": SQL("k.source"),
    "closed_note": SQL("k.note"),
    "figures_moved": MOVED,
    "user_figures_moved": USERS_MOVED,
    "diff": DIFF,
}

MONTHS = ListQuery(
    ROWS,
    SQL(f"SELECT count(*) AS total FROM {MONTHS_SEEN} WHERE {{where}}"),  # noqa: S608 - of constants
    COLUMNS,
    filters={
        "offering_uuid": SQL("m.offering_uuid = %(offering_uuid)s"),
        "provider_uuid": SQL("o.customer_uuid = %(provider_uuid)s"),
        "billing_period": SQL("m.month = %(billing_period)s"),
        "is_closed": SQL("m.is_closed = %(is_closed)s"),
        "offerings": SQL("m.offering_uuid = ANY(%(offerings)s)"),
    },
    orders={},
    default=SQL("m.month DESC, m.offering_uuid"),
    last=SQL("m.offering_uuid"),
    visibility={"providers": SQL("o.customer_uuid"), "offerings": SQL("m.offering_uuid")},
)
"""The latest month first. Customers and projects see none by themselves."""
