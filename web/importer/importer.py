"""`usage-ledger import`: a file in Waldur's structure format becomes facts.

The file is checked as a whole before anything is appended. It is read object by object, so that what
is kept of a large one is little more than its text and its uuids. Everything is compared with what the
ledger knows and only the difference appended, in chunks: a second run appends nothing, and one that was
cut short is finished by running it again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar
from uuid import UUID

from msgspec import structs

from ledger.decisions.descriptions import describe, remove
from ledger.decisions.imports import (
    ImportedUsage,
    ImportedUserUsage,
    ImportTarget,
    import_usages,
    import_user_usages,
    those,
)
from ledger.decisions.requests import Decision
from ledger.domain.people import Person
from ledger.journal.transaction import JournalTransaction
from projections.lookups import catalogue, user_limits
from projections.lookups import import_targets as imports
from projections.rows import digest
from web.importer.checks import Check, OnProgress
from web.importer.reading import Lists, StructureError, parsed
from web.importer.structure import USAGES, USER_LIMITS, USER_USAGES
from web.importer.values import StructureItem
from web.request.services import Services

CHUNK = 2_000

NOT_READ = "Nothing was stored: the file has lists or keys that are not read."

CLOSED = (
    "{}: There are new ones in {:%Y-%m}, which was closed for their offering. What stands before them in the"
    " file was stored. Reopen the month, or leave them out, and import the file again."
)

Summary = dict[str, Counter[str]]
"""How many objects of each list were `new`, `changed`, `unchanged` and `kept`, and left out as `closed`."""

OnClosed = Callable[[str, UUID], None]

U = TypeVar("U", ImportedUsage, ImportedUserUsage)


def import_lists(
    lists: Lists,
    services: Services,
    progress: OnProgress = lambda _doing, _done: None,
    on_unread: Callable[[str], None] = lambda _line: None,
    on_closed: OnClosed | None = None,
    *,
    is_strict: bool = False,
) -> Summary:
    """Append what the ledger does not know; return how many were new, changed, unchanged, kept and closed.

    New usages of closed months are left out, and `on_closed` is called with their list and id. Without it
    StructureError is raised where one comes: what is before it is stored by then.
    `on_unread` is called with a line for each list that has keys which are not read; if `is_strict`, they are
    refused. Raises StructureError before anything is appended.
    """
    if _check(lists, services, progress, on_unread) and is_strict:
        raise StructureError(NOT_READ)
    run = Import(services, on_closed)
    summary: Summary = {}
    for name, raws in lists.items():
        summary[name] = Counter()
        items = parsed(name, raws, services.ledger.zone)
        while chunk := list(islice(items, CHUNK)):
            summary[name] += run.put(name, chunk)
            progress(name, len(chunk))
    return summary


def _check(lists: Lists, services: Services, progress: OnProgress, on_unread: Callable[[str], None]) -> bool:
    """Return whether there are keys that are not read. Raises StructureError."""
    check = Check(lists, services)
    try:
        check.run(progress)
    finally:
        lines = list(check.unread.lines())
        for line in lines:
            on_unread(line)
    return bool(lines)


class Import:
    """An import of a file that was checked: appends what the ledger does not know."""

    def __init__(self, services: Services, on_closed: OnClosed | None = None) -> None:
        self._services, self._on_closed = services, on_closed
        self._left_out: set[UUID] = set()
        """New usages of closed months, and those of their users."""
        self._standing: dict[UUID, UUID] = {}
        """Usages of the ledger that were kept in place of the file's."""

    def put(self, name: str, items: Sequence[StructureItem]) -> Counter[str]:
        """Append objects of a list; return how many were new, changed, unchanged and kept.

        What is new in a month that is closed is left out and told, or else raises StructureError.
        """
        decide = {
            USAGES: self._usages,
            USER_USAGES: self._user_usages,
            USER_LIMITS: self._user_limits,
        }.get(name, self._descriptions)
        left_out = set(self._left_out)
        # The API sets limits meanwhile.
        counted = self._services.handler.execute(partial(decide, items), is_locked=name == USER_LIMITS)
        if self._on_closed:
            for uuid in sorted(self._left_out - left_out):
                self._on_closed(name, uuid)
        return counted

    def _descriptions(
        self, items: Sequence[StructureItem], transaction: JournalTransaction
    ) -> Decision[Counter[str]]:
        known, new = self._people(transaction, [item.username for item in items if hasattr(item, "username")])
        entities = [item.value(known | new, self._services.ledger.zone) for item in items]
        versions = catalogue.descriptions(transaction.cursor, [entity.stream for entity in entities])
        digests = [digest(entity) for entity in entities]
        facts = describe(entities, versions, digests, self._services.clock())
        is_known = {stream for stream, (_, last) in versions.items() if last}
        counted = Counter("changed" if fact.originator_id in is_known else "new" for fact in facts)
        counted["unchanged"] = len(items) - len(facts)
        return Decision(counted, facts, new.values() if facts else ())

    def _user_limits(
        self, items: Sequence[StructureItem], transaction: JournalTransaction
    ) -> Decision[Counter[str]]:
        """Describe limits. One takes the place of another that is for the same user of the same."""
        limits = [item.value({}, self._services.ledger.zone) for item in items]
        replaced = user_limits.replaced_by(transaction.cursor, limits)
        known = catalogue.descriptions(transaction.cursor, [limit.stream for limit in replaced])
        removals = [remove(limit, known, self._services.clock()) for limit in replaced]
        decision = self._descriptions(items, transaction)
        return decision._replace(facts=[*removals, *decision.facts])

    def _usages(
        self, items: Sequence[StructureItem], transaction: JournalTransaction
    ) -> Decision[Counter[str]]:
        usages = [item.value({}, self._services.ledger.zone) for item in items]
        targets = imports.targets(transaction.cursor, usages)
        new = self._new_ones(USAGES, list(zip(usages, targets, strict=True)))
        self._standing |= {
            usage.uuid: target.found
            for usage, target in zip(usages, targets, strict=True)
            if target.found not in (None, usage.uuid)
        }
        counted = _counted(targets)
        return Decision(counted, import_usages(new, self._services.clock()))

    def _user_usages(
        self, items: Sequence[StructureItem], transaction: JournalTransaction
    ) -> Decision[Counter[str]]:
        read = [self._with_standing_usage(item.value({}, self._services.ledger.zone)) for item in items]
        usages = [usage for usage in read if usage.usage_uuid not in self._left_out]
        self._left_out |= {usage.uuid for usage in read if usage.usage_uuid in self._left_out}
        targets = imports.user_targets(transaction.cursor, usages)
        new = self._new_ones(USER_USAGES, list(zip(usages, targets, strict=True)))
        known, unknown = self._people(transaction, [usage.username for usage, _ in new])
        facts = import_user_usages(new, known | unknown, self._services.clock())
        counted = _counted(targets)
        counted["closed"] += len(read) - len(usages)
        return Decision(counted, facts, unknown.values())

    def _new_ones(self, name: str, usages: list[tuple[U, ImportTarget]]) -> list[tuple[U, ImportTarget]]:
        """Return the new usages. Those of closed months are left out, or StructureError is raised."""
        for usage, target in those("closed", usages):
            if self._on_closed is None:
                raise StructureError(CLOSED.format(name, target.month))
            self._left_out.add(usage.uuid)
        return those("new", usages)

    def _people(
        self, transaction: JournalTransaction, usernames: Iterable[str]
    ) -> tuple[dict[str, Person], dict[str, Person]]:
        """Return the people whom the journal knows by these usernames, and new ones for the others."""
        known = transaction.people(usernames)
        return known, self._services.ledger.new_people(set(usernames) - known.keys())

    def _with_standing_usage(self, usage: ImportedUserUsage) -> ImportedUserUsage:
        standing = self._standing.get(usage.usage_uuid, usage.usage_uuid)
        return structs.replace(usage, usage_uuid=standing)


def _counted(targets: Iterable[ImportTarget]) -> Counter[str]:
    return Counter(target.outcome for target in targets)
