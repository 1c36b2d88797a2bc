"""Divides a batch into steps in which no fact changes a row that an earlier one has to do with.

A writer leaves the last state of a row. Where a batch makes two states of it one after the other, the first
would never have been, and the past would have a gap. So what comes second begins the next step.
"""

from collections.abc import Iterator, Sequence

from ledger.events import (
    ComponentDescribed,
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

MOVING = {ProjectDescribed, OfferingDescribed, ComponentDescribed}
"""Descriptions that may move the usages of many resources."""


def steps(facts: Facts) -> Iterator[Facts]:
    """Yield the parts of a batch, in order."""
    if len(facts) == 1 or _are_of_as_many_records(facts):
        yield facts
        return
    begin, touched, is_moved = 0, set[int](), False
    for place, (_, fact) in enumerate(facts):
        changed, involved = _touched(fact)
        moves = type(fact) in MOVING and fact.originator_version > 1
        if place > begin and (moves or is_moved or not touched.isdisjoint(changed)):
            yield facts[begin:place]
            begin, touched = place, set()
        is_moved = moves
        touched.update(changed, involved)
    yield facts[begin:]


def _are_of_as_many_records(facts: Facts) -> bool:
    """Return whether they are reports that have nothing to do with each other, as most of them are."""
    return {type(fact) for _, fact in facts} == {UsageReported} and (
        len({fact.originator_id.int for _, fact in facts}) == len(facts)
    )


def _touched(fact: Fact) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the ids of what a fact makes another state of, and of what takes its row along when it changes.

    A report changes its record, as it ends policies of other usages in it, and so does a total of users. A
    row moves with its resource. Ids are numbers, which take a third of the time that uuids take as keys.
    """
    stream = fact.originator_id.int
    if isinstance(fact, UsageReported):
        if fact.source == "import":
            return (fact.usage_uuid.int,), (stream, fact.resource_uuid.int)
        return (fact.usage_uuid.int, stream), (fact.resource_uuid.int,)
    if isinstance(fact, UserUsageReported):
        changed = (fact.user_usage_uuid.int,) if fact.total is None else (fact.user_usage_uuid.int, stream)
        return changed, (fact.resource_uuid.int,)
    if isinstance(fact, ResourceDescribed):
        return (stream, fact.entity.uuid.int), ()
    if isinstance(fact, UserUsageLimitDescribed | UserUsageLimitRemoved):
        return (stream,), (fact.entity.resource_uuid.int,)
    return (stream,), ()
