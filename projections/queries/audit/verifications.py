"""The list of verifications, newest first, up to where the read models are, or were."""

from psycopg.sql import SQL

from projections.queries.list_query import ListQuery

FROM = "FROM verification v WHERE v.id <= (SELECT position FROM read_position) AND {where}"

VERIFICATIONS = ListQuery(
    SQL(f"SELECT {{json}} {FROM} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(offset)s"),
    SQL(f"SELECT count(*) AS total {FROM}"),
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
