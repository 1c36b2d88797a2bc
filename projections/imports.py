"""Reads what an import is compared with, a chunk of a file at a time."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.catalogue import Site
from ledger.imports import ImportedUsage, ImportedUserUsage, Place
from projections.rows import as_json

EXISTING = SQL("SELECT uuid FROM {table} WHERE uuid = ANY(%(uuids)s)")

PLANS_OF_PERIODS = "SELECT uuid, plan_uuid FROM plan_period WHERE uuid = ANY(%(uuids)s)"

# A usage is already there if one has its id, or stands for its resource, component, plan and month.
SELECT_PLACES = """
SELECT
    n.resource_uuid, n.component_uuid, c.component_type, r.project_uuid, p.customer_uuid, r.offering_uuid,
    o.customer_uuid AS provider_uuid, t.plan_uuid,
    coalesce((
        SELECT max(version) FROM component_usage u
        WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
          AND u.billing_period = n.month
    ), 0) AS version,
    coalesce(by_id.uuid, by_key.uuid) AS found,
    (coalesce(by_id.uuid, by_key.uuid) = n.uuid AND by_id.usage = n.amount
     AND by_id.measured_at = n.measured_at AND by_id.description = n.description
     AND by_id.missing_usage_policy = n.missing_usage_policy) AS same
FROM json_to_recordset(%(rows)s) AS n(
    position integer, uuid uuid, resource_uuid uuid, component_uuid uuid, month date, amount numeric,
    measured_at timestamptz, description text, missing_usage_policy text, plan_period_uuid uuid)
JOIN resource r ON r.uuid = n.resource_uuid
JOIN project p ON p.uuid = r.project_uuid
JOIN offering o ON o.uuid = r.offering_uuid
JOIN component c ON c.uuid = n.component_uuid
LEFT JOIN plan_period t ON t.uuid = n.plan_period_uuid
LEFT JOIN component_usage by_id ON by_id.uuid = n.uuid
LEFT JOIN component_usage by_key ON by_key.resource_uuid = n.resource_uuid
    AND by_key.component_uuid = n.component_uuid AND by_key.billing_period = n.month
    AND by_key.plan_uuid IS NOT DISTINCT FROM t.plan_uuid
ORDER BY n.position"""

SELECT_USER_PLACES = """
SELECT
    u.resource_uuid, u.component_uuid, u.component_type, u.project_uuid, u.customer_uuid, u.offering_uuid,
    u.provider_uuid, u.billing_period, u.measured_at,
    (SELECT max(version) FROM component_usage s
     WHERE s.resource_uuid = u.resource_uuid AND s.component_uuid = u.component_uuid
       AND s.billing_period = u.billing_period) AS version,
    coalesce(by_id.uuid, by_name.uuid) AS found,
    (by_id.usage = n.amount AND by_id.username = n.username) IS TRUE AS same
FROM json_to_recordset(%(rows)s) AS n(
    position integer, uuid uuid, usage_uuid uuid, username text, amount numeric)
JOIN component_usage u ON u.uuid = n.usage_uuid
LEFT JOIN user_usage by_id ON by_id.uuid = n.uuid
LEFT JOIN user_usage by_name ON by_name.component_usage_uuid = n.usage_uuid AND by_name.username = n.username
ORDER BY n.position"""

Found = tuple[bool, bool]
"""Whether a figure is there already, and if so whether it is the same."""


def existing(cursor: Cursor[DictRow], table: str, uuids: Iterable[UUID]) -> set[UUID]:
    """Those of the uuids that the read table has."""
    statement = EXISTING.format(table=Identifier(table))
    return {row["uuid"] for row in cursor.execute(statement, {"uuids": list(uuids)})}


def plans_of_periods(cursor: Cursor[DictRow], uuids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The plans of plan periods."""
    rows = cursor.execute(PLANS_OF_PERIODS, {"uuids": list(uuids)})
    return {row["uuid"]: row["plan_uuid"] for row in rows}


def places(cursor: Cursor[DictRow], usages: Sequence[ImportedUsage]) -> list[tuple[Place, Found]]:
    """Where each usage goes, and whether something stands there, aligned with `usages`."""
    rows = cursor.execute(SELECT_PLACES, {"rows": _numbered(usages)}).fetchall()
    return [
        (
            Place(site=_site(row), month=usage.month, version=row["version"], plan_uuid=row["plan_uuid"]),
            (row["found"] is not None, bool(row["same"])),
        )
        for usage, row in zip(usages, rows, strict=True)
    ]


def user_places(cursor: Cursor[DictRow], usages: Sequence[ImportedUserUsage]) -> list[tuple[Place, Found]]:
    """The same for user usages, whose component usages are all there."""
    rows = cursor.execute(SELECT_USER_PLACES, {"rows": _numbered(usages)}).fetchall()
    return [
        (
            Place(
                site=_site(row),
                month=row["billing_period"],
                version=row["version"],
                measured_at=row["measured_at"],
            ),
            (row["found"] is not None, row["same"]),
        )
        for _, row in zip(usages, rows, strict=True)
    ]


def _numbered(usages: Sequence[Any]) -> str:
    return as_json({**structs.asdict(usage), "position": n} for n, usage in enumerate(usages))


def _site(row: DictRow) -> Site:
    return Site(**{name: row[name] for name in Site.__struct_fields__})
