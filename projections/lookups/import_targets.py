"""Looks up what an import is compared with, a chunk of a file at a time."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.decisions.imports import ImportedUsage, ImportedUserUsage, ImportTarget
from projections.lookups.ownership import OWNERSHIP, take_ownership
from projections.rows import as_json

SELECT_OWNERS = SQL("SELECT uuid, {owners}::uuid[] AS owners FROM {table} WHERE uuid = ANY(%(uuids)s)")

TABLES = {
    "users": "account",
    "customers": "customer",
    "projects": "project",
    "categories": "category",
    "service_providers": "service_provider",
    "offerings": "offering",
    "offering_components": "component",
    "plans": "plan",
    "resources": "resource",
    "resource_plan_periods": "plan_period",
    "offering_users": "offering_user",
    "component_usages": "component_usage",
}
"""Tables with the objects of earlier imports, by the name of the list that a file has them in."""

OWNERS = {
    "resources": ("offering_uuid",),
    "offering_components": ("offering_uuid",),
    "resource_plan_periods": ("resource_uuid", "plan_uuid"),
}
"""Columns with the owners of a list's objects that a usage must agree with."""

SELECT_ACTIVE_ACCOUNTS = (
    "SELECT uuid, username FROM account WHERE is_active AND username = ANY(%(usernames)s)"
)

# A usage is already there if one has its id, or stands for its resource, component, plan and month.
SELECT_PLACES = """
SELECT
    n.resource_uuid, n.component_uuid, c.component_type, r.project_uuid, p.customer_uuid, r.offering_uuid,
    o.customer_uuid AS provider_uuid, n.month, t.plan_uuid,
    coalesce((
        SELECT max(version) FROM component_usage u
        WHERE u.resource_uuid = n.resource_uuid AND u.component_uuid = n.component_uuid
          AND u.billing_period = n.month
    ), 0) AS version,
    EXISTS (
        SELECT FROM billing_month b
        WHERE b.offering_uuid = r.offering_uuid AND b.month = n.month AND b.is_closed) AS is_closed,
    coalesce(by_id.uuid, by_key.uuid) AS found,
    (by_id.resource_uuid, by_id.component_uuid, by_id.billing_period, by_id.usage, by_id.measured_at,
     by_id.description, by_id.missing_usage_policy, by_id.plan_period_uuid)
    IS NOT DISTINCT FROM
    (n.resource_uuid, n.component_uuid, n.month, n.amount, n.measured_at,
     n.description, n.missing_usage_policy, n.plan_period_uuid) AS same
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

SELECT_USER_PLACES = f"""
SELECT
    {OWNERSHIP},
    u.billing_period AS month, u.measured_at,
    (SELECT max(version) FROM component_usage s
     WHERE s.resource_uuid = u.resource_uuid AND s.component_uuid = u.component_uuid
       AND s.billing_period = u.billing_period) AS version,
    EXISTS (
        SELECT FROM billing_month b
        WHERE b.offering_uuid = u.offering_uuid AND b.month = u.billing_period AND b.is_closed) AS is_closed,
    coalesce(by_id.uuid, by_name.uuid) AS found,
    (by_id.component_usage_uuid, by_id.username, by_id.usage)
    IS NOT DISTINCT FROM (n.usage_uuid, n.username, n.amount) AS same
FROM json_to_recordset(%(rows)s) AS n(
    position integer, uuid uuid, usage_uuid uuid, username text, amount numeric)
JOIN component_usage u ON u.uuid = n.usage_uuid
LEFT JOIN user_usage by_id ON by_id.uuid = n.uuid
LEFT JOIN user_usage by_name ON by_name.resource_uuid = u.resource_uuid
    AND by_name.component_usage_uuid = n.usage_uuid AND by_name.username = n.username
ORDER BY n.position"""  # noqa: S608 - of constants


def owners(cursor: Cursor[DictRow], name: str, uuids: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the objects of a list that earlier imports brought, with their OWNERS."""
    columns = SQL(", ").join(map(Identifier, OWNERS.get(name, ())))
    statement = SELECT_OWNERS.format(owners=SQL("ARRAY[{}]").format(columns), table=Identifier(TABLES[name]))
    rows = cursor.execute(statement, {"uuids": list(uuids)})
    return {row["uuid"]: tuple(row["owners"]) for row in rows}


def active_accounts(cursor: Cursor[DictRow], usernames: Sequence[str]) -> list[tuple[UUID, str]]:
    """Return uuid and name of the active users with these names."""
    rows = cursor.execute(SELECT_ACTIVE_ACCOUNTS, {"usernames": usernames}) if usernames else ()
    return [(row["uuid"], row["username"]) for row in rows]


def targets(cursor: Cursor[DictRow], usages: Sequence[ImportedUsage]) -> list[ImportTarget]:
    """Return where each usage goes, and what stands there already, aligned with `usages`."""
    return _places(cursor, SELECT_PLACES, usages)


def user_targets(cursor: Cursor[DictRow], usages: Sequence[ImportedUserUsage]) -> list[ImportTarget]:
    """Return where each user usage goes, aligned with `usages`. All their component usages exist."""
    return _places(cursor, SELECT_USER_PLACES, usages)


def _places(
    cursor: Cursor[DictRow], statement: str, usages: Sequence[ImportedUsage | ImportedUserUsage]
) -> list[ImportTarget]:
    rows = as_json({**structs.asdict(usage), "position": n} for n, usage in enumerate(usages))
    found = cursor.execute(statement, {"rows": rows}).fetchall()
    assert len(found) == len(usages), "what they refer to is there: it was looked for, or just imported"
    return [ImportTarget(ownership=take_ownership(row), **row) for row in found]
