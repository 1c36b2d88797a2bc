"""The rows that a step makes of component usages: one each (`projections/history/steps.py`).

A report ends the missing-usage policy of the other usages of its record, those of other plans: only the last
report of a month says what to assume of the next. An import does not: it brings all usages of a record with
the policies that they had elsewhere. Nor does a correction, which says nothing of the next. `END_POLICIES`
does so for rows, and `ledger/decisions/state.py` for the reports that are decided next.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from ledger.events import Report, UsageReported, UserUsageReported


class ComponentUsageRow(Struct):
    """A usage as reports state it, by the columns of `component_usage`."""

    resource_uuid: UUID
    uuid: UUID
    id: int
    since: int
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
    correction_uuid: UUID | None


class UsageDelta(NamedTuple):
    """The changes that a step makes to usages, by their uuids.

    `first`: usages that are the first fact of their record. `reported`: usages whose siblings lose their
    missing-usage policy. `totals`: versions and totals of usages that have no row in this step.
    """

    rows: dict[UUID, ComponentUsageRow]
    first: list[UUID]
    reported: set[UUID]
    totals: dict[UUID, dict[str, Any]]


def usage_rows(facts: Sequence[tuple[int, Report]]) -> UsageDelta:
    """Return what reports, with their positions and in order, change of usages."""
    delta = rows, first, reported, totals = UsageDelta({}, [], set(), {})
    for position, fact in facts:
        if isinstance(fact, UsageReported):
            if fact.originator_version == 1:
                first.append(fact.usage_uuid)
            elif fact.source != "import" and fact.correction_uuid is None:
                reported.add(fact.usage_uuid)
            rows[fact.usage_uuid] = _row(position, fact)
        elif isinstance(fact, UserUsageReported):
            _take_over(position, fact, rows.get(fact.usage_uuid), totals)
    return delta


def _row(position: int, fact: UsageReported) -> ComponentUsageRow:
    return ComponentUsageRow(
        resource_uuid=fact.resource_uuid,
        uuid=fact.usage_uuid,
        id=position,
        since=position,
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
        created=fact.created_at or fact.recorded_at,
        correction_uuid=fact.correction_uuid,
    )


def _take_over(
    position: int,
    fact: UserUsageReported,
    row: ComponentUsageRow | None,
    totals: dict[UUID, dict[str, Any]],
) -> None:
    """Take the version over from a report of users, and the total that it may have.

    A total makes the usage another row; a version alone is of no answer.
    """
    if row:
        row.version = fact.originator_version
        return
    total = totals.setdefault(
        fact.usage_uuid,
        {
            "resource_uuid": fact.resource_uuid,
            "component_uuid": fact.component_uuid,
            "billing_period": fact.month,
            "uuid": fact.usage_uuid,
            "usage": None,
            "since": None,
            "correction_uuid": None,
        },
    )
    total["version"] = fact.originator_version
    if fact.total is not None:
        total |= {"usage": fact.total, "since": position, "correction_uuid": fact.correction_uuid}
