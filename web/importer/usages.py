"""The usages of a file in Waldur's structure format, of components and of users."""

from datetime import date, tzinfo
from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import Meta, field

from ledger.decisions.imports import ImportedUsage, ImportedUserUsage
from ledger.domain.months import start_of
from ledger.domain.reports import Policy
from web.importer.values import (
    BadValue,
    People,
    StructureItem,
    Timestamp,
    check_amount,
    check_year,
)


class ComponentUsage(StructureItem, frozen=True, kw_only=True):
    VALUE = ImportedUsage
    REFERS: ClassVar = {
        "resource_uuid": "resources",
        "component_uuid": "offering_components",
        "plan_period_uuid": "resource_plan_periods",
    }

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    amount: Decimal = field(name="usage")
    month: date = field(name="billing_period")
    measured_at: Timestamp | None = field(name="date", default=None)
    description: Annotated[str, Meta(max_length=2000)] | None = None
    plan_period_uuid: UUID | None = None
    missing_usage_policy: Policy | None = None
    recurring: bool | None = None
    created_at: Timestamp | None = field(name="created", default=None)

    def check(self) -> None:
        check_amount("usage", self.amount)
        if self.month.day != 1:
            raise BadValue("billing_period", "Is not the first day of a month")
        try:
            check_year(self.month)
        except ValueError as error:
            raise BadValue("billing_period", str(error)) from None

    def value(self, people: People, zone: tzinfo) -> ImportedUsage:
        given = self._given()
        recurring = given.pop("recurring", False)
        policy: Policy = "reuse" if recurring else "none"
        defaults = {"missing_usage_policy": policy, "measured_at": start_of(self.month, zone)}
        return ImportedUsage(**defaults | given | {"amount": exact(self.amount)})


class ComponentUserUsage(StructureItem, frozen=True, kw_only=True):
    VALUE = ImportedUserUsage
    REFERS: ClassVar = {"component_usage_uuid": "component_usages", "offering_user_uuid": "offering_users"}

    uuid: UUID
    component_usage_uuid: UUID
    username: Annotated[str, Meta(min_length=1, max_length=100)]
    amount: Decimal = field(name="usage")
    offering_user_uuid: UUID | None = None
    created_at: Timestamp | None = field(name="created", default=None)

    def check(self) -> None:
        check_amount("usage", self.amount)

    def value(self, people: People, zone: tzinfo) -> ImportedUserUsage:
        given = self._given()
        given["usage_uuid"] = given.pop("component_usage_uuid")
        return ImportedUserUsage(**given | {"amount": exact(self.amount)})


def exact(amount: Decimal) -> Decimal:
    """Return an amount with two decimals, and no negative zero."""
    return amount.quantize(Decimal("0.01")) + 0
