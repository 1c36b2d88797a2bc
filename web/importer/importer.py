"""`usage-ledger import`: a file in Waldur's structure format becomes facts.

The file is checked as a whole before anything is appended. It is read object by object, so that what
is kept of a large one is little more than its text and its uuids. Everything is compared with what the
ledger knows and only the difference appended, in chunks: a second run appends nothing, and one that was
cut short is finished by running it again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from uuid import UUID

from msgspec import structs

from ledger.decisions.imports import ImportedUserUsage, describe, import_usages, import_user_usages
from ledger.errors import Contended
from ledger.journal.ledger import Decision
from projections.lookups import catalogue
from projections.lookups import import_targets as imports
from projections.rows import digest
from web.importer.checks import Check, OnProgress
from web.importer.reading import Lists, parsed
from web.importer.structure import USAGES, USER_USAGES
from web.importer.values import StructureItem
from web.request.services import Services

CHUNK = 2_000

Summary = dict[str, Counter[str]]
"""How many objects of each list were `new`, `changed`, `unchanged` and `kept`."""


def import_lists(
    lists: Lists,
    services: Services,
    progress: OnProgress = lambda _doing, _done: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Summary:
    """Appends what the ledger does not know yet. Returns what was new, changed, unchanged and kept.

    `tell` is told in lines what objects have that is not read. Raises StructureError before anything is
    appended.
    """
    _check(lists, services, progress, tell)
    run = Import(services)
    summary: Summary = {}
    for name, raws in lists.items():
        summary[name] = Counter()
        items = parsed(name, raws, services.ledger.zone)
        while chunk := list(islice(items, CHUNK)):
            summary[name] += run.put(name, chunk)
            progress(name, len(chunk))
    return summary


def _check(lists: Lists, services: Services, progress: OnProgress, tell: Callable[[str], None]) -> None:
    check = Check(lists, services)
    try:
        check.run(progress)
    finally:
        for line in check.unread.lines():
            tell(line)


class Import:
    """Appends what the ledger does not know of a file that was checked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._standing: dict[UUID, UUID] = {}
        """Usages of the ledger that were kept in place of the file's."""

    def put(self, name: str, items: Sequence[StructureItem]) -> Counter[str]:
        """Returns how many of the objects of a list were new, changed, unchanged and kept."""
        decide = {USAGES: self._usages, USER_USAGES: self._user_usages}.get(name, self._descriptions)
        counted: Counter[str] = Counter()

        def decide_anew() -> Decision:
            counted.clear()
            return decide(items, counted)

        try:
            position = self._services.ledger.append(decide_anew)
        except Contended:  # reports came in faster than so many are decided about
            if len(items) == 1:
                raise
            half = len(items) // 2
            return self.put(name, items[:half]) + self.put(name, items[half:])
        self._services.projector.catch_up(position)
        return counted

    def _descriptions(self, items: Sequence[StructureItem], counted: Counter[str]) -> Decision:
        usernames = [item.username for item in items if hasattr(item, "username")]
        known, new = self._services.ledger.people(usernames)
        entities = [item.value(known | new, self._services.ledger.zone) for item in items]
        with self._services.deciding() as cursor:
            versions = catalogue.descriptions(cursor, [entity.stream for entity in entities])
        digests = [digest(entity) for entity in entities]
        facts = describe(entities, versions, digests, self._services.clock())
        counted.update("new" if fact.originator_version == 1 else "changed" for fact in facts)
        counted["unchanged"] = len(items) - len(facts)
        return Decision(facts, new.values() if facts else ())

    def _usages(self, items: Sequence[StructureItem], counted: Counter[str]) -> Decision:
        usages = [item.value({}, self._services.ledger.zone) for item in items]
        with self._services.deciding() as cursor:
            places = imports.places(cursor, usages)
        new = []
        for usage, place in zip(usages, places, strict=True):
            counted[place.outcome] += 1
            if place.found is None:
                new.append((usage, place))
            elif place.found != usage.uuid:
                self._standing[usage.uuid] = place.found
        return Decision(import_usages(new, self._services.clock()))

    def _user_usages(self, items: Sequence[StructureItem], counted: Counter[str]) -> Decision:
        usages = [self._with_standing_usage(item.value({}, self._services.ledger.zone)) for item in items]
        with self._services.deciding() as cursor:
            places = imports.user_places(cursor, usages)
        counted.update(place.outcome for place in places)
        new = [(usage, place) for usage, place in zip(usages, places, strict=True) if place.found is None]
        known, unknown = self._services.ledger.people(usage.username for usage, _ in new)
        facts = import_user_usages(new, known | unknown, self._services.clock())
        return Decision(facts, unknown.values())

    def _with_standing_usage(self, usage: ImportedUserUsage) -> ImportedUserUsage:
        standing = self._standing.get(usage.usage_uuid, usage.usage_uuid)
        return structs.replace(usage, usage_uuid=standing)
