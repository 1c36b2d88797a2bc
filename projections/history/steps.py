"""Divides a batch into steps in which no fact changes a row that an earlier one has to do with.

A writer leaves the last state of a row. Where a batch makes two states of it one after the other, the first
would never have been, and the past would have a gap. So what comes second begins the next step.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from ledger.events import (
    ComponentDescribed,
    Described,
    Fact,
    OfferingDescribed,
    ProjectDescribed,
    ResourceDescribed,
    UsageReported,
    UserUsageLimitDescribed,
    UserUsageLimitRemoved,
    UserUsageReported,
)

Facts = Sequence[tuple[int, Fact]]

MOVING = (ProjectDescribed, OfferingDescribed, ComponentDescribed)
"""Entities whose description may move the usages of many resources."""


def steps(facts: Facts) -> Iterator[Facts]:
    """Yield the parts of a batch, in order."""
    if len(facts) == 1:
        yield facts
        return
    begin, touched, is_moved = 0, set[UUID](), False
    for place, (_, fact) in enumerate(facts):
        moves = isinstance(fact, MOVING) and fact.originator_version > 1
        needs = _changed(fact)
        if place > begin and (moves or is_moved or not touched.isdisjoint(needs)):
            yield facts[begin:place]
            begin, touched = place, set()
        is_moved = moves
        touched.update(needs, _involved(fact))
    yield facts[begin:]


def _changed(fact: Fact) -> tuple[UUID, ...]:
    """Return the ids of what a fact makes another state of: a record, one of its figures, an entity.

    A report changes its record, as it ends policies of other usages in it; so does a total of users.
    """
    if isinstance(fact, UserUsageReported):
        if fact.total is None:
            return (fact.user_usage_uuid,)
        return (fact.user_usage_uuid, fact.originator_id)
    if isinstance(fact, UsageReported):
        return (fact.usage_uuid,) if fact.source == "import" else (fact.usage_uuid, fact.originator_id)
    if isinstance(fact, ResourceDescribed):
        return (fact.originator_id, fact.entity.uuid)
    if isinstance(fact, Described | UserUsageLimitRemoved):
        return (fact.originator_id,)
    return ()


def _involved(fact: Fact) -> tuple[UUID, ...]:
    """Return the ids of what a later fact changes together with the row of this one: record and resource."""
    if isinstance(fact, UsageReported):
        return (fact.originator_id, fact.resource_uuid)
    if isinstance(fact, UserUsageReported):
        return (fact.resource_uuid,)
    if isinstance(fact, UserUsageLimitDescribed | UserUsageLimitRemoved):
        return (fact.entity.resource_uuid,)
    return ()
