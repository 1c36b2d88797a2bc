"""What was used of each component of an offering in each month, over all its resources."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

FILTERS = {
    "offering_uuid": SQL("c.offering_uuid = %(offering_uuid)s"),
    "start": SQL("u.month >= %(start)s"),
    "end": SQL("u.month <= %(end)s"),
}

VISIBLE_BY = {"providers": SQL("o.customer_uuid")}

FROM = """
    FROM component c
    JOIN offering o ON o.uuid = c.offering_uuid
    JOIN monthly_consumption u ON u.component_uuid = c.uuid
    WHERE {where}"""

ORDER = SQL("c.component_type, u.month, c.uuid")

OFFERING_USAGES = ListQuery(
    rows=SQL(f"SELECT {{json}} {FROM} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s"),
    total=SQL(f"SELECT count(*) AS total {FROM}"),
    columns={
        "month": SQL("u.month"),
        "billing_period": SQL("u.month"),
        "last_day": SQL("(u.month + interval '1 month - 1 day')::timestamptz"),
        "usage": SQL("u.total"),
        "description": SQL("c.description"),
        "measured_unit": SQL("c.measured_unit"),
        "component_type": SQL("c.component_type"),
        "component_name": SQL("c.name"),
    },
    filters=FILTERS,
    orders={},
    default=ORDER,
    last=ORDER,
    visibility=VISIBLE_BY,
)
"""Sums by component and month, to those who see the offering's customer as a provider."""

SELECT_PROVIDER = "SELECT customer_uuid FROM offering WHERE uuid = %(offering)s"


def provider_of(cursor: Cursor[DictRow], offering: UUID) -> UUID | None:
    """Return the customer that an offering is of, None if there is no such offering."""
    row = cursor.execute(SELECT_PROVIDER, {"offering": offering}).fetchone()
    return row["customer_uuid"] if row else None
