"""A resource with its surroundings, and the rules that decide what may be reported of it."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from ledger.domain.catalogue import BillingType, Component, Plan, PlanPeriod, Resource
from ledger.errors import OnlyCorrections

REPORTABLE: frozenset[BillingType] = frozenset({"usage", "limit", "one"})
BACKFILLABLE: frozenset[BillingType] = frozenset({"limit", "one"})


class Ownership(Struct, frozen=True, kw_only=True):
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
    """Components of its offering, of its plan's if that is another one, and one that users report on."""
    plans: tuple[Plan, ...]
    """The resource's own plan, and those of its plan periods."""
    plan_periods: tuple[PlanPeriod, ...]
    closed_months: frozenset[date] = frozenset()
    """Months of its offering that take no reports, by their first days."""

    def plan(self, plan_uuid: UUID | None) -> Plan | None:
        for plan in self.plans:
            if plan.uuid == plan_uuid:
                return plan
        return None

    def find_component(self, component_type: str) -> Component | None:
        """Return the offering's component of this type, None if there is none."""
        return self._own_components.get(component_type)

    @cached_property
    def _own_components(self) -> dict[str, Component]:
        own = (each for each in self.components if each.offering_uuid == self.resource.offering_uuid)
        return {each.component_type: each for each in reversed(list(own))}

    def component(self, component_type: str) -> Component:
        """Return the offering's component of a type that was found to be reportable."""
        component = self.find_component(component_type)
        assert component is not None
        return component

    def ownership(self, component: Component) -> Ownership:
        return Ownership(
            resource_uuid=self.resource.uuid,
            component_uuid=component.uuid,
            component_type=component.component_type,
            project_uuid=self.resource.project_uuid,
            customer_uuid=self.customer_uuid,
            offering_uuid=self.resource.offering_uuid,
            provider_uuid=self.provider_uuid,
        )

    def not_reportable(self, component_types: set[str]) -> list[str]:
        """Return the types that take no reports here, sorted: they must be on the plan's offering too."""
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
        """Return whether a provider may report all of these into a past month."""
        plan = self.plan(self.resource.plan_uuid)
        return all(
            self.component(component_type).billing_type_under(plan) in BACKFILLABLE
            for component_type in component_types
        )

    def check_open(self, month: date) -> None:
        """Raise OnlyCorrections for a month of its offering that somebody vouched for."""
        if month in self.closed_months:
            raise OnlyCorrections(month)

    def plan_period_at(self, moment: datetime, month: tuple[datetime, datetime]) -> PlanPeriod | None:
        """Return the period in force at a moment, else one that touches its month; the one that started last.

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


class VersionedResources(NamedTuple):
    """Resources by uuid, as they were at a version of the catalogue."""

    version: tuple[int, ...]
    resources: Mapping[UUID, MeteredResource]
