"""The catalogue as frozen values, and the rules that are theirs.

An entity is described whole. `Entity.stream` is where its descriptions are kept; it depends on kind and
uuid, because catalogues do use one uuid for two kinds of things.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal
from uuid import UUID, uuid5

from msgspec import Struct

NAMESPACE = UUID("5d0f2c5e-6f1c-5c52-9d2e-1f3a1d3c9b77")
"""Root of every id that the ledger derives. Never changes: derived ids are stored by others."""

BillingType = Literal["fixed", "usage", "limit", "one", "few"]
LimitPeriod = Literal["month", "quarterly", "annual", "total"]
ScopeType = Literal["customer", "project", "offering", "service_provider"]

REPORTABLE: frozenset[BillingType] = frozenset({"usage", "limit", "one"})
BACKFILLABLE: frozenset[BillingType] = frozenset({"limit", "one"})

SET_USAGE, RESOURCE_LIST, PROJECT_LIST = "RESOURCE.SET_USAGE", "RESOURCE.LIST", "PROJECT.LIST"
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "CUSTOMER.OWNER": frozenset({SET_USAGE, RESOURCE_LIST, PROJECT_LIST}),
    "CUSTOMER.MANAGER": frozenset({SET_USAGE}),
    "OFFERING.MANAGER": frozenset({SET_USAGE}),
    "PROJECT.ADMIN": frozenset({RESOURCE_LIST, PROJECT_LIST}),
    "PROJECT.MANAGER": frozenset({RESOURCE_LIST, PROJECT_LIST}),
    "PROJECT.MEMBER": frozenset({RESOURCE_LIST, PROJECT_LIST}),
}
"""What roles permit, after the reference's defaults. Usages are seen with any role, in this table or not."""


class ResourceState(IntEnum):
    """States of a resource, with the numbers that catalogues use for them."""

    CREATING = 1
    OK = 2
    ERRED = 3
    UPDATING = 4
    TERMINATING = 5
    TERMINATED = 6


class Entity(Struct, frozen=True, kw_only=True):
    """A thing of the catalogue, as it is from some moment on."""

    @property
    def key(self) -> str:
        """What tells this entity from others of its kind."""
        return self.uuid.hex  # type: ignore[attr-defined, no-any-return]  # every kind but PlanComponent has one

    @property
    def stream(self) -> UUID:
        """Id of the stream that holds this entity's descriptions."""
        return uuid5(NAMESPACE, f"{type(self).__name__}:{self.key}")


class Customer(Entity, frozen=True, kw_only=True):
    uuid: UUID
    name: str
    abbreviation: str = ""


class Project(Entity, frozen=True, kw_only=True):
    uuid: UUID
    name: str
    customer_uuid: UUID
    is_removed: bool = False


class Category(Entity, frozen=True, kw_only=True):
    uuid: UUID
    title: str


class ServiceProvider(Entity, frozen=True, kw_only=True):
    uuid: UUID
    customer_uuid: UUID


class Offering(Entity, frozen=True, kw_only=True):
    """`customer_uuid` is the provider, `project_uuid` the offering's own project (rare)."""

    uuid: UUID
    name: str
    offering_type: str
    customer_uuid: UUID
    state: int = 2
    category_uuid: UUID | None = None
    project_uuid: UUID | None = None
    parent_uuid: UUID | None = None
    plugin_options: dict[str, Any] = {}


class Component(Entity, frozen=True, kw_only=True):
    """What an offering meters. `limit_amount` is in `measured_unit`."""

    uuid: UUID
    offering_uuid: UUID
    component_type: str
    name: str
    description: str = ""
    measured_unit: str = ""
    billing_type: BillingType = "usage"
    limit_period: LimitPeriod = "month"
    limit_amount: Decimal | None = None
    is_prepaid: bool = False
    unit_factor: Decimal = Decimal(1)
    billed_per_plan: bool = False

    def billing_type_under(self, plan: "Plan | None") -> BillingType:
        """The effective billing type: a plan may override it where the component allows that."""
        if plan is not None and self.billed_per_plan and plan.billing_mode != "inherit":
            return plan.billing_mode
        return self.billing_type


class Plan(Entity, frozen=True, kw_only=True):
    uuid: UUID
    name: str
    offering_uuid: UUID
    billing_mode: Literal["inherit", "limit", "usage"] = "inherit"


class PlanComponent(Entity, frozen=True, kw_only=True):
    """Price and amount of a component under a plan."""

    plan_uuid: UUID
    component_uuid: UUID
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)

    @property
    def key(self) -> str:
        return f"{self.plan_uuid.hex}:{self.component_uuid.hex}"


class Resource(Entity, frozen=True, kw_only=True):
    """`limits` are amounts by component type, `created` is the resource's own time of creation."""

    uuid: UUID
    name: str
    offering_uuid: UUID
    project_uuid: UUID
    plan_uuid: UUID | None = None
    state: ResourceState = ResourceState.OK
    limits: dict[str, Decimal | None] = {}
    slug: str = ""
    backend_id: str = ""
    created: datetime | None = None
    backend_metadata: dict[str, Any] = {}
    attributes: dict[str, Any] = {}


class PlanPeriod(Entity, frozen=True, kw_only=True):
    """A resource was under a plan from `start` (None: always) until before `end` (None: still)."""

    uuid: UUID
    resource_uuid: UUID
    plan_uuid: UUID
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return (self.start is None or self.start < end) and (self.end is None or self.end > start)


class User(Entity, frozen=True, kw_only=True):
    """Somebody with an account. The username is with the `person`, see `ledger/domain/people.py`."""

    uuid: UUID
    person: UUID
    commitment: str
    is_staff: bool = False
    is_support: bool = False
    is_active: bool = True


class OfferingUser(Entity, frozen=True, kw_only=True):
    """Somebody as an offering knows them, with the username that they have there."""

    uuid: UUID
    offering_uuid: UUID
    person: UUID
    commitment: str
    user_uuid: UUID | None = None


class Role(Entity, frozen=True, kw_only=True):
    """A user's role on a customer, project, offering or service provider."""

    uuid: UUID
    user_uuid: UUID
    role_name: str
    scope_type: ScopeType
    scope_uuid: UUID
    is_active: bool = True


class UserUsageLimit(Entity, frozen=True, kw_only=True):
    """How much of a component one offering user may use in all of a component usage, in its unit."""

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    offering_user_uuid: UUID
    limit: Decimal


class HeldRole(Struct, frozen=True, array_like=True):
    """An active role, as the caller of a request holds it."""

    role_name: str
    scope_type: ScopeType
    scope_uuid: UUID
    provider_uuid: UUID | None = None
    """The customer behind a service provider, None for other scopes."""

    def permits(self, permission: str) -> bool:
        return permission in ROLE_PERMISSIONS.get(self.role_name, ())


class Caller(Struct, frozen=True, kw_only=True, dict=True):
    """Who asks: an active user with their active roles. What follows from them is found once."""

    user_uuid: UUID
    is_staff: bool
    is_support: bool
    roles: tuple[HeldRole, ...] = ()

    @property
    def sees_all(self) -> bool:
        return self.is_staff or self.is_support

    def scopes(self, scope_type: ScopeType, permission: str | None = None) -> list[UUID]:
        """What the caller holds a role of this kind on; only roles with the permission, if one is named."""
        return [
            role.scope_uuid
            for role in self.roles
            if role.scope_type == scope_type and (permission is None or role.permits(permission))
        ]

    @property
    def providers(self) -> list[UUID]:
        """Customers whose provider side the caller sees: by a role on them or on their ServiceProvider."""
        return [
            *self.scopes("customer"),
            *(role.provider_uuid for role in self.roles if role.provider_uuid is not None),
        ]

    def may_report(self, offering_uuid: UUID, provider_uuid: UUID) -> bool:
        """Staff, or a permitting role on the offering, its customer or that customer's ServiceProvider."""
        return self.is_staff or offering_uuid in self._own_offerings or provider_uuid in self._own_providers

    @property
    def reports_somewhere(self) -> bool:
        """Return whether there is anything at all that the caller may report."""
        return self.is_staff or bool(self._own_offerings or self._own_providers)

    @cached_property
    def _own_offerings(self) -> set[UUID]:
        return set(self.scopes("offering", SET_USAGE))

    @cached_property
    def _own_providers(self) -> set[UUID | None]:
        return {
            role.scope_uuid if role.scope_type == "customer" else role.provider_uuid
            for role in self.roles
            if role.scope_type in ("customer", "service_provider") and role.permits(SET_USAGE)
        }


class Site(Struct, frozen=True, kw_only=True):
    """Where a component of a resource belongs: what a report repeats, so that its fact can be read alone."""

    resource_uuid: UUID
    component_uuid: UUID
    component_type: str
    project_uuid: UUID
    customer_uuid: UUID
    offering_uuid: UUID
    provider_uuid: UUID


class MeteredResource(Struct, frozen=True, kw_only=True, dict=True):
    """A resource with all that a report about it is decided by.

    What follows from its offering is found once, and outlives `structs.replace`: periods and components of
    other offerings may be replaced, as none of it hangs on those.
    """

    resource: Resource
    customer_uuid: UUID
    provider_uuid: UUID
    components: tuple[Component, ...]
    """Those of its offering, of its plan's where that is another one, and one that users are reported of."""
    plans: tuple[Plan, ...]
    """The resource's own plan, and those of its plan periods."""
    plan_periods: tuple[PlanPeriod, ...]

    def plan(self, plan_uuid: UUID | None) -> Plan | None:
        for plan in self.plans:
            if plan.uuid == plan_uuid:
                return plan
        return None

    def find_component(self, component_type: str) -> Component | None:
        """The offering's component of this type."""
        return self._own_components.get(component_type)

    @cached_property
    def _own_components(self) -> dict[str, Component]:
        own = (each for each in self.components if each.offering_uuid == self.resource.offering_uuid)
        return {each.component_type: each for each in reversed(list(own))}

    def component(self, component_type: str) -> Component:
        """The same where it is known to be there: the type was found to be reportable."""
        component = self.find_component(component_type)
        assert component is not None
        return component

    def site(self, component: Component) -> Site:
        return Site(
            resource_uuid=self.resource.uuid,
            component_uuid=component.uuid,
            component_type=component.component_type,
            project_uuid=self.resource.project_uuid,
            customer_uuid=self.customer_uuid,
            offering_uuid=self.resource.offering_uuid,
            provider_uuid=self.provider_uuid,
        )

    def not_reportable(self, component_types: set[str]) -> list[str]:
        """Those of the types that take no reports here, sorted: they must be on the plan's offering too."""
        return sorted(component_types - self._reportable)

    @cached_property
    def _reportable(self) -> set[str]:
        plan = self.plan(self.resource.plan_uuid)
        under_plan = self._reportable_types(plan.offering_uuid if plan else None)
        return self._reportable_types(self.resource.offering_uuid) & under_plan

    def _reportable_types(self, offering_uuid: UUID | None) -> set[str]:
        return {
            component.component_type
            for component in self.components
            if component.offering_uuid == offering_uuid and component.billing_type in REPORTABLE
        }

    def backfillable(self, component_types: set[str]) -> bool:
        """Whether a provider may report all of these into a past month."""
        plan = self.plan(self.resource.plan_uuid)
        return all(
            self.component(component_type).billing_type_under(plan) in BACKFILLABLE
            for component_type in component_types
        )

    def plan_period_at(self, moment: datetime, month: tuple[datetime, datetime]) -> PlanPeriod | None:
        """The period in force at a moment, else one that touches its month; the one that started last.

        A moment outside the month counts as the month's nearest: a reporter at another UTC offset means
        the first of a month although it is not yet that here.
        """
        start, end = month
        if not start <= moment < end:
            moment = min(max(moment, start), end - datetime.resolution)
        candidates = [period for period in self.plan_periods if period.covers(moment)]
        if not candidates:
            candidates = [period for period in self.plan_periods if period.overlaps(start, end)]
        return max(candidates, key=lambda p: (p.start is not None, p.start, p.uuid), default=None)
