"""`usage-ledger import`: a file in Waldur's structure format becomes facts.

The file is checked as a whole before anything is appended. It is mapped into memory and read object by
object, so that what is kept of a large one is little more than its uuids. Everything is compared with
what the ledger knows and only the difference appended, in chunks: a second run appends nothing, and one
that was cut short is finished by running it again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw

from ledger.application import Decision
from ledger.imports import describe, import_usages, import_user_usages
from projections import catalogue, imports
from projections.imports import Found
from web.services import Services
from web.structure import LISTS, TABLES, USAGES, USER_USAGES, BadValue, Context, Item

CHUNK = 2_000
TURN = UUID(int=0)
"""What the imports of one process queue for."""

Lists = dict[str, list[Raw]]

Progress = Callable[[str, int], None]
"""Told of each step: the name of a list, and how many more of its objects are done."""

Summary = dict[str, Counter[str]]
"""How many objects of each list were `new`, `changed`, `unchanged` and `kept`."""


class StructureError(Exception):
    """A file can't be imported; nothing of it was. The message names list, position, key and value."""


def read_lists(path: Path) -> Lists:
    """The lists of a file that we know, their objects still as text. Raises StructureError, OSError."""
    try:
        top = msgspec.json.decode(path.read_bytes(), type=dict[str, Raw])
    except msgspec.MsgspecError as error:
        raise StructureError(f"{path}: {error}") from None
    lists: Lists = {}
    for name in LISTS:
        try:
            lists[name] = msgspec.json.decode(top.get(name, b"[]"), type=list[Raw])
        except msgspec.MsgspecError:
            raise StructureError(f"{name} is not a list of objects") from None
    return lists


def import_lists(lists: Lists, services: Services, progress: Progress = lambda _list, _done: None) -> Summary:
    """Appends what the ledger does not know yet. Returns what was new, changed, unchanged and kept.

    Raises StructureError before anything is appended.
    """
    Check(services).run(lists, progress)
    summary: Summary = {}
    for name in LISTS:
        put = {USAGES: _put_usages, USER_USAGES: _put_user_usages}.get(name, _put_descriptions)
        summary[name] = Counter()
        for items in _chunks(parsed(name, lists[name])):
            summary[name] += put(items, services)
            progress(name, len(items))
    return summary


def parsed(name: str, raws: Sequence[Raw]) -> Iterator[Item]:
    """The objects of a list. Raises StructureError."""
    decoder = msgspec.json.Decoder(LISTS[name])
    for index, raw in enumerate(raws):
        try:
            yield decoder.decode(raw)
        except msgspec.MsgspecError as error:
            reason, _, path = str(error).partition(" - at `$")
            key = path.rstrip("`").lstrip(".").split("[")[0].split(".")[0]
            raise _error(name, index, key, raw, reason) from None


def _error(name: str, index: int, key: str, raw: Raw, reason: str) -> StructureError:
    try:
        value = repr(msgspec.json.decode(raw).get(key)) if key else bytes(raw)[:80].decode(errors="replace")
    except (msgspec.MsgspecError, AttributeError):
        value = bytes(raw)[:80].decode(errors="replace")
    where = f"{name}[{index}].{key}" if key else f"{name}[{index}]"
    return StructureError(f"{where} = {value}: {reason}")


def _chunks(items: Iterator[Item]) -> Iterator[list[Any]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


class Check:
    """Goes over a whole file for what would stop it halfway, keeping uuids only."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._context = Context(services.ledger.zone)
        self._uuids: dict[str, set[UUID]] = {name: set() for name in LISTS}
        self._missing: dict[str, dict[UUID, tuple[str, int, str]]] = {name: {} for name in LISTS}
        self._keys: set[tuple[Any, ...]] = set()
        self._offerings: dict[UUID, UUID] = {}
        self._periods: dict[UUID, tuple[UUID, UUID]] = {}

    def run(self, lists: Lists, progress: Progress) -> None:
        """Raises StructureError, naming list, position, key and value."""
        for name, raws in lists.items():
            for index, item in enumerate(parsed(name, raws)):
                try:
                    self._check(name, index, item, raws[index])
                except BadValue as bad:
                    raise _error(name, index, bad.key, raws[index], bad.reason) from None
            progress("checking", len(raws))
        self._check_missing()

    def _check(self, name: str, index: int, item: Item, raw: Raw) -> None:
        if b"\\u0000" in bytes(raw):
            raise BadValue("", "has a null character, which no database text can hold")
        item.check(self._context)
        self._check_unique(name, item)
        for key, target in item.references().items():
            uuid = getattr(item, key)
            if uuid is not None and uuid not in self._uuids[target]:
                self._missing[target].setdefault(uuid, (name, index, key))
        self._check_belongs(name, item)

    def _check_unique(self, name: str, item: Any) -> None:
        if name == "plan_components":
            self._once("component_uuid", (item.plan_uuid, item.component_uuid))
            return
        if item.uuid in self._uuids[name]:
            raise BadValue("uuid", "is used by another object of this list")
        self._uuids[name].add(item.uuid)
        if name == USER_USAGES:
            self._once("username", (item.component_usage_uuid, item.username))
        if name == USAGES:
            plan = self._plan_of(item.plan_period_uuid)
            self._once("billing_period", (item.resource_uuid, item.component_uuid, item.billing_period, plan))

    def _once(self, key: str, parts: tuple[Any, ...]) -> None:
        if parts in self._keys:
            raise BadValue(key, "is there twice with the same references")
        self._keys.add(parts)

    def _plan_of(self, period: UUID | None) -> UUID | None:
        if period is None or period in self._periods:
            return self._periods[period][1] if period else None
        with self._services.reading() as cursor:
            return imports.plans_of_periods(cursor, [period]).get(period)

    def _check_belongs(self, name: str, item: Any) -> None:
        """That a usage is of a component of its resource's offering, as far as the file says."""
        if name in ("resources", "offering_components"):
            self._offerings[item.uuid] = item.offering_uuid
        elif name == "resource_plan_periods":
            self._periods[item.uuid] = (item.resource_uuid, item.plan_uuid)
        elif name == USAGES:
            offerings = {self._offerings.get(item.resource_uuid), self._offerings.get(item.component_uuid)}
            if len(offerings - {None}) > 1:
                raise BadValue("component_uuid", "belongs to another offering than the resource")
            period = self._periods.get(item.plan_period_uuid)
            if period and period[0] != item.resource_uuid:
                raise BadValue("plan_period_uuid", "belongs to another resource")

    def _check_missing(self) -> None:
        with self._services.deciding() as cursor:
            for target, missing in self._missing.items():
                for uuid in self._uuids[target] & missing.keys():
                    del missing[uuid]
                if missing:
                    found = imports.existing(cursor, TABLES[target], missing)
                    for uuid, (name, index, key) in missing.items():
                        if uuid not in found:
                            raise StructureError(
                                f"{name}[{index}].{key} = {uuid.hex!r}: is neither in {target} nor known"
                            )


def _put_descriptions(items: Sequence[Any], services: Services) -> Counter[str]:
    counted: Counter[str] = Counter()

    def decide() -> Decision:
        counted.clear()
        known, new = services.ledger.people(item.username for item in items if hasattr(item, "username"))
        context = Context(services.ledger.zone, known | new)
        entities = [item.value(context) for item in items]
        with services.deciding() as cursor:
            versions = catalogue.descriptions(cursor, [entity.stream for entity in entities])
        digests = [catalogue.digest(entity) for entity in entities]
        facts = describe(entities, versions, digests, services.clock())
        counted.update("new" if fact.originator_version == 1 else "changed" for fact in facts)
        counted["unchanged"] = len(items) - len(facts)
        return Decision(facts, new.values() if facts else ())

    services.projector.catch_up(services.ledger.append(TURN, decide))
    return counted


def _put_usages(items: Sequence[Any], services: Services) -> Counter[str]:
    counted: Counter[str] = Counter()

    def decide() -> Decision:
        counted.clear()
        context = Context(services.ledger.zone)
        usages = [item.value(context) for item in items]
        with services.deciding() as cursor:
            found = imports.places(cursor, usages)
        new = [(usage, place) for usage, (place, found_) in zip(usages, found, strict=True) if not found_[0]]
        _count(counted, [found_ for _, found_ in found])
        return Decision(import_usages(new, services.clock()))

    services.projector.catch_up(services.ledger.append(TURN, decide))
    return counted


def _put_user_usages(items: Sequence[Any], services: Services) -> Counter[str]:
    counted: Counter[str] = Counter()

    def decide() -> Decision:
        counted.clear()
        context = Context(services.ledger.zone)
        usages = [item.value(context) for item in items]
        with services.deciding() as cursor:
            found = imports.user_places(cursor, usages)
        new = [(usage, place) for usage, (place, found_) in zip(usages, found, strict=True) if not found_[0]]
        _count(counted, [found_ for _, found_ in found])
        known, unknown = services.ledger.people(usage.username for usage, _ in new)
        return Decision(import_user_usages(new, known | unknown, services.clock()), unknown.values())

    services.projector.catch_up(services.ledger.append(TURN, decide))
    return counted


def _count(counted: Counter[str], found: Sequence[Found]) -> None:
    counted.update("new" if not there else "unchanged" if same else "kept" for there, same in found)
