"""Decides what a report of single users' usage leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID, uuid5

from msgspec import structs

from ledger import errors
from ledger.decisions.state import ReportingContext
from ledger.decisions.usage import ReportDecision, checked, may_backfill, usage_reported
from ledger.domain.access import Caller
from ledger.domain.metering import MeteredResource, Ownership
from ledger.domain.people import Person
from ledger.domain.records import Record, UsageRow, UserRow, record_stream
from ledger.domain.reports import Measured, UserUsageItem, UserUsageReport
from ledger.events import Fact, UserUsageReported

BACKFILL_DESCRIPTION = "Created for user usage backfill"


def report_user_usages(
    report: UserUsageReport,
    context: ReportingContext,
    people: Mapping[str, Person],
    caller: Caller,
    now: datetime,
    zone: tzinfo,
    *,
    is_correction: bool = False,
) -> ReportDecision:
    """Decide what follows from a report of users' shares of a component usage; its last item is its figure.

    An item with a date goes to the oldest component usage of that date's month, which is made where
    there is none. A correction may change any month. Raises NotPermitted, FigureTooLarge, or ItemsRefused
    aligned with the items.
    """
    resource = context.resource
    if not caller.may_report(resource.resource.offering_uuid, resource.provider_uuid):
        raise errors.NotPermitted
    component = next(c for c in resource.components if c.uuid == report.component_uuid)
    component_type = component.component_type
    refusals: list[errors.Refusal | None] = []
    drafts: dict[date, _Draft] = {}
    stated: tuple[UUID | None, bool] = None, False
    for item in report.items:
        month = item.month(report.month, zone)
        if month not in drafts:
            record = context.record(component.uuid, month)
            owned = resource.ownership(component)
            drafts[month] = _Draft(owned, month, record, caller.user_uuid, now, is_correction)
        draft = drafts[month]
        target = draft.oldest_row(item.measured) if item.measured else draft.row(report.usage_uuid)
        try:
            if not is_correction:
                _check_date(item, component_type, resource, caller, now, zone)
                resource.check_open(month)
            _check_limit(item, report, target, context)
            stated = draft.put(target, people[item.username], item)
            refusals.append(None)
        except errors.Refusal as refusal:
            refusals.append(refusal)
    _raise_all(refusals, report)
    return ReportDecision([fact for draft in drafts.values() for fact in draft.finished()], *stated)


def _raise_all(refusals: list[errors.Refusal | None], report: UserUsageReport) -> None:
    """Raise the refusals of the items that were read with those of the others, where there are any."""
    for place, item in sorted(report.invalid.items()):
        refusals.insert(place, item)
    if any(refusals):
        raise errors.ItemsRefused(refusals)


def _check_date(
    item: UserUsageItem,
    component_type: str,
    resource: MeteredResource,
    caller: Caller,
    now: datetime,
    zone: tzinfo,
) -> None:
    """Raise MonthIsClosed where a written date comes too late. A date that nobody wrote is our clock's."""
    measured = item.measured
    if measured is None or measured.written is None:
        return
    if not may_backfill(measured, {component_type}, resource, caller, now, zone):
        raise errors.MonthIsClosed


def _check_limit(
    item: UserUsageItem, report: UserUsageReport, target: UsageRow, context: ReportingContext
) -> None:
    limit = context.user_limits.get(item.offering_user_uuid) if item.offering_user_uuid else None
    if limit is None:
        return
    # The usage that the item replaces counts too, and always that of the addressed component usage:
    # Waldur does so, and agents are used to it.
    addressed = report.usage_uuid or target.usage_uuid
    current = sum(
        (
            user.amount
            for user in context.record(report.component_uuid, report.month).users.values()
            if user.usage_uuid == addressed and user.offering_user_uuid == item.offering_user_uuid
        ),
        Decimal(0),
    )
    additional = item.amount or Decimal(0)
    if current + additional > limit:
        raise errors.UserLimitExceeded(limit, current, additional)


@dataclass
class _Draft:
    """One record while the items of a report are applied to it, and the facts that this leads to."""

    ownership: Ownership
    month: date
    record: Record
    reported_by: UUID
    now: datetime
    is_correction: bool
    stream: UUID = field(init=False)
    new_row: UsageRow | None = None
    usage_facts: list[Fact] = field(default_factory=list)
    shares: dict[UUID, dict[UUID, tuple[UserRow, Person, UserUsageItem]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stream = record_stream(self.ownership.resource_uuid, self.ownership.component_uuid, self.month)

    def row(self, usage_uuid: UUID | None) -> UsageRow:
        return next(row for row in self.record.rows if row.usage_uuid == usage_uuid)

    def oldest_row(self, measured: Measured) -> UsageRow:
        """Return the month's first row. Where there is none, one is made, with nothing used and no plan."""
        if self.record.rows:
            return self.record.rows[0]
        if self.new_row is None:
            place = (self.stream, self.record.version + 1)
            self.new_row = UsageRow(
                usage_uuid=uuid5(self.stream, str(place[1])),
                amount=Decimal(0),
                measured_at=measured.at,
                plan_uuid=None,
                plan_period_uuid=None,
                missing_usage_policy="none",
                description=BACKFILL_DESCRIPTION,
                reported_by=self.reported_by,
            )
            self.usage_facts = [
                usage_reported(
                    place, self.ownership, self.month, self.new_row, Decimal(0), measured, self.now
                )
            ]
        return self.new_row

    def put(self, target: UsageRow, person: Person, item: UserUsageItem) -> tuple[UUID, bool]:
        """Apply an item: only the amount of a known user changes, and the last item of a user counts.

        Returns the id of the user's figure, and whether it is new. Raises AmountMissing for a known user.
        """
        shares = self.shares.setdefault(target.usage_uuid, {})
        key = (target.usage_uuid, person.uuid)
        before = shares[person.uuid][0] if person.uuid in shares else self.record.users.get(key)
        if before and item.amount is None:
            raise errors.AmountMissing
        user = UserRow(
            usage_uuid=target.usage_uuid,
            user_usage_uuid=before.user_usage_uuid if before else uuid5(target.usage_uuid, person.uuid.hex),
            person=person.uuid,
            amount=item.amount or Decimal(0),
            offering_user_uuid=before.offering_user_uuid if before else item.offering_user_uuid,
        )
        shares[person.uuid] = (user, person, item)
        return user.user_usage_uuid, before is None

    def finished(self) -> list[Fact]:
        facts = list(self.usage_facts)
        for usage_uuid, shares in self.shares.items():
            total = self._total_taken_over(usage_uuid, shares)
            *_, last = shares
            for person_uuid, (user, person, item) in shares.items():
                takes_over = total if person_uuid == last else None
                is_new = user != self.record.users.get((usage_uuid, person_uuid))
                if is_new or takes_over is not None or self.is_correction:
                    version = self.record.version + len(facts) + 1
                    facts.append(self._user_usage_reported(version, user, person, item, takes_over))
        return facts

    def _total_taken_over(
        self, usage_uuid: UUID, shares: Mapping[UUID, tuple[UserRow, Person, UserUsageItem]]
    ) -> Decimal | None:
        """Return the sum of all users where the component usage itself stands at zero, else None.

        A correction changes the figures that it names, and no other.
        """
        target = self.new_row or self.row(usage_uuid)
        if self.is_correction or target.amount != 0:
            return None
        total = self.record.totals.get(usage_uuid, Decimal(0))
        assert total is not None, "it is read of a usage that stands at zero"
        for person, (user, _, _) in shares.items():
            before = self.record.users.get((usage_uuid, person))
            total += user.amount - (before.amount if before else 0)
        return checked(total) if total > 0 else None

    def _user_usage_reported(
        self, version: int, user: UserRow, person: Person, item: UserUsageItem, total: Decimal | None
    ) -> UserUsageReported:
        return UserUsageReported(
            originator_id=self.stream,
            originator_version=version,
            recorded_at=self.now,
            **structs.asdict(self.ownership),
            month=self.month,
            usage_uuid=user.usage_uuid,
            user_usage_uuid=user.user_usage_uuid,
            person=person.uuid,
            commitment=person.commitment,
            amount=user.amount,
            offering_user_uuid=user.offering_user_uuid,
            total=total,
            measured_at=item.measured.at if item.measured else self.now,
            written_date=item.measured.written if item.measured else None,
            reported_by=self.reported_by,
        )
