"""Sends manifests over the API."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import OFFERING, World, uid

MANIFESTS = "/api/ledger/manifests/"

FIRST = {"reports": 1, "resources": 1, "totals": {"cpu": "5.00"}}
"""What stands once RESOURCE has 5 of cpu."""

OTHER = uid(0x14)
"""Another resource of OFFERING."""


def send(world: World, by: str = "staff", **body: Any) -> TestResponse:
    """Send a manifest for November of OFFERING, unless told otherwise."""
    whole: dict[str, Any] = {"offering": OFFERING, "month": "2026-11", **FIRST, **body}
    return world.as_(by).post(MANIFESTS, {name: value for name, value in whole.items() if value is not None})


def listed(world: World, by: str = "staff", **query: Any) -> Any:
    return world.as_(by).get(MANIFESTS, **query).get_json()
