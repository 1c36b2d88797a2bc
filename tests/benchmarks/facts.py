"""The facts of a data set, in the order of the journal: the catalogue, and then month by month."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from msgspec import structs

from ledger.decisions.descriptions import describe
from ledger.decisions.tokens import issue_token
from ledger.domain.catalogue import Component, Entity
from ledger.domain.records import record_stream
from ledger.events import Fact, UsageReported, UserUsageReported
from tests.benchmarks.shape import COMPONENTS, TOKENS
from tests.benchmarks.world import Placed, World
from web.request.authentication import hash_of


def facts_of(world: World) -> Iterator[Fact]:
    """Every fact of a world. As many usages as its shape says, left out evenly where there would be more."""
    began = moment(world.months[0])
    yield from described(world.described_first(), began)
    for token, user in zip(TOKENS, world.users, strict=True):
        yield issue_token(hash_of(token), user.uuid, None, began)
    keep = Evenly(world.shape.usages, possible_usages(world))
    of_users = Evenly(world.shape.user_usages, world.shape.usages)
    for number, month in enumerate(world.months):
        new = [placed.resource for placed in world.resources if placed.first == number]
        periods = [world.plan_period(resource) for resource in new]
        yield from described([*new, *periods], moment(month))
        reported = [usage for usage in usages(world, number) if keep.next()]
        yield from reported
        for revision in range(1, world.shape.revisions + 1):
            yield from (revised(usage, revision) for usage in reported)
        shared = [usage for usage in reported if of_users.next()]
        yield from (user_usage(world, usage, place) for place, usage in enumerate(shared))
    yield from described([*world.offering_users, *world.user_usage_limits], moment(world.months[-1]))


class Evenly:
    """Says yes `wanted` times out of `of`, evenly spread."""

    def __init__(self, wanted: int, of: int) -> None:
        assert wanted <= of, f"{wanted} are wanted of {of}"
        self._wanted, self._of, self._sum = wanted, of, 0

    def next(self) -> bool:
        self._sum += self._wanted
        if self._sum < self._of:
            return False
        self._sum -= self._of
        return True


def possible_usages(world: World) -> int:
    months = len(world.months)
    return sum(months - placed.first for placed in world.resources) * len(COMPONENTS)


def described(entities: Sequence[Entity], now: datetime) -> Iterable[Fact]:
    return describe(entities, {}, ["new"] * len(entities), now)


def moment(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)


def usages(world: World, number: int) -> Iterator[UsageReported]:
    """One usage of every component of the resources that are there in a month, through its first day."""
    month = world.months[number]
    began = moment(month)
    existing = [placed for placed in world.resources if placed.first <= number]
    for place, placed in enumerate(existing):
        measured_at = began + timedelta(milliseconds=place)
        period = uuid5(placed.resource.uuid, "plan period")
        for component in world.components[placed.offering]:
            yield usage(world, placed, component, period, month, measured_at)


def usage(
    world: World, placed: Placed, component: Component, period: UUID, month: date, measured_at: datetime
) -> UsageReported:
    resource = placed.resource
    stream = record_stream(resource.uuid, component.uuid, month)
    amount = Decimal(stream.int % 100_000).scaleb(-2)
    return UsageReported(
        originator_id=stream,
        originator_version=1,
        recorded_at=measured_at,
        usage_uuid=uuid5(stream, "1"),
        resource_uuid=resource.uuid,
        component_uuid=component.uuid,
        component_type=component.component_type,
        month=month,
        project_uuid=resource.project_uuid,
        customer_uuid=world.customer_of(resource.project_uuid),
        offering_uuid=resource.offering_uuid,
        provider_uuid=world.provider(placed.offering),
        measured_at=measured_at,
        reported_by=world.users[0].uuid,
        amount=amount,
        plan_amount=amount,
        plan_uuid=resource.plan_uuid,
        plan_period_uuid=period,
    )


def revised(usage: UsageReported, revision: int) -> UsageReported:
    """Another report of the same usage, some days later."""
    later = usage.measured_at + timedelta(days=7 * revision)
    amount = usage.amount + revision
    return structs.replace(
        usage,
        originator_version=1 + revision,
        measured_at=later,
        recorded_at=later,
        amount=amount,
        plan_amount=amount,
    )


def user_usage(world: World, usage: UsageReported, place: int) -> UserUsageReported:
    """One user's half of a usage."""
    person = world.people[place % len(world.people)]
    return UserUsageReported(
        originator_id=usage.originator_id,
        originator_version=2,
        recorded_at=usage.recorded_at,
        usage_uuid=usage.usage_uuid,
        resource_uuid=usage.resource_uuid,
        component_uuid=usage.component_uuid,
        component_type=usage.component_type,
        month=usage.month,
        project_uuid=usage.project_uuid,
        customer_uuid=usage.customer_uuid,
        offering_uuid=usage.offering_uuid,
        provider_uuid=usage.provider_uuid,
        measured_at=usage.measured_at,
        reported_by=usage.reported_by,
        user_usage_uuid=uuid5(usage.usage_uuid, "user"),
        person=person.uuid,
        commitment=person.commitment,
        amount=(usage.amount / 2).quantize(Decimal("0.01")),
    )
