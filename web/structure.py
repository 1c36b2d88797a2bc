"""Waldur's structure format: the lists of a file, and the keys of their objects that we read."""

from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from ledger import catalogue
from ledger.catalogue import BillingType, LimitPeriod, ResourceState, ScopeType
from ledger.events import Policy
from ledger.imports import ImportedUsage, ImportedUserUsage
from ledger.months import start_of
from ledger.people import Person
from web.fields import digits_problem

SCOPES: dict[str, tuple[ScopeType, str]] = {
    "structure.customer": ("customer", "customers"),
    "structure.project": ("project", "projects"),
    "marketplace.offering": ("offering", "offerings"),
    "marketplace.serviceprovider": ("service_provider", "service_providers"),
}
"""What a role can be held on, with the list that has it."""


Month = date


class Context(Struct, frozen=True):
    """What objects are read with: the zone of naive times, and the people behind usernames."""

    zone: tzinfo
    people: dict[str, Person] = {}

    def moment(self, text: str) -> datetime:
        """Raises ValueError."""
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)


class Item(Struct, frozen=True, kw_only=True):
    """An object of a list. `REFERS` names the list that each of its references leads to."""

    REFERS: ClassVar[dict[str, str]] = {}

    def references(self) -> dict[str, str]:
        return self.REFERS

    def check(self, context: Context) -> None:
        """Raises BadValue for what its types alone can't tell."""

    def value(self, context: Context) -> Any:
        """The object as the ledger takes it."""
        raise NotImplementedError


class BadValue(Exception):
    """A value can't be used: key and reason."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


def check_amount(key: str, amount: Decimal) -> None:
    if not amount.is_finite():
        raise BadValue(key, "is no number")
    if problem := digits_problem(amount):
        raise BadValue(key, problem)


def check_moment(key: str, text: str | None, context: Context) -> None:
    if text is not None:
        try:
            context.moment(text)
        except ValueError:
            raise BadValue(key, "is no date or time") from None


class UserItem(Item, frozen=True, kw_only=True):
    uuid: UUID
    username: str
    is_staff: bool = False
    is_support: bool = False
    is_active: bool = True

    def value(self, context: Context) -> catalogue.User:
        person = context.people[self.username]
        return catalogue.User(
            uuid=self.uuid,
            person=person.uuid,
            commitment=person.commitment,
            is_staff=self.is_staff,
            is_support=self.is_support,
            is_active=self.is_active,
        )


class CustomerItem(Item, frozen=True, kw_only=True):
    uuid: UUID
    name: str
    abbreviation: str | None = None

    def value(self, context: Context) -> catalogue.Customer:
        return catalogue.Customer(uuid=self.uuid, name=self.name, abbreviation=self.abbreviation or "")


class ProjectItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"customer_uuid": "customers"}

    uuid: UUID
    name: str
    customer_uuid: UUID
    is_removed: bool = False

    def value(self, context: Context) -> catalogue.Project:
        return catalogue.Project(
            uuid=self.uuid, name=self.name, customer_uuid=self.customer_uuid, is_removed=self.is_removed
        )


class CategoryItem(Item, frozen=True, kw_only=True):
    uuid: UUID
    title: str

    def value(self, context: Context) -> catalogue.Category:
        return catalogue.Category(uuid=self.uuid, title=self.title)


class ServiceProviderItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"customer_uuid": "customers"}

    uuid: UUID
    customer_uuid: UUID

    def value(self, context: Context) -> catalogue.ServiceProvider:
        return catalogue.ServiceProvider(uuid=self.uuid, customer_uuid=self.customer_uuid)


class OfferingItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {
        "customer_uuid": "customers",
        "category_uuid": "categories",
        "project_uuid": "projects",
        "parent_uuid": "offerings",
    }

    uuid: UUID
    name: str
    customer_uuid: UUID
    type: str = ""
    state: int = 2
    category_uuid: UUID | None = None
    project_uuid: UUID | None = None
    parent_uuid: UUID | None = None
    plugin_options: dict[str, Any] | None = None

    def value(self, context: Context) -> catalogue.Offering:
        return catalogue.Offering(
            uuid=self.uuid,
            name=self.name,
            offering_type=self.type,
            customer_uuid=self.customer_uuid,
            state=self.state,
            category_uuid=self.category_uuid,
            project_uuid=self.project_uuid,
            parent_uuid=self.parent_uuid,
            plugin_options=self.plugin_options or {},
        )


class ComponentItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"offering_uuid": "offerings"}

    uuid: UUID
    offering_uuid: UUID
    type: str
    name: str
    description: str | None = None
    measured_unit: str | None = None
    billing_type: BillingType = "usage"
    limit_period: LimitPeriod | None = None
    limit_amount: Decimal | None = None
    is_prepaid: bool = False
    unit_factor: Decimal | None = None
    billed_per_plan: bool = False

    def check(self, context: Context) -> None:
        if self.limit_amount is not None:
            check_amount("limit_amount", self.limit_amount)
        if self.unit_factor is not None and not self.unit_factor.is_finite():
            raise BadValue("unit_factor", "is no number")

    def value(self, context: Context) -> catalogue.Component:
        return catalogue.Component(
            uuid=self.uuid,
            offering_uuid=self.offering_uuid,
            component_type=self.type,
            name=self.name,
            description=self.description or "",
            measured_unit=self.measured_unit or "",
            billing_type=self.billing_type,
            limit_period=self.limit_period or "month",
            limit_amount=self.limit_amount,
            is_prepaid=self.is_prepaid,
            unit_factor=self.unit_factor or Decimal(1),
            billed_per_plan=self.billed_per_plan,
        )


class PlanItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"offering_uuid": "offerings"}

    uuid: UUID
    name: str
    offering_uuid: UUID
    billing_mode: Literal["inherit", "limit", "usage"] = "inherit"

    def value(self, context: Context) -> catalogue.Plan:
        return catalogue.Plan(
            uuid=self.uuid,
            name=self.name,
            offering_uuid=self.offering_uuid,
            billing_mode=self.billing_mode,
        )


class PlanComponentItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"plan_uuid": "plans", "component_uuid": "offering_components"}

    plan_uuid: UUID
    component_uuid: UUID
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)

    def check(self, context: Context) -> None:
        for key in ("price", "amount"):
            if not getattr(self, key).is_finite():
                raise BadValue(key, "is no number")

    def value(self, context: Context) -> catalogue.PlanComponent:
        return catalogue.PlanComponent(
            plan_uuid=self.plan_uuid,
            component_uuid=self.component_uuid,
            price=self.price,
            amount=self.amount,
        )


class ResourceItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {
        "offering_uuid": "offerings",
        "project_uuid": "projects",
        "plan_uuid": "plans",
    }

    uuid: UUID
    name: str
    offering_uuid: UUID
    project_uuid: UUID
    plan_uuid: UUID | None = None
    state: ResourceState = ResourceState.OK
    limits: dict[str, Decimal | None] | None = None
    slug: str | None = None
    backend_id: str | None = None
    created: str | None = None
    backend_metadata: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None

    def check(self, context: Context) -> None:
        check_moment("created", self.created, context)
        for limit in (self.limits or {}).values():
            if limit is not None and not limit.is_finite():
                raise BadValue("limits", "has a limit that is no number")

    def value(self, context: Context) -> catalogue.Resource:
        return catalogue.Resource(
            uuid=self.uuid,
            name=self.name,
            offering_uuid=self.offering_uuid,
            project_uuid=self.project_uuid,
            plan_uuid=self.plan_uuid,
            state=self.state,
            limits=self.limits or {},
            slug=self.slug or "",
            backend_id=self.backend_id or "",
            created=context.moment(self.created) if self.created else None,
            backend_metadata=self.backend_metadata or {},
            attributes=self.attributes or {},
        )


class PlanPeriodItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"resource_uuid": "resources", "plan_uuid": "plans"}

    uuid: UUID
    resource_uuid: UUID
    plan_uuid: UUID
    start: str | None = None
    end: str | None = None

    def check(self, context: Context) -> None:
        check_moment("start", self.start, context)
        check_moment("end", self.end, context)

    def value(self, context: Context) -> catalogue.PlanPeriod:
        return catalogue.PlanPeriod(
            uuid=self.uuid,
            resource_uuid=self.resource_uuid,
            plan_uuid=self.plan_uuid,
            start=context.moment(self.start) if self.start else None,
            end=context.moment(self.end) if self.end else None,
        )


class OfferingUserItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {"offering_uuid": "offerings", "user_uuid": "users"}

    uuid: UUID
    offering_uuid: UUID
    username: str
    user_uuid: UUID | None = None

    def value(self, context: Context) -> catalogue.OfferingUser:
        person = context.people[self.username]
        return catalogue.OfferingUser(
            uuid=self.uuid,
            offering_uuid=self.offering_uuid,
            person=person.uuid,
            commitment=person.commitment,
            user_uuid=self.user_uuid,
        )


class RoleItem(Item, frozen=True, kw_only=True):
    uuid: UUID
    user_uuid: UUID
    role_name: str
    scope_type: str
    scope_uuid: UUID
    is_active: bool = True

    def references(self) -> dict[str, str]:
        return {"user_uuid": "users", "scope_uuid": SCOPES[self.scope_type][1]}

    def check(self, context: Context) -> None:
        if self.scope_type not in SCOPES:
            raise BadValue("scope_type", f"is none of {', '.join(SCOPES)}")

    def value(self, context: Context) -> catalogue.Role:
        return catalogue.Role(
            uuid=self.uuid,
            user_uuid=self.user_uuid,
            role_name=self.role_name,
            scope_type=SCOPES[self.scope_type][0],
            scope_uuid=self.scope_uuid,
            is_active=self.is_active,
        )


class UserUsageLimitItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {
        "resource_uuid": "resources",
        "component_uuid": "offering_components",
        "offering_user_uuid": "offering_users",
    }

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    offering_user_uuid: UUID
    limit: Decimal

    def check(self, context: Context) -> None:
        check_amount("limit", self.limit)

    def value(self, context: Context) -> catalogue.UserUsageLimit:
        return catalogue.UserUsageLimit(
            uuid=self.uuid,
            resource_uuid=self.resource_uuid,
            component_uuid=self.component_uuid,
            offering_user_uuid=self.offering_user_uuid,
            limit=self.limit,
        )


class ComponentUsageItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {
        "resource_uuid": "resources",
        "component_uuid": "offering_components",
        "plan_period_uuid": "resource_plan_periods",
    }

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    usage: Decimal
    billing_period: Month
    date: str | None = None
    description: str | None = None
    plan_period_uuid: UUID | None = None
    missing_usage_policy: Policy | None = None
    recurring: bool | None = None
    created: str | None = None

    def check(self, context: Context) -> None:
        check_amount("usage", self.usage)
        check_moment("date", self.date, context)
        check_moment("created", self.created, context)
        if self.billing_period.day != 1:
            raise BadValue("billing_period", "is not the first day of a month")
        if self.description and len(self.description) > 2000:
            raise BadValue("description", "has more than 2000 characters")

    def value(self, context: Context) -> ImportedUsage:
        start = start_of(self.billing_period, context.zone)
        return ImportedUsage(
            uuid=self.uuid,
            resource_uuid=self.resource_uuid,
            component_uuid=self.component_uuid,
            amount=self.usage.quantize(Decimal("0.01")),
            month=self.billing_period,
            measured_at=context.moment(self.date) if self.date else start,
            description=self.description or "",
            missing_usage_policy=self.missing_usage_policy or ("reuse" if self.recurring else "none"),
            plan_period_uuid=self.plan_period_uuid,
            created_at=context.moment(self.created) if self.created else None,
        )


class ComponentUserUsageItem(Item, frozen=True, kw_only=True):
    REFERS: ClassVar[dict[str, str]] = {
        "component_usage_uuid": "component_usages",
        "offering_user_uuid": "offering_users",
    }

    uuid: UUID
    component_usage_uuid: UUID
    username: str
    usage: Decimal
    offering_user_uuid: UUID | None = None
    created: str | None = None

    def check(self, context: Context) -> None:
        check_amount("usage", self.usage)
        check_moment("created", self.created, context)
        if not 0 < len(self.username) <= 100:
            raise BadValue("username", "has not between 1 and 100 characters")

    def value(self, context: Context) -> ImportedUserUsage:
        return ImportedUserUsage(
            uuid=self.uuid,
            usage_uuid=self.component_usage_uuid,
            username=self.username,
            amount=self.usage.quantize(Decimal("0.01")),
            offering_user_uuid=self.offering_user_uuid,
            created_at=context.moment(self.created) if self.created else None,
        )


DESCRIBED: dict[str, type[Item]] = {
    "users": UserItem,
    "customers": CustomerItem,
    "projects": ProjectItem,
    "categories": CategoryItem,
    "service_providers": ServiceProviderItem,
    "offerings": OfferingItem,
    "offering_components": ComponentItem,
    "plans": PlanItem,
    "plan_components": PlanComponentItem,
    "resources": ResourceItem,
    "resource_plan_periods": PlanPeriodItem,
    "offering_users": OfferingUserItem,
    "user_roles": RoleItem,
    "component_user_usage_limits": UserUsageLimitItem,
}
"""The lists whose objects are described, in the order in which they are."""

USAGES, USER_USAGES = "component_usages", "component_user_usages"

LISTS: dict[str, type[Item]] = DESCRIBED | {USAGES: ComponentUsageItem, USER_USAGES: ComponentUserUsageItem}

TABLES = {
    "users": "account",
    "customers": "customer",
    "projects": "project",
    "categories": "category",
    "service_providers": "service_provider",
    "offerings": "offering",
    "offering_components": "component",
    "plans": "plan",
    "resources": "resource",
    "resource_plan_periods": "plan_period",
    "offering_users": "offering_user",
    "component_usages": "component_usage",
}
"""Where the objects of earlier imports are found that a file refers to."""
