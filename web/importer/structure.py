"""Waldur's structure format: the lists of a file, and the keys of their objects that we read.

What a key holds is told by its type, so that most of what can be wrong is found while decoding. Inside,
attributes have the ledger's names; where the file's differ, `field(name=…)` says so.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from ledger.decisions.imports import ImportedUsage, ImportedUserUsage
from ledger.domain import catalogue
from ledger.domain.catalogue import BillingType, LimitPeriod, ResourceState, ScopeType
from ledger.domain.months import start_of
from ledger.domain.people import Person
from ledger.domain.reports import Policy
from web.wire.fields import check_offset, digits_problem

# No longer than the reference's. Some of them are indexed, which PostgreSQL does up to 2,700 bytes.
Name = Annotated[str, Meta(max_length=500)]
ComponentType = Annotated[str, Meta(min_length=1, max_length=255)]
Username = Annotated[str, Meta(min_length=1, max_length=255)]
SmallInteger = Annotated[int, Meta(ge=0, le=1000)]

SCOPES: dict[str, tuple[ScopeType, str]] = {
    "structure.customer": ("customer", "customers"),
    "structure.project": ("project", "projects"),
    "marketplace.offering": ("offering", "offerings"),
    "marketplace.serviceprovider": ("service_provider", "service_providers"),
}
"""What a role can be held on, with the list that has it."""

People = Mapping[str, Person]
"""Who is behind a username."""


class Moment:
    """A date with or without time. Without an offset it is the ledger's local time."""

    def __init__(self, text: object, zone: tzinfo) -> None:
        """Raises ValueError."""
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise ValueError("Is no date or time") from None
        check_year(moment)
        self.at = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        check_offset(self.at)


def check_year(day: date) -> None:
    """So that no zone and no next month leads out of the calendar. Raises ValueError."""
    if not 1 < day.year < 9999:
        raise ValueError("Is out of range")


def decode_hook(zone: tzinfo) -> Callable[[type, object], Moment]:
    """Reads the one type here that msgspec does not know."""

    def decode(kind: type, value: object) -> Moment:
        assert kind is Moment
        return Moment(value, zone)

    return decode


class BadValue(Exception):
    """A value can't be used: key and reason."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


def check_amount(key: str, amount: Decimal) -> None:
    """That it is a figure as the ledger keeps them."""
    check_number(key, amount)
    if problem := digits_problem(amount):
        raise BadValue(key, problem)


def check_number(key: str, number: Decimal | None) -> None:
    """That it is a number of a size that databases take."""
    if number is None:
        return
    if not number.is_finite():
        raise BadValue(key, "Is no number")
    _, digits, exponent = number.as_tuple()
    if len(digits) > 40 or abs(int(exponent)) > 40:
        raise BadValue(key, "Has too many digits")


class Item(Struct, frozen=True, kw_only=True):
    """An object of a list. `REFERS` names the list that each of its references leads to."""

    VALUE: ClassVar[type[Struct]]
    REFERS: ClassVar[dict[str, str]] = {}

    def references(self) -> dict[str, str]:
        return self.REFERS

    def check(self) -> None:
        """Raises BadValue for what its types alone can't tell."""

    def value(self, people: People, zone: tzinfo) -> Any:
        """The object as the ledger takes it. What it leaves out, or has as null, is the ledger's default."""
        return self.VALUE(**self._given())

    def _given(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: each.at if isinstance(each, Moment) else each
            for name, each in given.items()
            if each is not None
        }


class NamedItem(Item, frozen=True, kw_only=True):
    """An object with a username, in place of which the ledger has a person."""

    username: str

    def value(self, people: People, zone: tzinfo) -> Any:
        person, given = people[self.username], self._given()
        del given["username"]
        return self.VALUE(**given, person=person.uuid, commitment=person.commitment)


class User(NamedItem, frozen=True, kw_only=True):
    VALUE = catalogue.User

    uuid: UUID
    username: Username
    is_staff: bool = False
    is_support: bool = False
    is_active: bool = True


class Customer(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Customer

    uuid: UUID
    name: Name
    abbreviation: Name | None = None


class Project(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Project
    REFERS: ClassVar = {"customer_uuid": "customers"}

    uuid: UUID
    name: Name
    customer_uuid: UUID
    is_removed: bool = False


class Category(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Category

    uuid: UUID
    title: Name


class ServiceProvider(Item, frozen=True, kw_only=True):
    VALUE = catalogue.ServiceProvider
    REFERS: ClassVar = {"customer_uuid": "customers"}

    uuid: UUID
    customer_uuid: UUID


class Offering(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Offering
    REFERS: ClassVar = {
        "customer_uuid": "customers",
        "category_uuid": "categories",
        "project_uuid": "projects",
        "parent_uuid": "offerings",
    }

    uuid: UUID
    name: Name
    customer_uuid: UUID
    offering_type: Name = field(name="type", default="")
    state: SmallInteger | None = None
    category_uuid: UUID | None = None
    project_uuid: UUID | None = None
    parent_uuid: UUID | None = None
    plugin_options: dict[str, Any] | None = None


class Component(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Component
    REFERS: ClassVar = {"offering_uuid": "offerings"}

    uuid: UUID
    offering_uuid: UUID
    component_type: ComponentType = field(name="type")
    name: Name
    description: str | None = None
    measured_unit: Name | None = None
    billing_type: BillingType | None = None
    limit_period: LimitPeriod | None = None
    limit_amount: Decimal | None = None
    is_prepaid: bool = False
    unit_factor: Decimal | None = None
    billed_per_plan: bool = False

    def check(self) -> None:
        if self.limit_amount is not None:
            check_amount("limit_amount", self.limit_amount)
        check_number("unit_factor", self.unit_factor)
        if self.unit_factor == 0:
            raise BadValue("unit_factor", "Is zero, and amounts are divided by it")


class Plan(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Plan
    REFERS: ClassVar = {"offering_uuid": "offerings"}

    uuid: UUID
    name: Name
    offering_uuid: UUID
    billing_mode: Literal["inherit", "limit", "usage"] | None = None


class PlanComponent(Item, frozen=True, kw_only=True):
    VALUE = catalogue.PlanComponent
    REFERS: ClassVar = {"plan_uuid": "plans", "component_uuid": "offering_components"}

    plan_uuid: UUID
    component_uuid: UUID
    price: Decimal | None = None
    amount: Decimal | None = None

    def check(self) -> None:
        check_number("price", self.price)
        check_number("amount", self.amount)


class Resource(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Resource
    REFERS: ClassVar = {"offering_uuid": "offerings", "project_uuid": "projects", "plan_uuid": "plans"}

    uuid: UUID
    name: Name
    offering_uuid: UUID
    project_uuid: UUID
    plan_uuid: UUID | None = None
    state: ResourceState | None = None
    limits: dict[str, Decimal | None] | None = None
    slug: Name | None = None
    backend_id: Name | None = None
    created: Moment | None = None
    backend_metadata: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None

    def check(self) -> None:
        for limit in (self.limits or {}).values():
            check_number("limits", limit)


class PlanPeriod(Item, frozen=True, kw_only=True):
    VALUE = catalogue.PlanPeriod
    REFERS: ClassVar = {"resource_uuid": "resources", "plan_uuid": "plans"}

    uuid: UUID
    resource_uuid: UUID
    plan_uuid: UUID
    start: Moment | None = None
    end: Moment | None = None


class OfferingUser(NamedItem, frozen=True, kw_only=True):
    VALUE = catalogue.OfferingUser
    REFERS: ClassVar = {"offering_uuid": "offerings", "user_uuid": "users"}

    uuid: UUID
    offering_uuid: UUID
    username: Annotated[str, Meta(max_length=255)]  # blank until the offering has named its user
    user_uuid: UUID | None = None


class Role(Item, frozen=True, kw_only=True):
    VALUE = catalogue.Role

    uuid: UUID
    user_uuid: UUID
    role_name: Name
    scope_type: str
    scope_uuid: UUID
    is_active: bool = True

    def references(self) -> dict[str, str]:
        return {"user_uuid": "users", "scope_uuid": SCOPES[self.scope_type][1]}

    def check(self) -> None:
        if self.scope_type not in SCOPES:
            raise BadValue("scope_type", f"Is none of {', '.join(SCOPES)}")

    def value(self, people: People, zone: tzinfo) -> catalogue.Role:
        return catalogue.Role(**self._given() | {"scope_type": SCOPES[self.scope_type][0]})


class UserUsageLimit(Item, frozen=True, kw_only=True):
    VALUE = catalogue.UserUsageLimit
    REFERS: ClassVar = {
        "resource_uuid": "resources",
        "component_uuid": "offering_components",
        "offering_user_uuid": "offering_users",
    }

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    offering_user_uuid: UUID
    limit: Decimal

    def check(self) -> None:
        check_amount("limit", self.limit)


class ComponentUsage(Item, frozen=True, kw_only=True):
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
    measured_at: Moment | None = field(name="date", default=None)
    description: Annotated[str, Meta(max_length=2000)] | None = None
    plan_period_uuid: UUID | None = None
    missing_usage_policy: Policy | None = None
    recurring: bool | None = None
    created_at: Moment | None = field(name="created", default=None)

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


class ComponentUserUsage(Item, frozen=True, kw_only=True):
    VALUE = ImportedUserUsage
    REFERS: ClassVar = {"component_usage_uuid": "component_usages", "offering_user_uuid": "offering_users"}

    uuid: UUID
    component_usage_uuid: UUID
    username: Annotated[str, Meta(min_length=1, max_length=100)]
    amount: Decimal = field(name="usage")
    offering_user_uuid: UUID | None = None
    created_at: Moment | None = field(name="created", default=None)

    def check(self) -> None:
        check_amount("usage", self.amount)

    def value(self, people: People, zone: tzinfo) -> ImportedUserUsage:
        given = self._given()
        given["usage_uuid"] = given.pop("component_usage_uuid")
        return ImportedUserUsage(**given | {"amount": exact(self.amount)})


def exact(amount: Decimal) -> Decimal:
    """With two decimals, and no negative zero."""
    return amount.quantize(Decimal("0.01")) + 0


DESCRIBED: dict[str, type[Item]] = {
    "users": User,
    "customers": Customer,
    "projects": Project,
    "categories": Category,
    "service_providers": ServiceProvider,
    "offerings": Offering,
    "offering_components": Component,
    "plans": Plan,
    "plan_components": PlanComponent,
    "resources": Resource,
    "resource_plan_periods": PlanPeriod,
    "offering_users": OfferingUser,
    "user_roles": Role,
    "component_user_usage_limits": UserUsageLimit,
}
"""The lists whose objects are described, in the order in which they are."""

USAGES, USER_USAGES = "component_usages", "component_user_usages"

LISTS: dict[str, type[Item]] = DESCRIBED | {USAGES: ComponentUsage, USER_USAGES: ComponentUserUsage}

NOT_NEEDED: dict[str, frozenset[str]] = {"user_roles": frozenset({"user_username"})}
"""Keys that say again what others say."""

KEYS: dict[str, frozenset[str]] = {
    name: frozenset(kind.__struct_encode_fields__) | NOT_NEEDED.get(name, frozenset())
    for name, kind in LISTS.items()
}
"""The keys of each list's objects that we know."""
