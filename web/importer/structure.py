"""Waldur's structure format: the lists of a file, and the keys of their objects that we read.

Each key has a type, so that most errors are found while decoding. Inside, attributes have the ledger's names;
where the file's differ, `field(name=…)` says so. The objects repeat attributes of `ledger.domain.catalogue`
on purpose: these are the types and bounds of a foreign file, those are facts.
"""

from datetime import tzinfo
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, field

from ledger.domain import catalogue
from ledger.domain.catalogue import BillingType, LimitPeriod, ResourceState, ScopeType
from web.importer.usages import ComponentUsage, ComponentUserUsage
from web.importer.values import (
    BadValue,
    ComponentType,
    Name,
    People,
    PersonalItem,
    SmallInteger,
    StructureItem,
    Timestamp,
    Username,
    check_amount,
    check_number,
)

SCOPES: dict[str, tuple[ScopeType, str]] = {
    "structure.customer": ("customer", "customers"),
    "structure.project": ("project", "projects"),
    "marketplace.offering": ("offering", "offerings"),
    "marketplace.serviceprovider": ("service_provider", "service_providers"),
}
"""The kinds of objects that a role can be held on, with the list that has them."""


class User(PersonalItem, frozen=True, kw_only=True):
    VALUE = catalogue.User

    uuid: UUID
    username: Username
    is_staff: bool = False
    is_support: bool = False
    is_active: bool = True


class Customer(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.Customer

    uuid: UUID
    name: Name
    abbreviation: Name | None = None


class Project(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.Project
    REFERS: ClassVar = {"customer_uuid": "customers"}

    uuid: UUID
    name: Name
    customer_uuid: UUID
    is_removed: bool = False


class Category(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.Category

    uuid: UUID
    title: Name


class ServiceProvider(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.ServiceProvider
    REFERS: ClassVar = {"customer_uuid": "customers"}

    uuid: UUID
    customer_uuid: UUID


class Offering(StructureItem, frozen=True, kw_only=True):
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


class Component(StructureItem, frozen=True, kw_only=True):
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


class Plan(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.Plan
    REFERS: ClassVar = {"offering_uuid": "offerings"}

    uuid: UUID
    name: Name
    offering_uuid: UUID
    billing_mode: Literal["inherit", "limit", "usage"] | None = None


class PlanComponent(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.PlanComponent
    REFERS: ClassVar = {"plan_uuid": "plans", "component_uuid": "offering_components"}

    plan_uuid: UUID
    component_uuid: UUID
    price: Decimal | None = None
    amount: Decimal | None = None

    def check(self) -> None:
        check_number("price", self.price)
        check_number("amount", self.amount)


class Resource(StructureItem, frozen=True, kw_only=True):
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
    created: Timestamp | None = None
    backend_metadata: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None

    def check(self) -> None:
        for limit in (self.limits or {}).values():
            check_number("limits", limit)


class PlanPeriod(StructureItem, frozen=True, kw_only=True):
    VALUE = catalogue.PlanPeriod
    REFERS: ClassVar = {"resource_uuid": "resources", "plan_uuid": "plans"}

    uuid: UUID
    resource_uuid: UUID
    plan_uuid: UUID
    start: Timestamp | None = None
    end: Timestamp | None = None


class OfferingUser(PersonalItem, frozen=True, kw_only=True):
    VALUE = catalogue.OfferingUser
    REFERS: ClassVar = {"offering_uuid": "offerings", "user_uuid": "users"}

    uuid: UUID
    offering_uuid: UUID
    username: Annotated[str, Meta(max_length=255)]  # blank until the offering has named its user
    user_uuid: UUID | None = None


class Role(StructureItem, frozen=True, kw_only=True):
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


class UserUsageLimit(StructureItem, frozen=True, kw_only=True):
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


DESCRIBED: dict[str, type[StructureItem]] = {
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
USER_LIMITS = "component_user_usage_limits"

LISTS: dict[str, type[StructureItem]] = DESCRIBED | {USAGES: ComponentUsage, USER_USAGES: ComponentUserUsage}

NOT_NEEDED: dict[str, frozenset[str]] = {"user_roles": frozenset({"user_username"})}
"""Keys that say again what others say."""

KEYS: dict[str, frozenset[str]] = {
    name: frozenset(kind.__struct_encode_fields__) | NOT_NEEDED.get(name, frozenset())
    for name, kind in LISTS.items()
}
"""The keys of each list's objects that we know."""
