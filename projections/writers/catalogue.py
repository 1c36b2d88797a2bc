"""Read model of the catalogue: the last description of every entity that usage hangs on."""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain import catalogue
from ledger.domain.catalogue import Entity
from ledger.events import Described
from projections.rows import as_json, digest, upsert
from projections.writers.read_model import ReadModel

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


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Described]]) -> None:
    """Write the last description of every entity."""
    last = {fact.originator_id: fact for _, fact in facts}
    described = [
        {"stream": fact.originator_id, "version": fact.originator_version, "digest": digest(fact.entity)}
        for fact in last.values()
    ]
    cursor.execute(UPSERT_DESCRIPTION, {"rows": as_json(described)})
    for kind, statement in UPSERTS.items():
        entities = [fact.entity for fact in last.values() if type(fact.entity) is kind]
        if entities:
            cursor.execute(statement, {"rows": as_json(entities)})


CATALOGUE = ReadModel(
    handles=(Described,), project=project, writes=("description", *TABLES.values()), is_cached=True
)
