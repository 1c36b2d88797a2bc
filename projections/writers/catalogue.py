"""Read model of the catalogue: the last description of every entity that usage hangs on."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain import catalogue
from ledger.domain.catalogue import Component, Entity, MeteredResource, PlanPeriod
from ledger.events import Described, Fact
from projections.rows import as_json, upsert

TABLES: dict[type[Entity], str] = {
    catalogue.Customer: "customer",
    catalogue.Project: "project",
    catalogue.Category: "category",
    catalogue.ServiceProvider: "service_provider",
    catalogue.Offering: "offering",
    catalogue.Component: "component",
    catalogue.Plan: "plan",
    catalogue.PlanComponent: "plan_component",
    catalogue.Resource: "resource",
    catalogue.PlanPeriod: "plan_period",
    catalogue.UserUsageLimit: "user_usage_limit",
}

UPSERTS = {
    kind: upsert(
        table,
        kind.__struct_fields__,
        key=("plan_uuid", "component_uuid") if kind is catalogue.PlanComponent else ("uuid",),
    )
    for kind, table in TABLES.items()
}

UPSERT_DESCRIPTION = upsert("description", ("stream", "version", "digest"), key=("stream",))

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
    )
)::text AS value
FROM resource r
JOIN project p ON p.uuid = r.project_uuid
JOIN offering o ON o.uuid = r.offering_uuid
WHERE r.uuid = ANY(%(uuids)s)"""

SELECT_COMPONENT = "SELECT to_json(c)::text AS value FROM component c WHERE uuid = %(uuid)s"

SELECT_PLAN_PERIODS = "SELECT to_json(t)::text AS value FROM plan_period t WHERE uuid = ANY(%(uuids)s)"

SELECT_OFFERING_USERS = "SELECT uuid FROM offering_user WHERE uuid = ANY(%(uuids)s)"


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Keeps the last description of every entity of the batch."""
    last = {fact.originator_id: fact for _, fact in facts if isinstance(fact, Described)}
    if not last:
        return
    described = [
        {"stream": fact.originator_id, "version": fact.originator_version, "digest": digest(fact.entity)}
        for fact in last.values()
    ]
    cursor.execute(UPSERT_DESCRIPTION, {"rows": as_json(described)})
    for kind, statement in UPSERTS.items():
        entities = [fact.entity for fact in last.values() if type(fact.entity) is kind]
        if entities:
            cursor.execute(statement, {"rows": as_json(entities)})


def digest(entity: Entity) -> str:
    """SHA-256 of an entity: equal exactly for equal descriptions."""
    return sha256(msgspec.json.encode(entity, order="deterministic")).hexdigest()


def descriptions(cursor: Cursor[DictRow], streams: list[UUID]) -> dict[UUID, tuple[int, str]]:
    """Version and digest of the last description in each of the streams that has one."""
    rows = cursor.execute(SELECT_DESCRIPTIONS, {"streams": streams}).fetchall()
    return {row["stream"]: (row["version"], row["digest"]) for row in rows}


def metered_resources(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, MeteredResource]:
    """Those of the resources that there are, with all that reports about them are decided by."""
    rows = cursor.execute(SELECT_METERED_RESOURCES, {"uuids": list(uuids)})
    found = (msgspec.json.decode(row["value"], type=MeteredResource) for row in rows)
    return {each.resource.uuid: each for each in found}


def component(cursor: Cursor[DictRow], uuid: UUID) -> Component:
    """A component that is known to be there. Its resource may be of another offering by now."""
    row = cursor.execute(SELECT_COMPONENT, {"uuid": uuid}).fetchone()
    assert row is not None
    return msgspec.json.decode(row["value"], type=Component)


def plan_periods(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, PlanPeriod]:
    """Those of the plan periods that there are."""
    rows = cursor.execute(SELECT_PLAN_PERIODS, {"uuids": list(uuids)}) if uuids else ()
    found = (msgspec.json.decode(row["value"], type=PlanPeriod) for row in rows)
    return {each.uuid: each for each in found}


def offering_users(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> set[UUID]:
    """Those of the offering users that there are."""
    rows = cursor.execute(SELECT_OFFERING_USERS, {"uuids": list(uuids)}) if uuids else ()
    return {row["uuid"] for row in rows}
