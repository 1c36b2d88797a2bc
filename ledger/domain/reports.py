"""What is reported, and what it is held against: values that pass between the layers."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.domain.catalogue import NAMESPACE, MeteredResource, PlanPeriod, Site
from ledger.domain.months import month_of, month_of_report
from ledger.errors import InvalidItem
from ledger.events import Fact, Policy


class Measured(Struct, frozen=True, kw_only=True):
    """When something was measured: the moment, and the text that it was written with, if it was written."""

    at: datetime
    written: str | None

    def month(self, zone: tzinfo) -> date:
        """The month that is meant. What nobody wrote down is of our clock, and of the ledger's month."""
        return month_of(self.at, zone) if self.written is None else month_of_report(self.at, zone)


class UsageItem(Struct, frozen=True, kw_only=True):
    """The month's total of one component, in its unit."""

    component_type: str
    amount: Decimal
    description: str = ""
    missing_usage_policy: Policy = "none"


class UsageReport(Struct, frozen=True, kw_only=True):
    """What a provider states of one resource. `measured` is None for an undated report: it is of now.

    `expected` is the position at which the reporter saw the figures, if they are to stand as they did.
    """

    resource_uuid: UUID
    items: tuple[UsageItem, ...]
    plan_period: PlanPeriod | None = None
    measured: Measured | None = None
    expected: int | None = None

    def month(self, now: datetime, zone: tzinfo) -> date:
        """The month that the report is of."""
        return self.measured.month(zone) if self.measured else month_of(now, zone)


class UserUsageItem(Struct, frozen=True, kw_only=True):
    """What one user consumed of a component usage. A `measured` item goes to the month of its date."""

    username: str
    amount: Decimal | None = None
    offering_user_uuid: UUID | None = None
    measured: Measured | None = None

    def month(self, otherwise: date, zone: tzinfo) -> date:
        """The month of its date, `otherwise` if it has none."""
        return self.measured.month(zone) if self.measured else otherwise


class UserUsageReport(Struct, frozen=True, kw_only=True):
    """Users' shares of the component usage `usage_uuid`, which is of this component and month.

    Without a `usage_uuid` every item is dated, and goes to its month. `invalid` are those of its items
    that could not be read, by their place among all. `expected` is as of a UsageReport.
    """

    usage_uuid: UUID | None
    resource_uuid: UUID
    component_uuid: UUID
    month: date
    items: tuple[UserUsageItem, ...]
    invalid: Mapping[int, InvalidItem] = {}
    expected: int | None = None


ReadableReport = UsageReport | UserUsageReport


class UsageRow(Struct, frozen=True, kw_only=True):
    """A component usage as it stands: the month's figure of a component under one plan."""

    usage_uuid: UUID
    amount: Decimal
    measured_at: datetime
    plan_uuid: UUID | None
    plan_period_uuid: UUID | None
    missing_usage_policy: Policy
    description: str
    reported_by: UUID | None


class UserRow(Struct, frozen=True, kw_only=True):
    """A user usage as it stands."""

    usage_uuid: UUID
    user_usage_uuid: UUID
    person: UUID
    amount: Decimal
    offering_user_uuid: UUID | None


class Record(Struct, frozen=True, kw_only=True):
    """All there is of one (resource, component, month): the stream's version, its rows, oldest first.

    `users` are by usage and person.
    """

    version: int = 0
    rows: tuple[UsageRow, ...] = ()
    users: Mapping[tuple[UUID, UUID], UserRow] = {}


NO_RECORD = Record()

RecordKey = tuple[UUID, UUID, date]
"""Resource, component and month of a record."""


class Past(Struct, frozen=True, kw_only=True):
    """What a report about one resource is decided by."""

    resource: MeteredResource
    records: Mapping[RecordKey, Record]
    user_limits: Mapping[UUID, Decimal] = {}
    """Limits of the addressed component by offering user; known for user usages only."""

    def record(self, component_uuid: UUID, month: date) -> Record:
        return self.records.get((self.resource.resource.uuid, component_uuid, month), NO_RECORD)


class Decided(NamedTuple):
    """What a report leads to: facts, none where nothing would change, and the figure that it states.

    `is_new`: the figure was not there before. `uuid` is None for a report that states nothing.
    """

    facts: list[Fact]
    uuid: UUID | None = None
    is_new: bool = False


class LastUsage(Struct, frozen=True, kw_only=True):
    """The last usage of a component in the month before, and the plan that is in force now."""

    site: Site
    usage_uuid: UUID
    amount: Decimal
    missing_usage_policy: Policy
    description: str
    reported_by: UUID | None
    plan_uuid: UUID | None
    plan_period_uuid: UUID | None


@lru_cache(10_000)  # about 5 MB: the records of a month are reported again and again
def record_stream(resource_uuid: UUID, component_uuid: UUID, month: date) -> UUID:
    """Id of the stream that holds every report about one component of one resource in one month."""
    return uuid5(NAMESPACE, f"{resource_uuid.hex}:{component_uuid.hex}:{month.isoformat()[:7]}")
