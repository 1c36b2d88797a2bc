"""Read model of user usages: what single users consumed of a component usage."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.events import Fact, UserUsageReported
from ledger.reports import UserRow
from projections import component_usage
from projections.lists import VISIBLE, Listing
from projections.rows import as_json

UPSERT = """
INSERT INTO user_usage (
    resource_uuid, uuid, id, component_usage_uuid, person, username, offering_user_uuid, usage,
    created, modified)
SELECT
    n.resource_uuid, n.uuid, n.id, n.component_usage_uuid, n.person, p.username, n.offering_user_uuid,
    n.usage, n.created, n.modified
FROM json_populate_recordset(NULL::user_usage, %(rows)s) n
LEFT JOIN journal.person p ON p.uuid = n.person
ON CONFLICT (resource_uuid, uuid) DO UPDATE SET
    username = EXCLUDED.username,
    usage = EXCLUDED.usage,
    modified = EXCLUDED.modified"""

FILTERS = component_usage.FILTERS | {
    "uuid": SQL("uu.uuid = %(uuid)s"),
    # Not in the column's collation, which knows upper and lower case of ASCII letters only.
    "username_part": SQL('uu.username COLLATE "default" ILIKE %(username_part)s'),
}
"""As for component usages, whose month, date and ids these are; `username_part` is an ILIKE pattern."""

ORDERS = {
    "billing_period": SQL("u.billing_period"),
    "usage": SQL("uu.usage"),
    "username": SQL("uu.username"),
}
DEFAULT_ORDER = SQL("u.measured_at DESC, u.component_type, uu.id")

COUNT = SQL("""
SELECT count(*) AS total
FROM user_usage uu
JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
WHERE {where}""")

PAGE = SQL("""
SELECT
    uu.uuid, uu.offering_user_uuid, coalesce(uu.username, '') AS username, uu.component_usage_uuid,
    uu.usage, c.measured_unit, uu.created, uu.modified, u.resource_uuid, r.name AS resource_name,
    u.offering_uuid, o.name AS offering_name, u.project_uuid, p.name AS project_name,
    u.customer_uuid, cu.name AS customer_name, u.component_type, u.measured_at, u.billing_period
FROM (
    SELECT uu.* FROM user_usage uu
    JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
    WHERE {where} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
) uu
JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
LEFT JOIN component c ON c.uuid = u.component_uuid
LEFT JOIN resource r ON r.uuid = u.resource_uuid
LEFT JOIN offering o ON o.uuid = u.offering_uuid
LEFT JOIN project p ON p.uuid = u.project_uuid
LEFT JOIN customer cu ON cu.uuid = u.customer_uuid
ORDER BY {order}""")

USAGES = Listing(PAGE, COUNT, FILTERS, ORDERS, DEFAULT_ORDER, last=SQL("uu.id"), visible=VISIBLE)
"""User usages with the names around them, those of the newest component usages first."""

SELECT_STANDING = """
SELECT
    u.billing_period, uu.component_usage_uuid AS usage_uuid, uu.uuid AS user_usage_uuid, uu.person,
    uu.usage AS amount, uu.offering_user_uuid
FROM user_usage uu
JOIN component_usage u ON u.resource_uuid = uu.resource_uuid AND u.uuid = uu.component_usage_uuid
WHERE u.resource_uuid = %(resource_uuid)s
  AND u.component_uuid = %(component_uuid)s
  AND u.billing_period = ANY(%(months)s)
ORDER BY uu.id"""

SELECT_LIMITS = """
SELECT offering_user_uuid, "limit" FROM user_usage_limit
WHERE resource_uuid = %(resource_uuid)s AND component_uuid = %(component_uuid)s"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Keeps the last figure of every user of every component usage."""
    rows: dict[UUID, dict[str, Any]] = {}
    for position, fact in facts:
        if isinstance(fact, UserUsageReported):
            before = rows.get(fact.user_usage_uuid)
            rows[fact.user_usage_uuid] = {
                "resource_uuid": fact.resource_uuid,
                "uuid": fact.user_usage_uuid,
                "id": before["id"] if before else position,
                "component_usage_uuid": fact.usage_uuid,
                "person": fact.person,
                "offering_user_uuid": fact.offering_user_uuid,
                "usage": fact.amount,
                "created": before["created"] if before else fact.created_at or fact.recorded_at,
                "modified": fact.recorded_at,
            }
    if rows:
        cursor.execute(UPSERT, {"rows": as_json(rows.values())})


def standing(
    cursor: Cursor[DictRow], resource_uuid: UUID, component_uuid: UUID, months: Iterable[date]
) -> dict[date, tuple[UserRow, ...]]:
    """The users of a component of a resource in some months, by month, oldest first."""
    found: dict[date, tuple[UserRow, ...]] = {}
    parameters = {
        "resource_uuid": resource_uuid,
        "component_uuid": component_uuid,
        "months": list(months),
    }
    for values in cursor.execute(SELECT_STANDING, parameters):
        month = values.pop("billing_period")
        found[month] = (*found.get(month, ()), UserRow(**values))
    return found


def limits(cursor: Cursor[DictRow], resource_uuid: UUID, component_uuid: UUID) -> dict[UUID, Decimal]:
    """How much each offering user may use of a component of a resource, by offering user."""
    parameters = {"resource_uuid": resource_uuid, "component_uuid": component_uuid}
    rows = cursor.execute(SELECT_LIMITS, parameters)
    return {row["offering_user_uuid"]: row["limit"] for row in rows}
