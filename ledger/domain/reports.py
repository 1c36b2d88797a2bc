"""Reports, as whoever sent them meant them."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from ledger.domain.catalogue import PlanPeriod
from ledger.domain.months import month_of, month_of_report
from ledger.errors import InvalidItem

Policy = Literal["none", "reuse", "zero"]
"""What is assumed of a component in a month that nobody reports: nothing, the same again, or zero."""


class Measured(Struct, frozen=True, kw_only=True):
    """When something was measured: the moment, and the text that it was written with, if it was written."""

    at: datetime
    written: str | None

    def month(self, zone: tzinfo) -> date:
        """Return the month that is meant. A date that nobody wrote is our clock's: of the ledger's month."""
        return month_of(self.at, zone) if self.written is None else month_of_report(self.at, zone)


class UsageItem(Struct, frozen=True, kw_only=True):
    """The month's total of one component, in its unit."""

    component_type: str
    amount: Decimal
    description: str = ""
    missing_usage_policy: Policy = "none"


class UsageReport(Struct, frozen=True, kw_only=True):
    """A provider's statement about one resource. `measured` is None for an undated report: it is of now.

    `expected` is the position at which the reporter saw the figures, if they are to stand as they did.
    `reason` says why, None where only the request does.
    """

    resource_uuid: UUID
    items: tuple[UsageItem, ...]
    plan_period: PlanPeriod | None = None
    measured: Measured | None = None
    expected: int | None = None
    reason: str | None = None

    def month(self, now: datetime, zone: tzinfo) -> date:
        """Return the month that the report is of."""
        return self.measured.month(zone) if self.measured else month_of(now, zone)


class UserUsageItem(Struct, frozen=True, kw_only=True):
    """One user's share of a component usage. A `measured` item goes to the month of its date."""

    username: str
    amount: Decimal | None = None
    offering_user_uuid: UUID | None = None
    measured: Measured | None = None

    def month(self, otherwise: date, zone: tzinfo) -> date:
        """Return the month of its date, `otherwise` if it has none."""
        return self.measured.month(zone) if self.measured else otherwise


class UserUsageReport(Struct, frozen=True, kw_only=True):
    """Users' shares of the component usage `usage_uuid`, which is of this component and month.

    Without a `usage_uuid` every item is dated, and goes to its month. `invalid` are those of its items
    that could not be read, by their place among all. `expected` and `reason` are as of a UsageReport.
    """

    usage_uuid: UUID | None
    resource_uuid: UUID
    component_uuid: UUID
    month: date
    items: tuple[UserUsageItem, ...]
    invalid: Mapping[int, InvalidItem] = {}
    expected: int | None = None
    reason: str | None = None


ReadableReport = UsageReport | UserUsageReport


class RecordedRefusal(Struct, frozen=True, omit_defaults=True):
    """Why a report was refused: the name of a class in `ledger/errors.py`, and what it was made with.

    `items` are the refusals of the single items of a report, None for a good one.
    """

    name: str
    values: tuple[Any, ...] = ()
    items: tuple["RecordedRefusal | None", ...] = ()


class RecordedOutcome(Struct, frozen=True, omit_defaults=True):
    """The outcome of one report: `uuid` is of its figure, `position` that of its last fact."""

    result: Literal["created", "changed", "unchanged", "refused"]
    uuid: UUID | None = None
    position: int | None = None
    refusal: RecordedRefusal | None = None
