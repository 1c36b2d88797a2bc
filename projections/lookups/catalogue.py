"""Looks up entities of the catalogue by uuid."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import Component, PlanPeriod
from ledger.domain.metering import MeteredResource

SELECT_DESCRIPTIONS = """
SELECT stream, version, digest FROM description WHERE stream = ANY(%(streams)s)"""

SELECT_METERED_RESOURCES = """
SELECT json_build_object(
    'resource', to_json(r),
    'customer_uuid', p.customer_uuid,
    'provider_uuid', o.customer_uuid,
    'components', (
        SELECT coalesce(json_agg(c), '[]') FROM component c
        WHERE c.offering_uuid = r.offering_uuid
           OR c.offering_uuid = (SELECT offering_uuid FROM plan WHERE uuid = r.plan_uuid)
    ),
    'plans', (
        SELECT coalesce(json_agg(n), '[]') FROM plan n
        WHERE n.uuid = r.plan_uuid
           OR n.uuid IN (SELECT plan_uuid FROM plan_period WHERE resource_uuid = r.uuid)
    ),
    'plan_periods', (
        SELECT coalesce(json_agg(t), '[]') FROM plan_period t WHERE t.resource_uuid = r.uuid
    ),
    'closed_months', (
        SELECT coalesce(json_agg(m.month), '[]') FROM billing_month m
        WHERE m.offering_uuid = r.offering_uuid AND m.is_closed
    )
)::text AS value
FROM resource r
JOIN project p ON p.uuid = r.project_uuid
JOIN offering o ON o.uuid = r.offering_uuid
WHERE r.uuid = ANY(%(uuids)s)"""

SELECT_COMPONENTS = "SELECT to_json(c)::text AS value FROM component c WHERE uuid = ANY(%(uuids)s)"

SELECT_PLAN_PERIODS = """
SELECT to_json(t)::text AS value, r.project_uuid, r.offering_uuid, p.customer_uuid,
    o.customer_uuid AS provider_uuid
FROM plan_period t
JOIN resource r ON r.uuid = t.resource_uuid
JOIN project p ON p.uuid = r.project_uuid
JOIN offering o ON o.uuid = r.offering_uuid
WHERE t.uuid = ANY(%(uuids)s)"""

SELECT_OFFERING_USERS = """
SELECT u.uuid, u.offering_uuid, o.customer_uuid AS provider_uuid
FROM offering_user u JOIN offering o ON o.uuid = u.offering_uuid
WHERE u.uuid = ANY(%(uuids)s)"""

SELECT_OFFERINGS = """
SELECT uuid AS offering_uuid, customer_uuid AS provider_uuid FROM offering WHERE uuid = ANY(%(uuids)s)"""


SELECT_OFFERINGS_OF = "SELECT uuid FROM offering WHERE customer_uuid = %(provider)s ORDER BY uuid"

SELECT_CLOSED = """
SELECT m.offering_uuid, m.note, m.modified AS closed_at, a.username AS closed_by
FROM billing_month m LEFT JOIN account a ON a.uuid = m.described_by
WHERE m.month = %(month)s AND m.offering_uuid = ANY(%(offerings)s) AND m.is_closed
ORDER BY m.since DESC"""


def descriptions(cursor: Cursor[DictRow], streams: list[UUID]) -> dict[UUID, tuple[int, str]]:
    """Return version and digest of the last description of each stream that has one."""
    rows = cursor.execute(SELECT_DESCRIPTIONS, {"streams": streams}).fetchall()
    return {row["stream"]: (row["version"], row["digest"]) for row in rows}


def metered_resources(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, MeteredResource]:
    """Return the resources that exist, with all that reports about them are decided by."""
    rows = cursor.execute(SELECT_METERED_RESOURCES, {"uuids": list(uuids)})
    found = (msgspec.json.decode(row["value"], type=MeteredResource) for row in rows)
    return {each.resource.uuid: each for each in found}


def components(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, Component]:
    """Return the components that exist."""
    rows = cursor.execute(SELECT_COMPONENTS, {"uuids": list(uuids)}) if uuids else ()
    found = (msgspec.json.decode(row["value"], type=Component) for row in rows)
    return {each.uuid: each for each in found}


def plan_periods(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, tuple[PlanPeriod, DictRow]]:
    """Return the plan periods that exist, with the uuids of their resources' project, offering, customer …"""
    rows = cursor.execute(SELECT_PLAN_PERIODS, {"uuids": list(uuids)}) if uuids else ()
    found = ((msgspec.json.decode(row["value"], type=PlanPeriod), row) for row in rows)
    return {period.uuid: (period, row) for period, row in found}


def offering_users(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, DictRow]:
    """Return offering_uuid and provider_uuid, the customer behind it, of the offering users that exist."""
    rows = cursor.execute(SELECT_OFFERING_USERS, {"uuids": list(uuids)}) if uuids else ()
    return {row["uuid"]: row for row in rows}


def offerings(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, DictRow]:
    """Return offering_uuid and provider_uuid, the customer behind it, of the offerings that exist."""
    rows = cursor.execute(SELECT_OFFERINGS, {"uuids": list(uuids)}) if uuids else ()
    return {row["offering_uuid"]: row for row in rows}


def offerings_of(cursor: Cursor[DictRow], provider: UUID) -> list[UUID]:
    """Return the offerings of a provider, which is a customer."""
    return [row["uuid"] for row in cursor.execute(SELECT_OFFERINGS_OF, {"provider": provider})]


def closed_for(cursor: Cursor[DictRow], offerings: Collection[UUID], month: date) -> dict[UUID, DictRow]:
    """Return those of some offerings for which a month is closed, the last one first.

    Each comes with its `note`, and with `closed_at` and `closed_by`, a username, where one is known.
    """
    parameters = {"month": month, "offerings": list(offerings)}
    return {row["offering_uuid"]: row for row in cursor.execute(SELECT_CLOSED, parameters)}
