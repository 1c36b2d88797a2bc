"""Records: what stands for a component of a resource in one month."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.domain.catalogue import NAMESPACE
from ledger.domain.metering import Ownership
from ledger.domain.reports import Policy


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

    `users` are by usage and person: those whom reports name, and those who share a limit with them. `totals`
    are by usage: what all of its users have, None where nobody needs to know.
    """

    version: int = 0
    rows: tuple[UsageRow, ...] = ()
    users: Mapping[tuple[UUID, UUID], UserRow] = {}
    totals: Mapping[UUID, Decimal | None] = {}


NO_RECORD = Record()

RecordKey = tuple[UUID, UUID, date]
"""Resource, component and month of a record."""


class LastUsage(Struct, frozen=True, kw_only=True):
    """The last usage of a component in the month before, and the plan that is in force now."""

    ownership: Ownership
    usage_uuid: UUID
    amount: Decimal
    missing_usage_policy: Policy
    description: str
    reported_by: UUID | None
    plan_uuid: UUID | None
    plan_period_uuid: UUID | None


@lru_cache(10_000)  # about 5 MB: the records of a month are reported again and again
def record_stream(resource_uuid: UUID, component_uuid: UUID, month: date) -> UUID:
    """Return the id of the stream that holds every report of one component of a resource in one month."""
    return uuid5(NAMESPACE, f"{resource_uuid.hex}:{component_uuid.hex}:{month.isoformat()[:7]}")
