"""Writes Waldur's answers about a month's usages as lists of the structure format.

Waldur does not say which plan period a usage is of, but for this month's. Where it has periods, the one in
force at the usage's date is taken, as Waldur does with reports; no two usages of a component get one plan.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from msgspec import Raw

from web.importer.waldur.catalogue import (
    Catalogue,
    Item,
    Items,
    as_raw,
    given,
    hexed,
    linked,
    picked,
    read,
    uuid_of,
)
from web.importer.waldur.notes import Notes
from web.importer.waldur.source import Row

USAGE_KEYS = (
    *("uuid", "usage", "billing_period", "date", "description", "missing_usage_policy", "recurring"),
    *("created", "resource_uuid"),
)

Place = tuple[str, str, str | None]
"""Where a usage of a month stands: resource, component and plan. There is one at each."""


def month_lists(
    catalogue: Catalogue, usages: list[Row], user_usages: list[Row], notes: Notes
) -> dict[str, list[Raw]]:
    """Return the usages of a month, and those of users, as lists; what has no place is noted."""
    placed: Items = {}
    taken: set[Place] = set()
    for row in sorted(usages, key=lambda row: uuid_of(row) not in catalogue.given_periods):
        item = _placed(catalogue, row, taken, notes)
        if item:
            placed[uuid_of(row)] = item
    of_users = [
        item
        for row in user_usages
        if (item := _of_user(row, placed, catalogue.lists["offering_users"], notes))
    ]
    return {
        "component_usages": [as_raw(item) for item in placed.values()],
        "component_user_usages": [as_raw(item) for item in of_users],
    }


def _placed(catalogue: Catalogue, row: Row, taken: set[Place], notes: Notes) -> Item | None:
    """Return a usage with its component and plan period, None if it has no place."""
    resource = hexed(row["resource_uuid"])
    if resource not in catalogue.lists["resources"]:
        notes.leave_out("component_usages", uuid_of(row), "their resource is not listed")
        return None
    offering = hexed(catalogue.lists["resources"][resource]["offering_uuid"])
    component = catalogue.components.get((offering, read(row["type"], str)))
    if component is None:
        notes.leave_out("component_usages", uuid_of(row), "their offering has no such component")
        return None
    item = picked(row, USAGE_KEYS) | {"component_uuid": component}
    for period in _periods(catalogue, row, resource):
        place = resource, component, hexed(period["plan_uuid"]) if period else None
        if place not in taken:
            taken.add(place)
            return item | ({"plan_period_uuid": period["uuid"]} if period else {})
    notes.leave_out("component_usages", uuid_of(row), "their plan has ended, and is not listed")
    return None


def _periods(catalogue: Catalogue, row: Row, resource: str) -> Iterator[Item | None]:
    """Yield the plan periods that a usage may be of, the likeliest first; None is none."""
    periods = catalogue.periods.get(resource, [])
    if named := catalogue.given_periods.get(uuid_of(row)):
        yield from (each for each in periods if uuid_of(each) == named)
        return
    month = read(row["billing_period"], date)
    first = datetime.combine(month, time(), UTC)
    after = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    at = read(row["date"], datetime) if given(row, "date") else first
    newest_first = sorted(periods, key=lambda each: _bounds(each)[0], reverse=True)
    within = [each for each in newest_first if _bounds(each)[0] < after and _bounds(each)[1] > first]
    in_force = [each for each in within if _bounds(each)[0] <= at < _bounds(each)[1]]
    yield from in_force
    yield from (each for each in within if each not in in_force)
    yield None


def _bounds(period: Item) -> tuple[datetime, datetime]:
    """Return when a period begins and ends."""
    start = read(period["start"], datetime) if "start" in period else datetime.min.replace(tzinfo=UTC)
    end = read(period["end"], datetime) if "end" in period else datetime.max.replace(tzinfo=UTC)
    return start, end


def _of_user(row: Row, usages: Items, offering_users: Items, notes: Notes) -> Item | None:
    """Return a user usage with its component usage, None if that has no place."""
    usage = linked(row["component_usage"])
    if usage not in usages:
        notes.leave_out("component_user_usages", uuid_of(row), "their component usage is not there")
        return None
    item = picked(row, ("uuid", "username", "usage", "created")) | {"component_usage_uuid": usage}
    if given(row, "user"):
        if linked(row["user"]) in offering_users:
            item["offering_user_uuid"] = linked(row["user"])
        else:
            notes.count("component_user_usages read without their user, who is not in offering_users")
    return item
