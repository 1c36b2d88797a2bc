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
    "note": SQL("m.note"),
    "figures_moved": MOVED,
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
