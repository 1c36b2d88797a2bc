"""Checks a whole file before anything of it is imported."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec import structs

from projections.lookups import import_targets as imports
from web.importer.reading import Lists, Unread, error_at, keys_of, parsed
from web.importer.structure import LISTS, USAGES, USER_LIMITS, USER_USAGES
from web.importer.values import BadValue
from web.request.services import Services

OnProgress = Callable[[str, int], None]
"""Called after each step, with its name and the number of objects of the file that it was done with."""


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
    """A look at a whole file for what would stop its import halfway; keeps little more than uuids."""

    def __init__(self, lists: Lists, services: Services) -> None:
        self._lists, self._services = lists, services
        # What an object belongs to, as imports.OWNERS has it, by the object's uuid.
        self._owners: dict[str, dict[UUID, tuple[UUID, ...]]] = {name: {} for name in LISTS}
        self._missing: dict[str, dict[UUID, tuple[str, int, str]]] = {name: {} for name in LISTS}
        self._keys: set[tuple[Any, ...]] = set()
        self._active: dict[str, int] = {}
        """By username: the index of the active user in the file's list."""
        self.unread = Unread()

    def run(self, progress: OnProgress) -> None:
        """Check the file. Raises StructureError, naming list, position, key and value."""
        for name in LISTS:
            self._each(name, self._check)
            progress("checking", len(self._lists[name]))
        self._find_missing()
        self._find_namesakes()
        self._each(USAGES, self._check_belongs)

    def _each(self, name: str, check: Callable[[str, int, Any], None]) -> None:
        raws = self._lists[name]
        for index, item in enumerate(parsed(name, raws, self._services.ledger.zone)):
            try:
                check(name, index, item)
            except BadValue as bad:
                raise error_at(name, index, bad.key, raws[index], bad.reason) from None

    def _check(self, name: str, index: int, item: Any) -> None:
        raw = self._lists[name][index]
        self.unread.note(name, keys_of(name, index, raw))
        if b"\\u0000" in bytes(raw):
            for field in structs.fields(item):
                if _has_null_character(getattr(item, field.name)):
                    raise BadValue(field.encode_name, "Has a null character, which no database text can hold")
        item.check()
        self._check_unique(name, item)
        is_user = name == "users" and item.is_active
        if is_user and self._active.setdefault(item.username, index) != index:
            raise BadValue("username", "Is that of another active user of this list")
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
        if name == USER_LIMITS:
            self._once("offering_user_uuid", item.resource_uuid, item.component_uuid, item.offering_user_uuid)

    def _once(self, key: str, *parts: Any) -> None:
        if parts in self._keys:
            raise BadValue(key, "Is there twice for the same references")
        self._keys.add(parts)

    def _find_missing(self) -> None:
        """Look in the ledger for objects that are not in the file. Raises StructureError."""
        with self._services.deciding() as cursor:
            for target, missing in self._missing.items():
                wanted = missing.keys() - self._owners[target].keys()
                if wanted:
                    self._owners[target] |= imports.owners(cursor, target, wanted)
                for uuid in wanted - self._owners[target].keys():
                    name, index, key = missing[uuid]
                    raise error_at(
                        name, index, key, self._lists[name][index], f"Is not in {target}, nor known"
                    )

    def _find_namesakes(self) -> None:
        """Check that a username means one active user, also among those of the ledger that the file leaves.

        Raises StructureError.
        """
        with self._services.deciding() as cursor:
            accounts = imports.active_accounts(cursor, list(self._active))
        users = self._lists["users"]
        for uuid, username in sorted(accounts, key=lambda account: self._active[account[1]]):
            if uuid not in self._owners["users"]:
                index = self._active[username]
                reason = f"Is that of another active user, {uuid.hex}"
                raise error_at("users", index, "username", users[index], reason)

    def _check_belongs(self, name: str, index: int, usage: Any) -> None:
        """Check that a usage is of its resource's offering and period, and alone in its plan's month."""
        offering = self._owners["resources"][usage.resource_uuid]
        if offering != self._owners["offering_components"][usage.component_uuid]:
            raise BadValue("component_uuid", "Belongs to another offering than the resource")
        resource, plan = usage.resource_uuid, None
        if usage.plan_period_uuid is not None:
            resource, plan = self._owners["resource_plan_periods"][usage.plan_period_uuid]
        if resource != usage.resource_uuid:
            raise BadValue("plan_period_uuid", "Belongs to another resource")
        self._once("billing_period", usage.resource_uuid, usage.component_uuid, usage.month, plan)
