"""Files to import, in the structure format."""

from pathlib import Path
from typing import Any

from tests.world import (
    BASIC,
    CATALOGUE,
    CPU,
    OFFERING_USER,
    PREMIUM,
    RESOURCE,
    World,
    uid,
)
from web.importer.importer import Summary, import_lists
from web.importer.reading import read_lists

Object = dict[str, Any]


USAGE: Object = {
    "uuid": uid(0x5001),
    "resource_uuid": RESOURCE,
    "component_uuid": CPU,
    "usage": "12.50",
    "billing_period": "2026-05-01",
    "date": "2026-05-15T00:00:00Z",
    "description": "from elsewhere",
}


USER_USAGE: Object = {
    "uuid": uid(0x6001),
    "component_usage_uuid": USAGE["uuid"],
    "username": "member01",
    "usage": "2.50",
    "offering_user_uuid": OFFERING_USER,
}


PERIODS = [
    {"uuid": uid(0x91), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": "2026-05-10T00:00:00Z"},
    {"uuid": uid(0x92), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM, "start": "2026-05-10T00:00:00Z"},
]


TWO_PLANS = [
    USAGE | {"usage": "100.00", "plan_period_uuid": uid(0x91), "missing_usage_policy": "reuse"},
    USAGE | {"uuid": uid(0x5002), "usage": "50.00", "plan_period_uuid": uid(0x92)},
]


AN_USER = {"uuid": uid(0x41), "username": "newcomer"}


A_CUSTOMER = {"uuid": uid(0x42), "name": "Newcomer"}


A_RESOURCE = CATALOGUE["resources"][0]


A_ROLE = CATALOGUE["user_roles"][0]


A_LIMIT: Object = {
    "uuid": uid(0x45),
    "resource_uuid": RESOURCE,
    "component_uuid": CPU,
    "offering_user_uuid": OFFERING_USER,
    "limit": 5,
}


def without(value: Object, key: str) -> Object:
    return {name: each for name, each in value.items() if name != key}


def import_text(world: World, folder: Path, text: str | bytes) -> Summary:
    path = folder / "catalogue.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_lists(read_lists(path)[0], world.services)


def counts(summary: Summary) -> dict[str, dict[str, int]]:
    """What a summary says of lists that had objects."""
    return {name: dict(+counted) for name, counted in summary.items() if +counted}
