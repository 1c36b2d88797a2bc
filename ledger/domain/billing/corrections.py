"""Corrections: figures that one person proposes to change, and another one stands behind.

A correction is known by its facts alone: the proposal with all of its items, and the steps that followed.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from msgspec import Struct

from ledger.domain.metering import MeteredResource, Ownership
from ledger.domain.reports import Measured, Policy, UsageItem, UsageReport, UserUsageItem, UserUsageReport

State = Literal["proposed", "approved", "applied", "rejected", "reverted"]
Step = Literal["approve", "reject", "apply", "revert"]

NEXT: dict[State, tuple[Step, ...]] = {
    "proposed": ("approve", "reject"),
    "approved": ("apply", "reject"),
    "applied": ("revert",),
    "rejected": (),
    "reverted": (),
}
"""The steps that can follow in each state."""


class CorrectionItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure as it is to be: of a component of a resource in a month, or of one of its users.

    `amount` is in the component's unit. What an item of a component leaves out, its description and its
    policy, stays as it is. Users are named by `person`; `usage_uuid` is the component usage that theirs is a
    share of, None where the month tells. `figure_uuid` is the figure that was there when it was proposed,
    `amount_seen` what it was (None: there was none), and `amount_after` what it was to become: less than
    `amount` where the month's other plans have a part of it. `expected` and `reason` are as of a report.
    """

    ownership: Ownership
    month: date
    amount: Decimal
    measured_at: datetime | None = None
    written_date: str | None = None
    plan_period_uuid: UUID | None = None
    description: str = ""
    missing_usage_policy: Policy = "none"
    person: UUID | None = None
    usage_uuid: UUID | None = None
    offering_user_uuid: UUID | None = None
    figure_uuid: UUID | None = None
    amount_seen: Decimal | None = None
    amount_after: Decimal
    expected: int | None = None
    reason: str | None = None

    @property
    def measured(self) -> Measured | None:
        """Return when it was measured, as the item says it."""
        return Measured(at=self.measured_at, written=self.written_date) if self.measured_at else None


class CorrectedFigure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure as an item changed it when it was applied, in the unit of its component.

    `position` is that of the last fact about it, and `before` is None where there was none.
    """

    uuid: UUID
    after: Decimal
    before: Decimal | None = None
    position: int


class ComponentSum(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of a component's figures, or of its users', before and after. In its unit."""

    component_uuid: UUID
    component_type: str
    is_of_users: bool = False
    figures: int
    before: Decimal
    after: Decimal


def sums_of(
    figures: Iterable[tuple[CorrectionItem, Decimal | None, Decimal]],
) -> tuple[ComponentSum, ...]:
    """Return the sums of figures: each with its item, and the amounts before, if there was one, and after."""
    by_component: dict[tuple[UUID, str, bool], list[tuple[Decimal | None, Decimal]]] = {}
    for item, before, after in figures:
        owned = item.ownership
        key = owned.component_uuid, owned.component_type, item.person is not None
        by_component.setdefault(key, []).append((before, after))
    sums = [
        ComponentSum(
            component_uuid=component,
            component_type=component_type,
            is_of_users=is_of_users,
            figures=len(amounts),
            before=sum((before for before, _ in amounts if before), Decimal(0)),
            after=sum((after for _, after in amounts), Decimal(0)),
        )
        for (component, component_type, is_of_users), amounts in by_component.items()
    ]
    return tuple(sorted(sums, key=lambda each: (each.component_type, each.is_of_users)))


def report_of_component(item: CorrectionItem, resource: MeteredResource) -> UsageReport:
    """Return the report that an item of a component is applied as."""
    periods = (each for each in resource.plan_periods if each.uuid == item.plan_period_uuid)
    return UsageReport(
        resource_uuid=item.ownership.resource_uuid,
        plan_period=next(periods, None),
        items=(
            UsageItem(
                component_type=item.ownership.component_type,
                amount=item.amount,
                description=item.description,
                missing_usage_policy=item.missing_usage_policy,
            ),
        ),
        measured=item.measured,
        expected=item.expected,
        reason=item.reason,
    )


def report_of_user(item: CorrectionItem, username: str) -> UserUsageReport:
    """Return the report that an item of a user is applied as."""
    return UserUsageReport(
        usage_uuid=item.usage_uuid,
        resource_uuid=item.ownership.resource_uuid,
        component_uuid=item.ownership.component_uuid,
        month=item.month,
        items=(
            UserUsageItem(
                username=username,
                amount=item.amount,
                offering_user_uuid=item.offering_user_uuid,
                measured=item.measured,
            ),
        ),
        expected=item.expected,
        reason=item.reason,
    )
