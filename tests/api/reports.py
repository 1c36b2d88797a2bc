"""Reports of usage, and refusals of them."""

from typing import Any

from werkzeug.test import TestResponse

from ledger.events import Report
from tests.world import (
    USAGES,
    World,
)

PATH = f"{USAGES}set_usage/"


CPU_ITEM = {"type": "cpu", "amount": 5}


REQUIRED = ["This field is required."]


NO_NUMBER = ["A valid number is required."]


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json() if response.data else None


def send(world: World, data: str | bytes, content_type: str = "application/json") -> tuple[int, Any]:
    """Sends a body as it is."""
    return answer(world.as_("staff").send("POST", PATH, data=data, content_type=content_type))


def amounts(world: World) -> list[tuple[str, str]]:
    return sorted((row["type"], row["usage"]) for row in world.usages())


def refused(world: World, body: Any, response: TestResponse) -> None:
    """Asserts that a report was refused in these words, and left nothing behind."""
    assert answer(response) == (400, body)
    assert world.facts(Report) == []
