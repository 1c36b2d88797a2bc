"""Writes Waldur's answers about its catalogue as lists of the structure format.

Customers, projects, categories, plans and users that no list has are taken from what others say of them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw

from web.importer.structure import DESCRIBED
from web.importer.waldur.notes import Notes
from web.importer.waldur.source import Row
from web.wire.responses.catalogue import OFFERING_STATES, RESOURCE_STATES

SCOPES = {
    "customer": "structure.customer",
    "project": "structure.project",
    "offering": "marketplace.offering",
    "service_provider": "marketplace.serviceprovider",
    "serviceprovider": "marketplace.serviceprovider",
}
"""The kinds of scopes of roles that are read, as Waldur calls them."""

SCOPE_LISTS = {
    "structure.customer": "customers",
    "structure.project": "projects",
    "marketplace.offering": "offerings",
    "marketplace.serviceprovider": "service_providers",
}

Item = dict[str, Any]
Items = dict[str, Item]
"""Objects of the structure format by uuid, as 32 hex digits. Values are JSON text, or stand for some."""


class Catalogue:
    """The catalogue of a Waldur, as far as it is known yet."""

    def __init__(self, notes: Notes, now: datetime) -> None:
        self._notes, self._now = notes, now
        self.lists: dict[str, Items] = {}
        self.components: dict[tuple[str, str], str] = {}
        """By offering and type: the component's uuid."""
        self.periods: dict[str, list[Item]] = {}
        """By resource: its plan periods."""
        self.given_periods: dict[str, str] = {}
        """By component usage: its plan period, where Waldur says it."""

    def take(self, answers: Mapping[str, list[Row]]) -> None:
        """Take in the answers by list. Those that are missing have none."""
        self.lists = {name: {} for name in DESCRIBED}
        for name, keys in PLAIN.items():
            self.lists[name] = {uuid_of(row): picked(row, keys) for row in answers.get(name, ())}
        for name, take in {
            "projects": self._name_customer,
            "service_providers": self._name_customer,
            "offerings": self._take_offering,
            "resources": self._take_resource,
            "offering_users": self._name_user,
            "user_roles": self._take_role,
            "component_user_usage_limits": self._take_limit,
        }.items():
            for row in answers.get(name, ()):
                take(row)

    def take_periods(self, resource_uuid: str, rows: list[Row]) -> None:
        """Take in the plan periods of a resource, with the usages that Waldur names under them."""
        offering = self.lists["resources"][resource_uuid]["offering_uuid"]
        periods = self.periods[resource_uuid] = []
        for row in rows:
            named = row | {"offering_uuid": as_raw(offering)}
            self._add_named("plans", named, "plan_uuid", name="plan_name", offering_uuid="offering_uuid")
            period = {**picked(row, ("uuid", "plan_uuid", "start", "end")), "resource_uuid": resource_uuid}
            periods.append(period)
            for usage in read(row["components"], list[Row]) if "components" in row else ():
                self.given_periods[uuid_of(usage)] = uuid_of(row)

    def structure(self) -> dict[str, list[Raw]]:
        """Return the lists of the structure format, without what refers to nothing."""
        lists = self.lists | {
            "resource_plan_periods": {uuid_of(each): each for of in self.periods.values() for each in of}
        }
        for name, references in REFERENCES.items():
            for uuid, item in list(lists[name].items()):
                for key, (target, is_needed) in references(item).items():
                    if key not in item or hexed(item[key]) in lists[target]:
                        continue
                    if is_needed:
                        self._notes.leave_out(name, uuid, f"{key} is not in {target}")
                        del lists[name][uuid]
                        break
                    self._notes.count(f"{name} read without their {key}, which is not in {target}")
                    del item[key]
        return {name: [as_raw(item) for item in items.values()] for name, items in lists.items()}

    def _take_offering(self, row: Row) -> None:
        offering = uuid_of(row)
        item = picked(row, ("uuid", "name", "type", "customer_uuid", "project_uuid", "category_uuid"))
        item |= picked(row, ("parent_uuid", "plugin_options"))
        if "state" in row:
            item["state"] = int(OFFERING_STATES[read(row["state"], str)])
        self.lists["offerings"][offering] = item
        self._name_customer(row)
        self._add_named("categories", row, "category_uuid", title="category_title")
        for each in read(row["components"], list[Row]) if "components" in row else ():
            component = picked(each, COMPONENT_KEYS) | {"offering_uuid": offering}
            self.lists["offering_components"][uuid_of(each)] = component
            self.components[offering, read(each["type"], str)] = uuid_of(each)
        for each in read(row["plans"], list[Row]) if "plans" in row else ():
            self._take_plan(offering, each)

    def _take_plan(self, offering: str, row: Row) -> None:
        plan = uuid_of(row)
        self.lists["plans"][plan] = picked(row, ("uuid", "name", "billing_mode")) | {
            "offering_uuid": offering
        }
        for each in read(row["components"], list[Row]) if "components" in row else ():
            component = self.components.get((offering, read(each["type"], str)))
            if component:
                self.lists["plan_components"][f"{plan}:{component}"] = {
                    "plan_uuid": plan,
                    "component_uuid": component,
                    **picked(each, ("price", "amount")),
                }

    def _take_resource(self, row: Row) -> None:
        item = picked(row, RESOURCE_KEYS)
        if "state" in row:
            item["state"] = int(RESOURCE_STATES[read(row["state"], str)])
        self.lists["resources"][uuid_of(row)] = item
        self._name_customer(row)
        self._add_named("projects", row, "project_uuid", name="project_name", customer_uuid="customer_uuid")
        self._add_named("plans", row, "plan_uuid", name="plan_name", offering_uuid="offering_uuid")

    def _take_role(self, row: Row) -> None:
        kind = read(row["scope_type"], str) if given(row, "scope_type") else "nothing"
        scope = SCOPES.get(kind.rpartition(".")[2])
        if scope is None:
            self._notes.count(f"user_roles not read, which are on {kind}")
            return
        self._name_user(row)
        item = picked(row, ("uuid", "user_uuid", "role_name", "scope_uuid"))
        is_over = given(row, "expiration_time") and read(row["expiration_time"], datetime) <= self._now
        is_active = not is_over and not (given(row, "is_active") and not read(row["is_active"], bool))
        self.lists["user_roles"][uuid_of(row)] = item | {"scope_type": scope, "is_active": is_active}

    def _take_limit(self, row: Row) -> None:
        self.lists["component_user_usage_limits"][uuid_of(row)] = {
            "uuid": row["uuid"],
            "resource_uuid": linked(row["resource"]),
            "component_uuid": row["component"],
            "offering_user_uuid": linked(row["user"]),
            "limit": row["limit"],
        }

    def _name_user(self, row: Row) -> None:
        self._add_named("users", row, "user_uuid", username="user_username")

    def _name_customer(self, row: Row) -> None:
        self._add_named("customers", row, "customer_uuid", name="customer_name")

    def _add_named(self, name: str, row: Row, uuid_key: str, /, **keys: str) -> None:
        """Add what another object names, unless it is there. `keys` are those of the row, by ours."""
        if not given(row, uuid_key) or hexed(row[uuid_key]) in self.lists[name]:
            return
        if all(given(row, source) for source in keys.values()):
            item = {"uuid": row[uuid_key]} | {key: row[source] for key, source in keys.items()}
            self.lists[name][hexed(row[uuid_key])] = item
            self._notes.count(f"{name} not listed there, and taken from what others say of them")


PLAIN = {
    "users": ("uuid", "username", "is_staff", "is_support", "is_active"),
    "customers": ("uuid", "name", "abbreviation"),
    "projects": ("uuid", "name", "customer_uuid", "is_removed"),
    "categories": ("uuid", "title"),
    "service_providers": ("uuid", "customer_uuid"),
    "offering_users": ("uuid", "offering_uuid", "user_uuid", "username"),
}
"""Lists that are alike in both formats, with the keys that are read."""

COMPONENT_KEYS = (
    *("uuid", "type", "name", "description", "measured_unit", "billing_type", "limit_period"),
    *("limit_amount", "is_prepaid", "unit_factor"),
)
RESOURCE_KEYS = (
    *("uuid", "name", "slug", "backend_id", "created", "limits", "attributes", "backend_metadata"),
    *("offering_uuid", "project_uuid", "plan_uuid"),
)

References = dict[str, tuple[str, bool]]

REFERENCES: dict[str, Callable[[Item], References]] = {
    "projects": lambda _item: {"customer_uuid": ("customers", True)},
    "service_providers": lambda _item: {"customer_uuid": ("customers", True)},
    "offerings": lambda _item: {
        "customer_uuid": ("customers", True),
        "category_uuid": ("categories", False),
        "project_uuid": ("projects", False),
        "parent_uuid": ("offerings", False),
    },
    "resources": lambda _item: {
        "offering_uuid": ("offerings", True),
        "project_uuid": ("projects", True),
        "plan_uuid": ("plans", False),
    },
    "resource_plan_periods": lambda _item: {
        "resource_uuid": ("resources", True),
        "plan_uuid": ("plans", True),
    },
    "offering_users": lambda _item: {"offering_uuid": ("offerings", True), "user_uuid": ("users", False)},
    "user_roles": lambda item: {
        "user_uuid": ("users", True),
        "scope_uuid": (SCOPE_LISTS[item["scope_type"]], True),
    },
    "component_user_usage_limits": lambda _item: {
        "resource_uuid": ("resources", True),
        "component_uuid": ("offering_components", True),
        "offering_user_uuid": ("offering_users", True),
    },
}
"""The list that each reference leads to, and whether an object is nothing without it."""


def picked(row: Row, keys: tuple[str, ...]) -> Item:
    """Return the values of some keys, without those that are null."""
    return {key: row[key] for key in keys if given(row, key)}


def given(row: Row, key: str) -> bool:
    """Return whether a value is there: not null, nor a uuid without a character."""
    empty = (b"null", b'""') if key.endswith("uuid") else (b"null",)
    return key in row and bytes(row[key]) not in empty


def read(raw: Raw, kind: Any) -> Any:
    """Return a value that was decoded. Raises msgspec.ValidationError."""
    return msgspec.json.decode(raw, type=kind)


def as_raw(item: Any) -> Raw:
    """Return the JSON text of a value."""
    return Raw(msgspec.json.encode(item))


def uuid_of(row: Mapping[str, Any]) -> str:
    """Return the uuid of an object."""
    return hexed(row["uuid"])


def hexed(value: Raw | str) -> str:
    """Return a uuid as 32 hex digits, or as it is if it is none: the importer tells of that."""
    text = read(value, str) if isinstance(value, Raw) else value
    try:
        return UUID(text).hex
    except ValueError:
        return str(text)


def linked(url: Raw) -> str:
    """Return the uuid at the end of a URL."""
    return hexed(read(url, str).rstrip("/").rpartition("/")[2])
