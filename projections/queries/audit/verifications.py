"""The list of verifications, newest first."""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

VERIFICATIONS = ListQuery(
    SQL("SELECT {json} FROM verification v WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"),
    SQL("SELECT count(*) AS total FROM verification v WHERE {where}"),
    {
        "position": SQL("v.id"),
        "recorded_at": SQL("v.recorded_at"),
        "up_to": SQL("v.up_to"),
        "facts": SQL("v.facts"),
        "differences": SQL("v.differences"),
        "ok": SQL("v.differences = 0"),
    },
    filters={},
    orders={},
    default=SQL("v.id DESC"),
    last=SQL("v.id DESC"),
    visibility={},
)
"""For those who see all."""
