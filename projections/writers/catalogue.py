"""Read model of the catalogue: the last description of every entity that usage hangs on."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain import agents, catalogue
from ledger.domain.catalogue import Entity
from ledger.events import Described, UserUsageLimitRemoved
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
    catalogue.PlanPeriod: "plan_period",
    catalogue.BillingMonth: "billing_month",
    agents.AgentIdentity: "agent_identity",
    agents.AgentService: "agent_service",
    agents.AgentProcessor: "agent_processor",
}

ORIGIN = ("id", "described")
"""Columns that stay as the first description of an entity made them."""

DATES: dict[type[Entity], tuple[str, ...]] = {
    catalogue.Component: ("modified",),
    catalogue.ServiceProvider: (*ORIGIN, "modified"),
    catalogue.Offering: (*ORIGIN, "modified"),
    catalogue.BillingMonth: ("modified", "described_by", "source"),
    agents.AgentIdentity: (*ORIGIN, "modified"),
    agents.AgentService: (*ORIGIN, "modified"),
    agents.AgentProcessor: (*ORIGIN, "modified"),
}
"""What tables say of when their entities were described, and by whom: of those that are listed by age, have
limits, or are somebody's word."""

UPSERTS = {
    kind: upsert(table, (*kind.__struct_fields__, "since", *DATES.get(kind, ())), kept=ORIGIN)
    for kind, table in TABLES.items()
} | {
    catalogue.PlanComponent: upsert(
        "plan_component",
        (*catalogue.PlanComponent.__struct_fields__, "since"),
        key=("plan_uuid", "component_uuid"),
    ),
    catalogue.BillingMonth: upsert(
        "billing_month",
        (*catalogue.BillingMonth.__struct_fields__, "since", "modified", "described_by", "source"),
        key=("offering_uuid", "month"),
    ),
}

UPSERT_DESCRIPTION = upsert("description", ("stream", "version", "digest"), key=("stream",))


NOT_DESCRIBED = ""
"""The digest of an entity that is no more: whatever it is described as is new."""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Described | UserUsageLimitRemoved]]) -> None:
    """Write the last description of every entity."""
    last = {fact.originator_id: fact for _, fact in facts}
    described = [
        {
            "stream": fact.originator_id,
            "version": fact.originator_version,
            "digest": digest(fact.entity) if isinstance(fact, Described) else NOT_DESCRIBED,
        }
        for fact in last.values()
    ]
    cursor.execute(UPSERT_DESCRIPTION, {"rows": as_json(described)})
    for kind, statement in UPSERTS.items():
        theirs = [
            (position, fact)
            for position, fact in facts
            if isinstance(fact, Described) and type(fact.entity) is kind
        ]
        if theirs:
            cursor.execute(statement, {"rows": as_json(last_descriptions(theirs))})


def last_descriptions(facts: Iterable[tuple[int, Described]]) -> Iterable[dict[str, Any]]:
    """Return each entity as it was last described, as a row.

    It has also the position of the first of these descriptions (`id`), the moment of that (`described`) and
    of the last one (`modified`), who described it so, from where (`source`), and its position (`since`).
    """
    rows: dict[UUID, dict[str, Any]] = {}
    for position, fact in facts:
        before = rows.get(fact.originator_id, {"id": position, "described": fact.recorded_at})
        rows[fact.originator_id] = {
            **structs.asdict(fact.entity),
            **{name: before[name] for name in ORIGIN},
            "modified": fact.recorded_at,
            "described_by": fact.described_by,
            "source": fact.source,
            "since": position,
        }
    return rows.values()


def described_owners(facts: Sequence[tuple[int, Described]]) -> dict[str, Any]:
    """Return the `resources`, `projects` and `offerings` whose usages and limits descriptions may move.

    With them the position of the last one (`since`), and `positions` in the order of `resources`. A step
    has either resources that move, or one entity that moves others (`projections/history/steps.py`).
    """
    changed: dict[str, list[Any]] = {"resources": [], "positions": [], "projects": [], "offerings": []}
    for position, fact in facts:
        match fact.entity:
            case catalogue.Resource(uuid=uuid):
                changed["resources"].append(uuid)
                changed["positions"].append(position)
            case catalogue.Project(uuid=uuid):
                changed["projects"].append(uuid)
            case catalogue.Offering(uuid=uuid) | catalogue.Component(offering_uuid=uuid):
                changed["offerings"].append(uuid)
    return {**changed, "since": facts[-1][0]}


CATALOGUE = ReadModel[Described | UserUsageLimitRemoved](
    handles=(Described, UserUsageLimitRemoved),
    project=project,
    writes=("description", *TABLES.values()),
    is_cached=True,
)
