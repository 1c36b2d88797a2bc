"""What a batch of reports is decided on, and how it changes with every fact that is decided.

Reports of one batch see what those before them led to, as if each had been appended and projected alone.
So `DecisionState.evolve` does to values what the writers do to rows; a test compares the two.
"""

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, structs

from ledger.decisions.idempotency import Remembered
from ledger.domain.metering import MeteredResource
from ledger.domain.people import Person
from ledger.domain.records import NO_RECORD, Record, RecordKey, UsageRow, UserRow
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.events import Fact, PlanPeriodDescribed, UsageReported, UserUsageReported

NOT_STORED_YET = sys.maxsize
"""Stands for the position of a fact that was decided a moment ago."""

UserLimits = Mapping[tuple[UUID, UUID], Mapping[UUID, Decimal]]
"""By resource and component: how much each offering user may use of it."""


class ReportingContext(Struct, frozen=True, kw_only=True):
    """The basis on which a report about one resource is decided."""

    resource: MeteredResource
    records: Mapping[RecordKey, Record]
    user_limits: Mapping[UUID, Decimal] = {}
    """Limits of the addressed component by offering user; known for user usages only."""

    def record(self, component_uuid: UUID, month: date) -> Record:
        return self.records.get((self.resource.resource.uuid, component_uuid, month), NO_RECORD)


class DecisionState(Struct, frozen=True, kw_only=True):
    """Resources with what is needed of them, records, limits, and people by their usernames.

    `people` are those whom reports name, `new_people` those of them whom the journal does not know yet.
    `changes` are facts with their positions, by stream, where reports ask for them: since the first position
    that one asks for. `head` is the journal's last position, as of which all is, and `described` that of the
    last one that described something. `remembered` says, by
    stream, what came of requests that have their keys from before.
    """

    resources: MutableMapping[UUID, MeteredResource]
    records: MutableMapping[RecordKey, Record]
    user_limits: UserLimits = {}
    people: Mapping[str, Person] = {}
    new_people: Mapping[str, Person] = {}
    changes: MutableMapping[UUID, tuple[tuple[int, Fact], ...]] = {}
    head: int = 0
    described: int = 0
    remembered: Mapping[UUID, Remembered] = {}

    def context_of(self, resource_uuid: UUID, component_uuid: UUID | None = None) -> ReportingContext:
        """Return what a report about a resource, or about users of this component of it, is decided by."""
        limits = self.user_limits.get((resource_uuid, component_uuid), {}) if component_uuid else {}
        return ReportingContext(
            resource=self.resources[resource_uuid], records=self.records, user_limits=limits
        )

    def fork(self) -> "DecisionState":
        """Return a copy to go on with: `merge` takes it over, or it is forgotten."""
        return structs.replace(
            self,
            resources=dict(self.resources),
            records=dict(self.records),
            changes=dict(self.changes),
        )

    def merge(self, branch: "DecisionState") -> None:
        """Take over what a fork has come to."""
        self.resources.update(branch.resources)
        self.records.update(branch.records)
        self.changes.update(branch.changes)

    def evolve(self, fact: Fact) -> None:
        """Go on to the state after a fact, which has no position yet."""
        if fact.originator_id in self.changes:
            self.changes[fact.originator_id] += ((NOT_STORED_YET, fact),)
        match fact:
            case PlanPeriodDescribed(entity=period):
                resource = self.resources[period.resource_uuid]
                others = (each for each in resource.plan_periods if each.uuid != period.uuid)
                self.resources[period.resource_uuid] = structs.replace(
                    resource, plan_periods=(*others, period)
                )
            case UsageReported():
                key = (fact.resource_uuid, fact.component_uuid, fact.month)
                self.records[key] = with_usage(self.records.get(key, NO_RECORD), fact)
            case UserUsageReported():
                key = (fact.resource_uuid, fact.component_uuid, fact.month)
                self.records[key] = with_user_usage(self.records.get(key, NO_RECORD), fact)


def with_usage(record: Record, fact: UsageReported) -> Record:
    """Return a record after a report: the row of its plan is replaced, and the policies of the others end.

    A correction leaves those as they are: nobody said anything of the months after.
    """
    row = UsageRow(
        usage_uuid=fact.usage_uuid,
        amount=fact.plan_amount,
        measured_at=fact.measured_at,
        plan_uuid=fact.plan_uuid,
        plan_period_uuid=fact.plan_period_uuid,
        missing_usage_policy=fact.missing_usage_policy,
        description=fact.description,
        reported_by=fact.reported_by,
    )
    ends_policy = fact.correction_uuid is None
    rows = {each.usage_uuid: without_policy(each) if ends_policy else each for each in record.rows}
    rows[fact.usage_uuid] = row
    return structs.replace(record, version=fact.originator_version, rows=tuple(rows.values()))


def without_policy(row: UsageRow) -> UsageRow:
    """Return a row that assumes nothing of the months after."""
    return row if row.missing_usage_policy == "none" else structs.replace(row, missing_usage_policy="none")


def with_user_usage(record: Record, fact: UserUsageReported) -> Record:
    """Return a record after a report of one of its users, which may give their total to the row."""
    user = UserRow(
        usage_uuid=fact.usage_uuid,
        user_usage_uuid=fact.user_usage_uuid,
        person=fact.person,
        amount=fact.amount,
        offering_user_uuid=fact.offering_user_uuid,
    )
    before = record.users.get((user.usage_uuid, user.person))
    users = {**record.users, (user.usage_uuid, user.person): user}
    total = record.totals.get(user.usage_uuid, Decimal(0))
    if total is not None:
        total += user.amount - (before.amount if before else 0)
    rows = record.rows
    if fact.total is not None:
        rows = tuple(
            structs.replace(row, amount=fact.total) if row.usage_uuid == fact.usage_uuid else row
            for row in rows
        )
    totals = {**record.totals, user.usage_uuid: total}
    return Record(version=fact.originator_version, rows=rows, users=users, totals=totals)


def records_of(
    report: ReadableReport, resource: MeteredResource, now: datetime, zone: tzinfo
) -> Iterator[RecordKey]:
    """Yield the records that a report is decided on."""
    if isinstance(report, UserUsageReport):
        for month in {report.month, *(item.month(report.month, zone) for item in report.items)}:
            yield report.resource_uuid, report.component_uuid, month
    else:
        month = report.month(now, zone)
        for item in report.items:
            if component := resource.find_component(item.component_type):
                yield report.resource_uuid, component.uuid, month
