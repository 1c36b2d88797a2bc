"""Decides what an import leads to: only what the ledger does not know yet."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

from msgspec import Struct, structs

from ledger.domain.metering import Ownership
from ledger.domain.people import Person
from ledger.domain.records import record_stream
from ledger.domain.reports import Policy
from ledger.events import Fact, UsageReported, UserUsageReported

U = TypeVar("U")


class ImportedUsage(Struct, frozen=True, kw_only=True):
    """A component usage as another system knows it, with its id there."""

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    amount: Decimal
    month: date
    measured_at: datetime
    description: str = ""
    missing_usage_policy: Policy = "none"
    plan_period_uuid: UUID | None = None
    created_at: datetime | None = None


class ImportedUserUsage(Struct, frozen=True, kw_only=True):
    """A user usage as another system knows it, with its id there."""

    uuid: UUID
    usage_uuid: UUID
    username: str
    amount: Decimal
    offering_user_uuid: UUID | None = None
    created_at: datetime | None = None


class ImportTarget(Struct, frozen=True, kw_only=True):
    """Where an imported figure goes. `version` is its stream's, before the import.

    `found` is the id of the figure that stands there already, `same` whether that is the imported one,
    unchanged since. `is_closed`: did somebody vouch for the month?
    """

    ownership: Ownership
    month: date
    version: int
    found: UUID | None
    same: bool
    is_closed: bool = False
    plan_uuid: UUID | None = None
    measured_at: datetime | None = None

    @property
    def outcome(self) -> Literal["new", "closed", "unchanged", "kept"]:
        if self.found is None:
            return "closed" if self.is_closed else "new"
        return "unchanged" if self.same else "kept"


def those(
    outcome: Literal["new", "closed"], usages: Sequence[tuple[U, ImportTarget]]
) -> list[tuple[U, ImportTarget]]:
    """Return the usages with an outcome: `closed` are those that are not there, and may not come."""
    return [(usage, target) for usage, target in usages if target.outcome == outcome]


def import_usages(usages: Sequence[tuple[ImportedUsage, ImportTarget]], now: datetime) -> list[Fact]:
    """Return a report of each usage, all of them new, under its own id; nobody is known to have sent it."""
    versions: dict[UUID, int] = {}
    return [
        UsageReported(
            **_common(target, versions, now),
            usage_uuid=usage.uuid,
            measured_at=usage.measured_at,
            amount=usage.amount,
            plan_amount=usage.amount,
            plan_uuid=target.plan_uuid,
            plan_period_uuid=usage.plan_period_uuid,
            missing_usage_policy=usage.missing_usage_policy,
            description=usage.description,
            created_at=usage.created_at,
        )
        for usage, target in usages
    ]


def import_user_usages(
    usages: Sequence[tuple[ImportedUserUsage, ImportTarget]], people: Mapping[str, Person], now: datetime
) -> list[Fact]:
    """Return a report of each user usage, all of them new, under its own id."""
    versions: dict[UUID, int] = {}
    return [
        UserUsageReported(
            **_common(target, versions, now),
            usage_uuid=usage.usage_uuid,
            measured_at=target.measured_at or now,
            user_usage_uuid=usage.uuid,
            person=people[usage.username].uuid,
            commitment=people[usage.username].commitment,
            amount=usage.amount,
            offering_user_uuid=usage.offering_user_uuid,
            created_at=usage.created_at,
        )
        for usage, target in usages
    ]


def _common(target: ImportTarget, versions: dict[UUID, int], now: datetime) -> dict[str, Any]:
    stream = record_stream(target.ownership.resource_uuid, target.ownership.component_uuid, target.month)
    versions[stream] = versions.get(stream, target.version) + 1
    return {
        "originator_id": stream,
        "originator_version": versions[stream],
        "recorded_at": now,
        **structs.asdict(target.ownership),
        "month": target.month,
        "source": "import",
    }
