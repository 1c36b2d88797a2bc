"""What the items of a correction come to, as the reports that they are, and items as facts keep them.

Items are decided in their order, on what those before them led to, as those of a bulk report are.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import structs

from ledger import errors
from ledger.decisions.idempotency import Outcome
from ledger.decisions.requests import AnyReport, ReportCommand, decide
from ledger.decisions.state import DecisionState
from ledger.domain.billing.corrections import CorrectionItem, report_of_component, report_of_user
from ledger.domain.catalogue import Component
from ledger.domain.metering import MeteredResource
from ledger.domain.records import Record, RecordKey
from ledger.domain.reports import Measured, ReadableReport, UsageReport, UserUsageReport
from ledger.events import Fact, PlanPeriodDescribed, UsageReported, UserUsageReported

FORGOTTEN = "Whose figure this is was forgotten: it can't be changed any more."
MOVED = (
    "The figure is of another offering's {}, in which the resource was when this was proposed: it can't be"
    " stated any more."
)
NO_DATE = "Say by a date which month is meant: a correction does not take it for the current one."


class Figure(NamedTuple):
    """The outcome of an item: its figure and the amounts before and after, or why it is refused.

    `before` is None where there is no figure yet.
    """

    uuid: UUID | None = None
    before: Decimal | None = None
    after: Decimal | None = None
    refusal: errors.LedgerError | None = None
    facts: tuple[Fact, ...] = ()


def figures_of(command: ReportCommand, state: DecisionState, zone: tzinfo) -> list[Figure]:
    """Return what each report of a correction comes to, all decided in order. `state` goes on with them.

    An item is refused, too, if one before it is about the same figure, or of another provider. Raises what
    the command's `check_caller` raises.
    """
    before = _amounts(state.records)
    outcomes = decide(structs.replace(command, is_atomic=False), state, zone)
    figures, places = list[Figure](), dict[UUID, int]()
    provider = _first_provider(command.reports, state.resources)
    for place, (report, outcome) in enumerate(zip(command.reports, outcomes, strict=True)):
        refusal = outcome.refusal or _misplaced(report, outcome, state.resources, provider, places)
        if outcome.uuid is not None:
            places.setdefault(outcome.uuid, place)
        if refusal or isinstance(report, errors.InvalidItem):
            figures.append(Figure(uuid=outcome.uuid, refusal=refusal))
        else:
            figures.append(_figure(outcome, before.get(outcome.uuid) if outcome.uuid else None))
    return figures


def _first_provider(reports: Sequence[AnyReport], resources: Mapping[UUID, MeteredResource]) -> UUID | None:
    readable = (each for each in reports if not isinstance(each, errors.InvalidItem))
    return next((resources[each.resource_uuid].provider_uuid for each in readable), None)


def _misplaced(
    report: AnyReport,
    outcome: Outcome,
    resources: Mapping[UUID, MeteredResource],
    provider: UUID | None,
    places: Mapping[UUID, int],
) -> errors.Refusal | None:
    """Return why a report that may be stored is no part of this correction, if it is not."""
    assert not isinstance(report, errors.InvalidItem), "it is refused"
    if outcome.uuid is not None and outcome.uuid in places:
        return errors.SameFigure(places[outcome.uuid])
    if resources[report.resource_uuid].provider_uuid != provider:
        return errors.OfOtherProvider()
    if isinstance(report, UsageReport):
        is_dated = report.measured is not None
    else:
        measured = report.items[0].measured
        is_dated = report.usage_uuid is not None or (measured is not None and measured.written is not None)
    return None if is_dated else errors.InvalidItem({"date": [NO_DATE]})


def _figure(outcome: Outcome, before: Decimal | None) -> Figure:
    changed = [each for each in outcome.facts if not isinstance(each, PlanPeriodDescribed)]
    match changed[-1:]:
        case [UsageReported(plan_amount=amount)] | [UserUsageReported(amount=amount)]:
            return Figure(outcome.uuid, before, amount, None, outcome.facts)
        case _:
            return Figure(outcome.uuid, before, before)


def _amounts(records: Mapping[RecordKey, Record]) -> dict[UUID, Decimal]:
    """Return what the figures of records are, by their uuids."""
    amounts = dict[UUID, Decimal]()
    for record in records.values():
        amounts.update({row.usage_uuid: row.amount for row in record.rows})
        amounts.update({user.user_usage_uuid: user.amount for user in record.users.values()})
    return amounts


def check_figures(figures: Sequence[Figure]) -> None:
    """Raise NotPermitted if the caller may report none of these, CorrectionRefused for other refusals."""
    refusals = [each.refusal for each in figures]
    if all(isinstance(each, errors.NotPermitted) for each in refusals):
        raise errors.NotPermitted
    if any(refusals):
        raise errors.CorrectionRefused(refusals)


def putting_back(items: Sequence[CorrectionItem], state: DecisionState) -> list[CorrectionItem]:
    """Return items that make their figures what their amounts say, in the plans in which the figures stand.

    Reports state the total of a month: where several plans have a part of it, that of the others is added, as
    it is when those before are put back. An item is refused once anybody has stated the month's figure since.
    """
    put_back = dict[UUID | None, Decimal]()
    stated = []
    for item in items:
        stated.append(_putting_back(item, put_back, state))
        put_back[item.figure_uuid] = item.amount
    return stated


def _putting_back(
    item: CorrectionItem, put_back: Mapping[UUID | None, Decimal], state: DecisionState
) -> CorrectionItem:
    item = structs.replace(item, expected=state.head)
    resource = state.resources.get(item.ownership.resource_uuid)
    if item.person or resource is None or (component := _component_of(item, resource)) is None:
        return item  # it is a user's, or refused
    record = state.context_of(resource.resource.uuid).record(component.uuid, item.month)
    row = next(each for each in record.rows if each.usage_uuid == item.figure_uuid)
    others = Decimal(0)
    if component.billing_type_under(resource.plan(row.plan_uuid)) == "usage":
        amounts = (put_back.get(each.usage_uuid, each.amount) for each in record.rows if each is not row)
        others = sum(amounts, others)
    return structs.replace(item, amount=item.amount + others, plan_period_uuid=row.plan_period_uuid)


def _component_of(item: CorrectionItem, resource: MeteredResource) -> Component | None:
    """Return the component that a report of an item names, None where that would be another one by now."""
    component = resource.find_component(item.ownership.component_type)
    return component if component and component.uuid == item.ownership.component_uuid else None


def item_of(
    report: ReadableReport, figure: Figure, now: datetime, state: DecisionState, zone: tzinfo
) -> CorrectionItem:
    """Return a report as facts keep it, with the figure that it states as it was and would be."""
    resource = state.resources[report.resource_uuid]
    assert figure.after is not None, "it is not refused"
    is_new = figure.before is None
    seen = {"figure_uuid": None if is_new else figure.uuid, "amount_seen": figure.before}
    common: dict[str, Any] = {**seen, "amount_after": figure.after}
    common |= {"expected": report.expected, "reason": report.reason}
    if isinstance(report, UserUsageReport):
        (of_user,) = report.items
        assert of_user.amount is not None, "an item states it"
        component = next(each for each in resource.components if each.uuid == report.component_uuid)
        return CorrectionItem(
            **common,
            ownership=resource.ownership(component),
            month=of_user.month(report.month, zone),
            amount=of_user.amount,
            **_when(of_user.measured),
            person=state.people[of_user.username].uuid,
            usage_uuid=report.usage_uuid,
            offering_user_uuid=of_user.offering_user_uuid,
        )
    (stated,) = report.items
    return CorrectionItem(
        **common,
        ownership=resource.ownership(resource.component(stated.component_type)),
        month=report.month(now, zone),
        amount=stated.amount,
        **_when(report.measured),
        plan_period_uuid=report.plan_period.uuid if report.plan_period else None,
        description=stated.description,
        missing_usage_policy=stated.missing_usage_policy,
    )


def _when(measured: Measured | None) -> dict[str, Any]:
    return {"measured_at": measured.at, "written_date": measured.written} if measured else {}


def reports_of(
    items: Sequence[CorrectionItem],
    resources: Mapping[UUID, MeteredResource],
    usernames: Mapping[UUID, str],
) -> list[AnyReport]:
    """Return the reports that items are applied as. `usernames` are those of the people who are known."""
    reports = list[AnyReport]()
    for item in items:
        resource = resources[item.ownership.resource_uuid]
        name = usernames.get(item.person) if item.person else None
        if name:
            reports.append(report_of_user(item, name))
        elif item.person:
            reports.append(errors.InvalidItem({"username": [FORGOTTEN]}))
        elif _component_of(item, resource):
            reports.append(report_of_component(item, resource))
        else:
            reports.append(errors.InvalidItem({"type": [MOVED.format(item.ownership.component_type)]}))
    return reports
