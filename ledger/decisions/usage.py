"""Decides what a report of a resource's usage leads to.

A decision is a function of (the report, the context, who asks, now) to facts. It reads nothing and appends
nothing; it returns all facts of a report, or raises a refusal.

The rules are Waldur's: a dated report goes to the plan that was in force then, a negative amount of a
usage-billed component counts as zero (the fact keeps it as it was sent), and a report that changes nothing
appends nothing. One without a date is dated now, which is a change. A provider may report a past month only
of components that are billed by limit or once, because there are no invoices here that could still be open.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from msgspec import structs

from ledger import errors
from ledger.decisions.state import ReportingContext
from ledger.domain import months
from ledger.domain.access import Caller
from ledger.domain.catalogue import NAMESPACE, Component, PlanPeriod, ResourceState
from ledger.domain.metering import MeteredResource, Ownership
from ledger.domain.records import Record, UsageRow, record_stream
from ledger.domain.reports import Measured, UsageItem, UsageReport
from ledger.events import Fact, PlanPeriodDescribed, UsageReported

REPORTABLE_STATES = {ResourceState.OK, ResourceState.UPDATING, ResourceState.TERMINATING}
TOO_LARGE = Decimal(10) ** 18
CLOCKS_DIFFER = timedelta(seconds=60)
"""How far ahead of our clock a date may be before it counts as one of the future."""
STATES_WITH_A_PLAN_IN_FORCE = {ResourceState.OK, ResourceState.UPDATING}


class ReportDecision(NamedTuple):
    """The facts that a report leads to, none where nothing would change, and the figure that it states.

    `is_new`: the figure was not there before. `uuid` is None for a report that states nothing.
    """

    facts: list[Fact]
    uuid: UUID | None = None
    is_new: bool = False


def report_usage(
    report: UsageReport,
    context: ReportingContext,
    caller: Caller,
    now: datetime,
    zone: tzinfo,
    *,
    is_correction: bool = False,
) -> ReportDecision:
    """Decide what follows from a report of a resource's usage. Its last item is the figure that it states.

    A correction may change any month, of a resource that has ended too, and what it leaves out stays. It has
    a fact of each figure, also of one that is as it should be: so nobody states another one meanwhile.
    """
    measured_at = report.measured.at if report.measured else now
    month = report.month(now, zone)
    if is_correction:
        _check_correction(report, context.resource, caller, now)
    else:
        _check_usage(report, context.resource, caller, now, zone)
    facts: list[Fact] = []
    usage_uuid, is_new = None, False
    period = report.plan_period or context.resource.plan_period_at(measured_at, months.bounds(month, zone))
    if period is None and report.items and _is_under_its_first_plan(context.resource, month, now, zone):
        period = _first_plan_period(context.resource)
        facts.append(_period_described(period, caller, now))
    last_of_each_type = {item.component_type: item for item in report.items}
    for item in last_of_each_type.values():
        component = context.resource.component(item.component_type)
        record = context.record(component.uuid, month)
        stream = record_stream(report.resource_uuid, component.uuid, month)
        target = _target(record, period)
        others = [row for row in record.rows if row is not target]
        # Derived from the version that its first fact gets, so a replay derives the same.
        usage_uuid = target.usage_uuid if target else uuid5(stream, str(record.version + 1))
        if is_correction and target:
            item = _completed(item, target)
        row = UsageRow(
            usage_uuid=usage_uuid,
            amount=_plan_amount(item, component, others, context.resource, period),
            measured_at=measured_at,
            plan_uuid=period.plan_uuid if period else None,
            plan_period_uuid=period.uuid if period else None,
            missing_usage_policy=item.missing_usage_policy,
            description=item.description,
            reported_by=caller.user_uuid,
        )
        is_new = target is None
        # A report ends the missing-usage policy of the other rows.
        ends_policy = not is_correction and any(other.missing_usage_policy != "none" for other in others)
        if row != target or ends_policy or is_correction:
            place, ownership = (stream, record.version + 1), context.resource.ownership(component)
            facts.append(usage_reported(place, ownership, month, row, item.amount, report.measured, now))
    return ReportDecision(facts, usage_uuid, is_new)


def _completed(item: UsageItem, row: UsageRow) -> UsageItem:
    """Return an item with the policy and the description of the row, where it leaves them out."""
    policy = row.missing_usage_policy if item.missing_usage_policy == "none" else item.missing_usage_policy
    return structs.replace(item, missing_usage_policy=policy, description=item.description or row.description)


def _check_correction(report: UsageReport, resource: MeteredResource, caller: Caller, now: datetime) -> None:
    """Raise the first refusal of an item of a correction: its month may be closed, and its resource ended."""
    if not caller.may_report(resource.resource.offering_uuid, resource.provider_uuid):
        raise errors.NotPermitted
    if resource.resource.plan_uuid is None:
        raise errors.ResourceHasNoPlan
    if wrong := resource.not_reportable({item.component_type for item in report.items}):
        raise errors.ComponentsNotReportable(wrong)
    if report.measured and report.measured.at - now > CLOCKS_DIFFER:
        raise errors.MeasuredInFuture


def _check_usage(
    report: UsageReport, resource: MeteredResource, caller: Caller, now: datetime, zone: tzinfo
) -> None:
    """Raise the first refusal, in the order in which the wire answers.

    The right to report comes last but for closed months, of which only those learn who may report there.
    """
    component_types = {item.component_type for item in report.items}
    may_report = caller.may_report(resource.resource.offering_uuid, resource.provider_uuid)
    if resource.resource.plan_uuid is None:
        raise errors.ResourceHasNoPlan
    if resource.resource.state not in REPORTABLE_STATES:
        raise errors.ResourceNotInValidState
    if wrong := resource.not_reportable(component_types):
        raise errors.ComponentsNotReportable(wrong)
    if report.measured and report.measured.at - now > CLOCKS_DIFFER:
        raise errors.MeasuredInFuture
    if report.measured and not may_report:
        raise errors.MayNotBackfill
    if report.measured and not may_backfill(report.measured, component_types, resource, caller, now, zone):
        raise errors.MonthIsClosed
    if not may_report:
        raise errors.NotPermitted
    resource.check_open(report.month(now, zone))


def may_backfill(
    measured: Measured,
    component_types: set[str],
    resource: MeteredResource,
    caller: Caller,
    now: datetime,
    zone: tzinfo,
) -> bool:
    """Return whether the caller's reports with this date come in time: staff's always do.

    A month is open while it is current for the ledger, in UTC, or where the date was written.
    """
    written_in = measured.at.tzinfo
    assert written_in is not None, "moments are aware"
    return (
        caller.is_staff
        or months.is_open(measured.month(zone), now, (zone, UTC, written_in))
        or resource.backfillable(component_types)
    )


def _is_under_its_first_plan(resource: MeteredResource, month: date, now: datetime, zone: tzinfo) -> bool:
    """Return whether the catalogue left the resource's only plan period unsaid. Past months never get one."""
    return (
        not resource.plan_periods
        and resource.resource.state in STATES_WITH_A_PLAN_IN_FORCE
        and month >= months.month_of(now, zone)
    )


def _first_plan_period(resource: MeteredResource) -> PlanPeriod:
    assert resource.resource.plan_uuid is not None, (
        "checked before: a resource without a plan takes no reports"
    )
    return PlanPeriod(
        uuid=uuid5(NAMESPACE, f"first plan period of {resource.resource.uuid.hex}"),
        resource_uuid=resource.resource.uuid,
        plan_uuid=resource.resource.plan_uuid,
        start=resource.resource.created,
    )


def _period_described(period: PlanPeriod, caller: Caller, now: datetime) -> PlanPeriodDescribed:
    return PlanPeriodDescribed(
        originator_id=period.stream,
        originator_version=1,
        recorded_at=now,
        source="api",
        described_by=caller.user_uuid,
        entity=period,
    )


def _target(record: Record, period: PlanPeriod | None) -> UsageRow | None:
    """Return the row of the report's plan, else one without a plan, which it adopts, else None."""
    plan_uuid = period.plan_uuid if period else None
    for wanted in (plan_uuid, None):
        for row in record.rows:
            if row.plan_uuid == wanted:
                return row
    return None


def _plan_amount(
    item: UsageItem,
    component: Component,
    others: Sequence[UsageRow],
    resource: MeteredResource,
    period: PlanPeriod | None,
) -> Decimal:
    """Return this row's part of the month's total: usage-billed components leave other plans theirs."""
    plan = resource.plan(period.plan_uuid if period else resource.resource.plan_uuid)
    if component.billing_type_under(plan) != "usage":
        return item.amount
    of_others = sum((row.amount for row in others), Decimal(0))
    return checked(max(Decimal(0), item.amount - of_others))


def checked(figure: Decimal) -> Decimal:
    """Return the figure. Raises FigureTooLarge: reported amounts are smaller, sums of several may not be."""
    if abs(figure) >= TOO_LARGE:
        raise errors.FigureTooLarge
    return figure


def usage_reported(
    place: tuple[UUID, int],
    ownership: Ownership,
    month: date,
    row: UsageRow,
    amount: Decimal,
    measured: Measured | None,
    now: datetime,
) -> UsageReported:
    return UsageReported(
        originator_id=place[0],
        originator_version=place[1],
        recorded_at=now,
        **structs.asdict(ownership),
        month=month,
        usage_uuid=row.usage_uuid,
        amount=amount,
        plan_amount=row.amount,
        measured_at=row.measured_at,
        written_date=measured.written if measured else None,
        plan_uuid=row.plan_uuid,
        plan_period_uuid=row.plan_period_uuid,
        missing_usage_policy=row.missing_usage_policy,
        description=row.description,
        reported_by=row.reported_by,
    )
