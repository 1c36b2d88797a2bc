"""`usage-ledger import`: a file in Waldur's structure format becomes facts.

The file is checked as a whole before anything is appended. It is read object by object, so that what
is kept of a large one is little more than its text and its uuids. Everything is compared with what the
ledger knows and only the difference appended, in chunks: a second run appends nothing, and one that was
cut short is finished by running it again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, structs

from ledger.application import Decision
from ledger.errors import Contended
from ledger.imports import ImportedUserUsage, describe, import_usages, import_user_usages
from projections import catalogue, imports
from web.services import Services
from web.structure import LISTS, USAGES, USER_USAGES, BadValue, Item, decode_hook

CHUNK = 2_000

LONGEST_VALUE = 100
"""How much of a wrong value is shown."""

Lists = dict[str, list[Raw]]

Progress = Callable[[str, int], None]
"""Told of each step: what is done, and with how many more objects of the file."""

Summary = dict[str, Counter[str]]
"""How many objects of each list were `new`, `changed`, `unchanged` and `kept`."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class StructureError(Exception):
    """A file can't be imported; nothing of it was. The message names list, position, key and value."""


def read_lists(path: Path) -> Lists:
    """The lists of a file that we know, their objects still as text. Raises StructureError, OSError."""
    try:
        top = msgspec.json.decode(path.read_bytes(), type=dict[str, Raw])
    except UNREADABLE as error:
        raise StructureError(f"{path}: {error}") from None
    if not top.keys() & LISTS.keys():
        raise StructureError(f"{path} has none of the lists of Waldur's structure format: {', '.join(LISTS)}")
    lists: Lists = {}
    for name in LISTS:
        text = top.get(name, Raw(b"[]"))
        try:
            lists[name] = msgspec.json.decode(text, type=list[Raw])
        except UNREADABLE:
            raise StructureError(f"{name} = {_shown(text)}: Is not a list of objects") from None
    return lists


def import_lists(
    lists: Lists, services: Services, progress: Progress = lambda _doing, _done: None
) -> Summary:
    """Appends what the ledger does not know yet. Returns what was new, changed, unchanged and kept.

    Raises StructureError before anything is appended.
    """
    Check(lists, services).run(progress)
    run = Import(services)
    summary: Summary = {}
    for name, raws in lists.items():
        summary[name] = Counter()
        items = _parsed(name, raws, services)
        while chunk := list(islice(items, CHUNK)):
            summary[name] += run.put(name, chunk)
            progress(name, len(chunk))
    return summary


def _parsed(name: str, raws: Sequence[Raw], services: Services) -> Iterator[Item]:
    """The objects of a list. Raises StructureError."""
    decoder = msgspec.json.Decoder(LISTS[name], dec_hook=decode_hook(services.ledger.zone))
    for index, raw in enumerate(raws):
        try:
            yield decoder.decode(raw)
        except UNREADABLE as error:
            reason, _, path = str(error).partition(" - at `$.")
            if missing := re.search("missing required field `(.*)`", reason):
                raise StructureError(f"{name}[{index}].{missing[1]}: Is missing") from None
            raise _error(name, index, re.split(r"[.\[`]", path)[0], raw, reason) from None


def _error(name: str, index: int, key: str, raw: Raw, reason: str) -> StructureError:
    if not key:
        return StructureError(f"{name}[{index}] = {_shown(raw)}: {reason}")
    value = msgspec.json.decode(raw, type=dict[str, Raw])[key]
    return StructureError(f"{name}[{index}].{key} = {_shown(value)}: {reason}")


def _shown(raw: Raw) -> str:
    text = " ".join(bytes(raw).decode(errors="replace").split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _has_null_character(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(map(_has_null_character, (*value, *value.values())))
        case list():
            return any(map(_has_null_character, value))
    return False


class Check:
    """Goes over a whole file for what would stop it halfway, keeping little more than uuids."""

    def __init__(self, lists: Lists, services: Services) -> None:
        self._lists, self._services = lists, services
        # What an object belongs to, as imports.OWNERS has it, by the object's uuid.
        self._owners: dict[str, dict[UUID, tuple[UUID, ...]]] = {name: {} for name in LISTS}
        self._missing: dict[str, dict[UUID, tuple[str, int, str]]] = {name: {} for name in LISTS}
        self._keys: set[tuple[Any, ...]] = set()

    def run(self, progress: Progress) -> None:
        """Raises StructureError, naming list, position, key and value."""
        for name in LISTS:
            self._each(name, self._check)
            progress("checking", len(self._lists[name]))
        self._find_missing()
        self._each(USAGES, self._check_belongs)

    def _each(self, name: str, check: Callable[[str, int, Any], None]) -> None:
        raws = self._lists[name]
        for index, item in enumerate(_parsed(name, raws, self._services)):
            try:
                check(name, index, item)
            except BadValue as bad:
                raise _error(name, index, bad.key, raws[index], bad.reason) from None

    def _check(self, name: str, index: int, item: Any) -> None:
        if b"\\u0000" in bytes(self._lists[name][index]):
            for field in structs.fields(item):
                if _has_null_character(getattr(item, field.name)):
                    raise BadValue(field.encode_name, "Has a null character, which no database text can hold")
        item.check()
        self._check_unique(name, item)
        for key, target in item.references().items():
            uuid = getattr(item, key)
            if uuid is not None and uuid not in self._owners[target]:
                self._missing[target].setdefault(uuid, (name, index, key))

    def _check_unique(self, name: str, item: Any) -> None:
        if name == "plan_components":
            self._once("component_uuid", item.plan_uuid, item.component_uuid)
            return
        if item.uuid in self._owners[name]:
            raise BadValue("uuid", "Is used by another object of this list")
        self._owners[name][item.uuid] = tuple(getattr(item, owner) for owner in imports.OWNERS.get(name, ()))
        if name == USER_USAGES:
            self._once("username", item.component_usage_uuid, item.username)

    def _once(self, key: str, *parts: Any) -> None:
        if parts in self._keys:
            raise BadValue(key, "Is there twice for the same references")
        self._keys.add(parts)

    def _find_missing(self) -> None:
        """Looks in the ledger for what is not in the file."""
        with self._services.deciding() as cursor:
            for target, missing in self._missing.items():
                wanted = missing.keys() - self._owners[target].keys()
                if wanted:
                    self._owners[target] |= imports.owners(cursor, target, wanted)
                for uuid in wanted - self._owners[target].keys():
                    name, index, key = missing[uuid]
                    raise _error(name, index, key, self._lists[name][index], f"Is not in {target}, nor known")

    def _check_belongs(self, name: str, index: int, usage: Any) -> None:
        """That a usage is of its resource's offering and period, and the only one of its plan's month."""
        offering = self._owners["resources"][usage.resource_uuid]
        if offering != self._owners["offering_components"][usage.component_uuid]:
            raise BadValue("component_uuid", "Belongs to another offering than the resource")
        resource, plan = usage.resource_uuid, None
        if usage.plan_period_uuid is not None:
            resource, plan = self._owners["resource_plan_periods"][usage.plan_period_uuid]
        if resource != usage.resource_uuid:
            raise BadValue("plan_period_uuid", "Belongs to another resource")
        self._once("billing_period", usage.resource_uuid, usage.component_uuid, usage.month, plan)


class Import:
    """Appends what the ledger does not know of a file that was checked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._standing: dict[UUID, UUID] = {}
        """Usages of the ledger that were kept in place of the file's."""

    def put(self, name: str, items: Sequence[Item]) -> Counter[str]:
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

    def _descriptions(self, items: Sequence[Item], counted: Counter[str]) -> Decision:
        usernames = [item.username for item in items if hasattr(item, "username")]
        known, new = self._services.ledger.people(usernames)
        entities = [item.value(known | new, self._services.ledger.zone) for item in items]
        with self._services.deciding() as cursor:
            versions = catalogue.descriptions(cursor, [entity.stream for entity in entities])
        digests = [catalogue.digest(entity) for entity in entities]
        facts = describe(entities, versions, digests, self._services.clock())
        counted.update("new" if fact.originator_version == 1 else "changed" for fact in facts)
        counted["unchanged"] = len(items) - len(facts)
        return Decision(facts, new.values() if facts else ())

    def _usages(self, items: Sequence[Item], counted: Counter[str]) -> Decision:
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

    def _user_usages(self, items: Sequence[Item], counted: Counter[str]) -> Decision:
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
