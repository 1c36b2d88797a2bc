"""A pull: the catalogue first, then the usages, month by month from the first one on.

Nothing is stored before the catalogue is read as a whole, and nothing of a month before that is. So whoever
stops it has whole months, and the next run compares and goes on. What a process has seen before it only
remembers to ask less: plan periods of resources that are as they were, and months that have as many usages
as they had.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw

from web.importer.importer import Summary, import_lists
from web.importer.structure import LISTS
from web.importer.waldur.catalogue import Catalogue, given, read
from web.importer.waldur.listings import LISTINGS
from web.importer.waldur.notes import Notes
from web.importer.waldur.source import NotListed, PullFailed, Row, Waldur, api_module
from web.importer.waldur.usages import month_lists
from web.request.services import Services

USAGE_LISTS = ("component_usages", "component_user_usages")
MONTH_FILTERS = dict(zip(USAGE_LISTS, ("billing_period", "component_usage_billing_period"), strict=True))

NOT_THERE = (
    "resources: Waldur does not list earlier limits: months before the first import repeat those of that day",
    "resource_plan_periods: Waldur lists none that ended before this month",
    "component_usages: their plan period is taken from their date: Waldur says only those of this month",
    "not read: orders, invoices, and all other lists of Waldur's",
)
"""What Waldur's API does not give, whatever the Waldur."""

OpenServices = Callable[[], AbstractContextManager[Services]]

OnStep = Callable[[str], None]
"""Called with a line for people after each step."""


class Pulled:
    """What came of a pull."""

    def __init__(self, summary: Summary, notes: Notes) -> None:
        self.summary, self.notes = summary, notes

    @property
    def total(self) -> int:
        """Count the objects that were read, and could be placed."""
        return sum(counted.total() for counted in self.summary.values())


class Pull:
    """Pulls from a Waldur into a ledger, once or again and again."""

    def __init__(self, waldur: Waldur, open_services: OpenServices, on_step: OnStep) -> None:
        self._waldur, self._open_services, self._on_step = waldur, open_services, on_step
        self._periods: dict[str, tuple[tuple[str, ...], list[Row]]] = {}
        self._counts: dict[date | None, tuple[int, ...]] = {}
        """How many usages a month had when all of them were imported; None: all months together."""

    def run(self) -> Pulled:
        """Pull what is new there. Raises PullFailed, StructureError; whole months may be stored by then."""
        notes, summary = Notes(), {name: Counter[str]() for name in LISTS}
        with _answers_told():
            self._meet(notes)
            first, last = self._months()
            answers = self._answers(notes)
        with self._open_services() as services:
            with _answers_told():
                catalogue = Catalogue(notes, services.clock())
                catalogue.take(answers)
                self._take_periods(catalogue, services)
                lists = catalogue.structure()
            self._put(lists, services, summary, notes)
            self._on_step(f"catalogue: {_told(summary)}")
            self._put_months(_months_between(first, last), catalogue, services, summary, notes)
        for name, counted in summary.items():
            if counted["kept"]:
                told = "differ there, and were kept: an import does not replace what stands"
                notes.say(f"{name}: {counted['kept']} {told}")
        for line in NOT_THERE:
            notes.say(line)
        return Pulled(summary, notes)

    def _meet(self, notes: Notes) -> None:
        """Ask who we are there, and note it if not all is seen."""
        me = self._waldur.me()
        if not any(given(me, key) and read(me[key], bool) for key in ("is_staff", "is_support")):
            notes.say("The token's user is neither staff nor support there: what they don't see was not read")

    def _months(self) -> tuple[date | None, date | None]:
        """Return the first and the last month that has usages, None if there are none."""
        bounds: list[date | None] = []
        for order in ("billing_period", "-billing_period"):
            name = "component_usages"
            enum = api_module(LISTINGS[name].module).ComponentUsageOEnum
            _, row = self._waldur.count(name, o=[enum(order)])
            bounds.append(read(row["billing_period"], date) if row else None)
        return bounds[0], bounds[1]

    def _answers(self, notes: Notes) -> dict[str, list[Row]]:
        """Return the lists of the catalogue, and note those that are not there, and what is not asked for."""
        answers = {}
        for name, listing in LISTINGS.items():
            notes.not_read(name, listing.unread(api_module(listing.module)))
            if name in USAGE_LISTS:
                continue
            try:
                answers[name] = self._waldur.rows(name)
                self._on_step(f"{name}: {len(answers[name])} read")
            except NotListed as error:
                if listing.is_needed:
                    raise
                notes.say(f"{name}: not read, as {error}")
        return answers

    def _take_periods(self, catalogue: Catalogue, services: Services) -> None:
        month = f"{services.clock():%Y-%m}"
        for uuid, resource in catalogue.lists["resources"].items():
            if "plan_uuid" not in resource:
                continue
            state = (month, bytes(resource["plan_uuid"]).decode(), str(resource.get("state")))
            if uuid not in self._periods or self._periods[uuid][0] != state:
                self._periods[uuid] = state, self._waldur.plan_periods(UUID(uuid))
            catalogue.take_periods(uuid, self._periods[uuid][1])

    def _put_months(
        self,
        months: Iterator[date],
        catalogue: Catalogue,
        services: Services,
        summary: Summary,
        notes: Notes,
    ) -> None:
        """Import the months that have other numbers of usages than when this process read all of them.

        An import only adds usages, so that there is nothing to do where there are as many.
        """
        total = self._count({})
        if total == self._counts.get(None):
            return
        for month in months:
            counts = self._count({name: {key: month} for name, key in MONTH_FILTERS.items()})
            if counts == self._counts.get(month):
                continue
            left_out = notes.left_out
            self._put(self._month(catalogue, month, notes), services, summary, notes)
            self._on_step(f"{month:%Y-%m}: {_told({name: summary[name] for name in USAGE_LISTS})} so far")
            if notes.left_out == left_out:
                self._counts[month] = counts
        if not notes.left_out:
            self._counts[None] = total

    def _count(self, filters: Mapping[str, Mapping[str, Any]]) -> tuple[int, ...]:
        """Return how many usages there are, of components and of users."""
        with _answers_told():
            return tuple(self._waldur.count(name, **filters.get(name, {}))[0] for name in USAGE_LISTS)

    def _month(self, catalogue: Catalogue, month: date, notes: Notes) -> dict[str, list[Raw]]:
        with _answers_told():
            usages, of_users = (
                self._waldur.rows(name, **{key: month}) for name, key in MONTH_FILTERS.items()
            )
            return month_lists(catalogue, usages, of_users, notes)

    def _put(self, lists: dict[str, list[Raw]], services: Services, summary: Summary, notes: Notes) -> None:
        """Import lists. Raises StructureError, before anything of them is stored."""
        complete = {name: lists.get(name, []) for name in LISTS}

        def leave_out(name: str, uuid: UUID) -> None:
            notes.leave_out(name, uuid.hex, "their month is closed here for their offering")

        imported = import_lists(complete, services, on_unread=notes.say, on_closed=leave_out)
        for name, counted in imported.items():
            summary[name] += counted


def _months_between(first: date | None, last: date | None) -> Iterator[date]:
    """Yield the first days of months, both ends included; none if there are no ends."""
    if first and last:
        for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
            yield date(number // 12, number % 12 + 1, 1)


@contextmanager
def _answers_told() -> Iterator[None]:
    """Turn what is wrong with answers into PullFailed."""
    try:
        yield
    except (msgspec.MsgspecError, KeyError) as error:
        raise PullFailed(f"An answer can't be read: {type(error).__name__}: {error}") from error


def _told(summary: Summary) -> str:
    """Return how many objects were read and stored, in words."""
    stored = sum(counted["new"] + counted["changed"] for counted in summary.values())
    return f"{sum(counted.total() for counted in summary.values())} read, {stored} stored"
