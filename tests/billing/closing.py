"""Closes months over the API."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import OFFERING, World

MONTHS = "/api/ledger/months/"

CLOSED = {
    "date": [
        "2026-11 was closed for this offering. A closed month takes corrections only, also while it lasts:"
        " no backfilling past billing periods."
    ]
}


def change(world: World, step: str, by: str = "staff", **body: Any) -> TestResponse:
    """Close or reopen November of OFFERING, unless told otherwise."""
    if "provider" not in body:
        body.setdefault("offering", OFFERING)
    return world.as_(by).post(f"{MONTHS}{step}/", {"month": "2026-11", **body})


def close(world: World, by: str = "staff", **body: Any) -> TestResponse:
    return change(world, "close", by, **body)


def reopen(world: World, by: str = "staff", **body: Any) -> TestResponse:
    return change(world, "reopen", by, **body)


def listed(world: World, by: str = "staff", **query: Any) -> Any:
    return world.as_(by).get(MONTHS, **query).get_json()
