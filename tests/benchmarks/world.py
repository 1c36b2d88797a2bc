"""The catalogue of a data set: who uses what of whom. Everything follows from a shape and a seed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid5

from ledger.domain import catalogue
from ledger.domain.people import Person, new_person
from tests.benchmarks.shape import (
    CLIENTS,
    COMPONENTS,
    MONTHS,
    OFFERINGS,
    PEOPLE,
    PROVIDERS,
    SEED,
    SHORTEST,
    Shape,
    uuid_for,
)


class Placed(NamedTuple):
    """A resource with its offering's number, and the month of `World.months` that it was made in."""

    resource: catalogue.Resource
    offering: int
    first: int


def last_months(last: date) -> list[date]:
    """MONTHS months, ending with this one."""
    numbers = range(last.year * 12 + last.month - MONTHS, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


class World:
    """The catalogue of a shape; `last` is the last month that has usage."""

    def __init__(self, shape: Shape, last: date) -> None:
        self.shape, self.months = shape, last_months(last)
        self._random = Random(SEED)  # noqa: S311 - chance that is the same every time
        people = [new_person(f"user-{number}", self._random.randbytes) for number in range(PEOPLE)]
        self.people: list[Person] = people

    def provider(self, offering: int) -> UUID:
        return uuid_for("provider", offering % PROVIDERS)

    def customer_of(self, project: UUID) -> UUID:
        return self._customers[project]

    @cached_property
    def users(self) -> list[catalogue.User]:
        staff = CLIENTS // 2
        return [
            catalogue.User(
                uuid=uuid_for("user", number),
                person=person.uuid,
                commitment=person.commitment,
                is_staff=number < staff,
            )
            for number, person in enumerate(self.people[:CLIENTS])
        ]

    @cached_property
    def _customers(self) -> dict[UUID, UUID]:
        return {project.uuid: project.customer_uuid for project in self.projects}

    @cached_property
    def projects(self) -> list[catalogue.Project]:
        return [
            catalogue.Project(
                uuid=uuid_for("project", number),
                name=f"Project {number:03}",
                customer_uuid=uuid_for("customer", number % self.shape.customers),
            )
            for number in range(self.shape.projects)
        ]

    @cached_property
    def components(self) -> list[list[catalogue.Component]]:
        """Of each offering."""
        return [
            [
                catalogue.Component(
                    uuid=uuid_for("component", offering, place),
                    offering_uuid=uuid_for("offering", offering),
                    component_type=name,
                    name=name.capitalize(),
                    billing_type=billing_type,
                    measured_unit=unit,
                    limit_amount=Decimal(1_000 * (place + 1)),
                )
                for place, (name, billing_type, unit) in enumerate(COMPONENTS)
            ]
            for offering in range(OFFERINGS)
        ]

    @cached_property
    def resources(self) -> list[Placed]:
        """In the order of their offerings; projects and ages are dealt out by chance, in fixed numbers."""
        sizes = [self.shape.large, self.shape.small] + [self.shape.others] * (OFFERINGS - 2)
        offerings = [offering for offering, size in enumerate(sizes) for _ in range(size)]
        dealt = list(range(len(offerings)))
        self._random.shuffle(dealt)
        return [
            self._resource(number, *each) for number, each in enumerate(zip(offerings, dealt, strict=True))
        ]

    def _resource(self, number: int, offering: int, dealt: int) -> Placed:
        first = dealt % (MONTHS - SHORTEST + 1)
        project = 0 if dealt < self.shape.in_project else dealt % (self.shape.projects - 1) + 1
        month = self.months[first]
        resource = catalogue.Resource(
            uuid=uuid_for("resource", number),
            name=f"Resource {number:05}",
            offering_uuid=uuid_for("offering", offering),
            project_uuid=uuid_for("project", project),
            plan_uuid=uuid_for("plan", offering),
            limits={"ram": Decimal(64 + dealt % 512), "storage": Decimal(1_000 + dealt % 5_000)},
            slug=f"resource-{number}",
            backend_id=f"backend-{number}",
            created=datetime(month.year, month.month, 1, tzinfo=UTC),
        )
        return Placed(resource, offering, first)

    @cached_property
    def offering_users(self) -> list[catalogue.OfferingUser]:
        return [self._offering_user(number) for number in range(self.shape.offering_users)]

    def _offering_user(self, number: int) -> catalogue.OfferingUser:
        person = self.people[number % PEOPLE]
        return catalogue.OfferingUser(
            uuid=uuid_for("offering user", number),
            offering_uuid=uuid_for("offering", number % OFFERINGS),
            person=person.uuid,
            commitment=person.commitment,
        )

    @cached_property
    def user_usage_limits(self) -> list[catalogue.UserUsageLimit]:
        """One of the first component of each of the first resources."""
        return [
            catalogue.UserUsageLimit(
                uuid=uuid_for("user usage limit", number),
                resource_uuid=placed.resource.uuid,
                component_uuid=self.components[placed.offering][0].uuid,
                offering_user_uuid=self.offering_users[number % len(self.offering_users)].uuid,
                limit=Decimal(100),
            )
            for number, placed in enumerate(self.resources[: self.shape.user_usage_limits])
        ]

    def plan_period(self, resource: catalogue.Resource) -> catalogue.PlanPeriod:
        assert resource.plan_uuid is not None
        return catalogue.PlanPeriod(
            uuid=uuid5(resource.uuid, "plan period"),
            resource_uuid=resource.uuid,
            plan_uuid=resource.plan_uuid,
            start=resource.created,
        )

    def described_first(self) -> list[catalogue.Entity]:
        """All but the resources, which come month by month."""
        customers = [
            catalogue.Customer(uuid=uuid_for("customer", number), name=f"Customer {number:02}")
            for number in range(self.shape.customers)
        ]
        category = catalogue.Category(uuid=uuid_for("category"), title="Computing")
        return [*customers, category, *self._providers(), *self._offerings(), *self.projects, *self._people()]

    def _providers(self) -> list[catalogue.Entity]:
        described: list[catalogue.Entity] = []
        for number in range(PROVIDERS):
            customer = self.provider(number)
            described.append(catalogue.Customer(uuid=customer, name=f"Provider {number}"))
            uuid = uuid_for("service provider", number)
            described.append(catalogue.ServiceProvider(uuid=uuid, customer_uuid=customer))
        return described

    def _offerings(self) -> list[catalogue.Entity]:
        described: list[catalogue.Entity] = []
        for number, components in enumerate(self.components):
            offering, plan = uuid_for("offering", number), uuid_for("plan", number)
            described.append(
                catalogue.Offering(
                    uuid=offering,
                    name=f"Offering {number:02}",
                    offering_type="Marketplace.Basic",
                    customer_uuid=self.provider(number),
                    category_uuid=uuid_for("category"),
                )
            )
            described += components
            described.append(catalogue.Plan(uuid=plan, name="Standard", offering_uuid=offering))
            described += [
                catalogue.PlanComponent(plan_uuid=plan, component_uuid=each.uuid, price=Decimal("0.05"))
                for each in components
            ]
        return described

    def _people(self) -> list[catalogue.Entity]:
        owners = [user.uuid for user in self.users if not user.is_staff]
        roles = [
            catalogue.Role(
                uuid=uuid5(user, f"owner of {number}"),
                user_uuid=user,
                role_name="CUSTOMER.OWNER",
                scope_type="customer",
                scope_uuid=self.provider(number),
            )
            for user in owners
            for number in range(PROVIDERS)
        ]
        return [*self.users, *roles]
