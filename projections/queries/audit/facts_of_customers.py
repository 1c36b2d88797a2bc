"""Whose a fact is: a customer's facts are about its usage, its projects and resources, and what it offers.

A fact says itself what it is about. A report names its customers, as they were when it was recorded, and a
manifest its provider. What other facts name is followed to the customer that it belongs to now: a resource
to two, those of its project and of its offering. Kinds of facts that are not in CUSTOMERS_BY are of no
customer: those about tokens, roles, users, people who were forgotten, remembered answers, categories and
agents, and verifications.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow

Kind = Literal["customer", "project", "offering", "plan", "resource"]

Reference = tuple[Kind, UUID]
"""Something that has a customer, or is one."""

_OF_PROVIDER: tuple[tuple[Kind, str], ...] = (("customer", "customer_uuid"),)
_OF_OFFERING: tuple[tuple[Kind, str], ...] = (("offering", "offering_uuid"),)
_OF_RESOURCE: tuple[tuple[Kind, str], ...] = (("resource", "resource_uuid"),)
_OF_CORRECTION: tuple[tuple[Kind, str], ...] = (("customer", "provider_uuid"),)
_OF_BOTH: tuple[tuple[Kind, str], ...] = (("customer", "customer_uuid"), ("customer", "provider_uuid"))

CUSTOMERS_BY: dict[str, tuple[tuple[Kind, str], ...]] = {
    "UsageReported": _OF_BOTH,
    "UsageCarriedOver": _OF_BOTH,
    "UserUsageReported": _OF_BOTH,
    "CorrectionProposed": _OF_CORRECTION,
    "CorrectionApproved": _OF_CORRECTION,
    "CorrectionRejected": _OF_CORRECTION,
    "CorrectionApplied": _OF_CORRECTION,
    "CorrectionReverted": _OF_CORRECTION,
    "ManifestSent": (("customer", "provider_uuid"),),
    "CustomerDescribed": (("customer", "uuid"),),
    "ProjectDescribed": _OF_PROVIDER,
    "ServiceProviderDescribed": _OF_PROVIDER,
    "OfferingDescribed": _OF_PROVIDER,
    "ComponentDescribed": _OF_OFFERING,
    "PlanDescribed": _OF_OFFERING,
    "OfferingUserDescribed": _OF_OFFERING,
    "BillingMonthDescribed": _OF_OFFERING,
    "PlanComponentDescribed": (("plan", "plan_uuid"),),
    "ResourceDescribed": (("project", "project_uuid"), ("offering", "offering_uuid")),
    "PlanPeriodDescribed": _OF_RESOURCE,
    "UserUsageLimitDescribed": _OF_RESOURCE,
    "UserUsageLimitRemoved": _OF_RESOURCE,
}
"""By the topic of a fact: what it names that leads to a customer, and under which key."""

SELECT_OWN = """
SELECT 'project' AS kind, uuid FROM project
WHERE uuid = ANY(%(project)s) AND customer_uuid = ANY(%(customers)s)
UNION ALL
SELECT 'offering', uuid FROM offering WHERE uuid = ANY(%(offering)s) AND customer_uuid = ANY(%(customers)s)
UNION ALL
SELECT 'plan', p.uuid FROM plan p JOIN offering o ON o.uuid = p.offering_uuid
WHERE p.uuid = ANY(%(plan)s) AND o.customer_uuid = ANY(%(customers)s)
UNION ALL
SELECT 'resource', uuid FROM resource WHERE uuid = ANY(%(resource)s)
    AND (customer_uuid = ANY(%(customers)s) OR provider_uuid = ANY(%(customers)s))"""


NAMING_CUSTOMERS = [
    topic for topic, keys in CUSTOMERS_BY.items() if {kind for kind, _ in keys} == {"customer"}
]
"""Topics of facts that name all of their customers themselves."""

OTHERS = [topic for topic in CUSTOMERS_BY if topic not in NAMING_CUSTOMERS]


class _Named(msgspec.Struct):
    """The ids in a fact that may lead to a customer."""

    uuid: UUID | None = None
    customer_uuid: UUID | None = None
    provider_uuid: UUID | None = None
    project_uuid: UUID | None = None
    offering_uuid: UUID | None = None
    plan_uuid: UUID | None = None
    resource_uuid: UUID | None = None


class _State(_Named):
    entity: _Named | None = None


_STATES = msgspec.json.Decoder(_State)


class Stored(NamedTuple):
    """A fact by its topic and its state, as the journal stores them."""

    topic: str
    state: bytes


def are_of(cursor: Cursor[DictRow], customers: Collection[UUID], facts: Sequence[Stored]) -> list[bool]:
    """Return of each fact, in order, whether it is of one of the customers."""
    named = [_named_by(fact) for fact in facts]
    own = _own(cursor, customers, {each for references in named for each in references})
    return [not own.isdisjoint(references) for references in named]


def _named_by(fact: Stored) -> list[Reference]:
    keys = CUSTOMERS_BY.get(fact.topic)
    if keys is None:
        return []
    try:
        state = _STATES.decode(fact.state)
    except msgspec.DecodeError:  # nobody can tell whose it is
        return []
    about = state.entity or state
    return [(kind, uuid) for kind, key in keys if (uuid := getattr(about, key)) is not None]


def _own(
    cursor: Cursor[DictRow], customers: Collection[UUID], references: Iterable[Reference]
) -> set[Reference]:
    """Return those of the references that lead to one of the customers."""
    own: set[Reference] = {("customer", uuid) for uuid in customers}
    asked: dict[str, list[UUID]] = {"project": [], "offering": [], "plan": [], "resource": []}
    for kind, uuid in references:
        if kind != "customer":
            asked[kind].append(uuid)
    if any(asked.values()):
        rows = cursor.execute(SELECT_OWN, {**asked, "customers": list(customers)})
        own |= {(row["kind"], row["uuid"]) for row in rows}
    return own
