"""What a batch of facts says of component usages: one row for each, so that a statement touches it once."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from ledger.events import Fact, UsageReported, UserUsageReported


class Row(Struct):
    """What facts say of a usage, by the names of the columns."""

    resource_uuid: UUID
    uuid: UUID
    id: int
    version: int
    component_uuid: UUID
    component_type: str
    project_uuid: UUID
    customer_uuid: UUID
    offering_uuid: UUID
    provider_uuid: UUID
    billing_period: date
    plan_uuid: UUID | None
    plan_period_uuid: UUID | None
    usage: Decimal
    measured_at: datetime
    missing_usage_policy: str
    description: str
    reported_by: UUID | None
    created: datetime


class Folded(NamedTuple):
    """What a batch comes to, by the uuids of usages.

    `first` are those that begin a record, `reported` those that end the policies of the
    others; `totals` is what reports of users say of usages without a row here.
    """

    rows: dict[UUID, Row]
    first: list[UUID]
    reported: set[UUID]
    totals: dict[UUID, dict[str, Any]]


def fold(facts: Sequence[tuple[int, Fact]]) -> Folded:
    """The rows that facts lead to, which come with their positions, in order."""
    folded = rows, first, reported, totals = Folded({}, [], set(), {})
    records: dict[UUID, list[UUID]] = {}
    for position, fact in facts:
        if isinstance(fact, UsageReported):
            of_record = records.setdefault(fact.originator_id, [])
            if fact.originator_version == 1:
                first.append(fact.usage_uuid)
            if fact.source != "import":
                if fact.originator_version > 1:  # else there are no others
                    reported.add(fact.usage_uuid)
                for other in of_record:
                    rows[other].missing_usage_policy = "none"
            rows[fact.usage_uuid] = _row(position, fact, rows.get(fact.usage_uuid))
            if fact.usage_uuid not in of_record:
                of_record.append(fact.usage_uuid)
        elif isinstance(fact, UserUsageReported):
            _take_over(fact, rows.get(fact.usage_uuid), totals)
    return folded


def _row(position: int, fact: UsageReported, before: Row | None) -> Row:
    return Row(
        resource_uuid=fact.resource_uuid,
        uuid=fact.usage_uuid,
        id=before.id if before else position,
        version=fact.originator_version,
        component_uuid=fact.component_uuid,
        component_type=fact.component_type,
        project_uuid=fact.project_uuid,
        customer_uuid=fact.customer_uuid,
        offering_uuid=fact.offering_uuid,
        provider_uuid=fact.provider_uuid,
        billing_period=fact.month,
        plan_uuid=fact.plan_uuid,
        plan_period_uuid=fact.plan_period_uuid,
        usage=fact.plan_amount,
        measured_at=fact.measured_at,
        missing_usage_policy=fact.missing_usage_policy,
        description=fact.description,
        reported_by=fact.reported_by,
        created=before.created if before else fact.created_at or fact.recorded_at,
    )


def _take_over(fact: UserUsageReported, row: Row | None, totals: dict[UUID, dict[str, Any]]) -> None:
    if row:
        row.version = fact.originator_version
        row.usage = row.usage if fact.total is None else fact.total
        return
    total = totals.setdefault(
        fact.usage_uuid,
        {
            "resource_uuid": fact.resource_uuid,
            "component_uuid": fact.component_uuid,
            "billing_period": fact.month,
            "uuid": fact.usage_uuid,
            "usage": None,
        },
    )
    total["version"] = fact.originator_version
    if fact.total is not None:
        total["usage"] = fact.total
