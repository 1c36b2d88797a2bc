"""The entities of the catalogue, as frozen values.

An entity is described whole. `Entity.stream` is where its descriptions are kept; it depends on kind and
uuid, because catalogues do use one uuid for two kinds of things.

Components and prices are described one by one, not inside of their offering or plan: the import format lists
them so, and a changed component does not repeat the others. Price: more streams.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal
from uuid import UUID, uuid5

from msgspec import Struct

NAMESPACE = UUID("5d0f2c5e-6f1c-5c52-9d2e-1f3a1d3c9b77")
"""Root of every id that the ledger derives. Never changes: derived ids are stored by others."""

BillingType = Literal["fixed", "usage", "limit", "one", "few"]
LimitPeriod = Literal["month", "quarterly", "annual", "total"]
ScopeType = Literal["customer", "project", "offering", "service_provider"]


class ResourceState(IntEnum):
    """States of a resource, with the numbers that catalogues use for them."""

    CREATING = 1
    OK = 2
    ERRED = 3
    UPDATING = 4
    TERMINATING = 5
    TERMINATED = 6


class OfferingState(IntEnum):
    """States of an offering, with the numbers that catalogues use for them."""

    DRAFT = 1
    ACTIVE = 2
    PAUSED = 3
    ARCHIVED = 4
    UNAVAILABLE = 5


EXPECTED_STATES = (ResourceState.OK, ResourceState.UPDATING)
"""States in which a resource is expected to have usage every month."""


class Entity(Struct, frozen=True, kw_only=True):
    """A thing of the catalogue, as it is from some moment on."""

    @property
    def key(self) -> str:
        """Return what tells this entity from others of its kind."""
        return self.uuid.hex  # type: ignore[attr-defined, no-any-return]  # every kind but PlanComponent has one

    @property
    def stream(self) -> UUID:
        """Return the id of the stream that holds this entity's descriptions."""
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
    """Something that an offering meters. `limit_amount` is in `measured_unit`."""

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
        """Return the effective billing type: a plan may override it where the component allows that."""
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


class BillingMonth(Entity, frozen=True, kw_only=True):
    """A month of an offering, by its first day: did somebody vouch for its figures, and what for?"""

    offering_uuid: UUID
    month: date
    is_closed: bool
    note: str = ""

    @property
    def key(self) -> str:
        return f"{self.offering_uuid.hex}:{self.month:%Y-%m}"


class UserUsageLimit(Entity, frozen=True, kw_only=True):
    """The most that one offering user may use of a component usage, in the component's unit."""

    uuid: UUID
    resource_uuid: UUID
    component_uuid: UUID
    offering_user_uuid: UUID
    limit: Decimal
