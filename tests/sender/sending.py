"""Files of reports, and sending them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ledger.events import UsageReported
from tests.world import RESOURCE, World

REPLACED = "Replaced by a later line for the same figure: at least {}; --sum adds them up."


def line(amount: int, **values: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "type": "cpu", "amount": amount} | values


def written(path: Path, items: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def amounts(world: World) -> list[int]:
    return [int(fact.amount) for fact in world.facts(UsageReported)]


NO_TOKEN = "LEDGER_TOKEN: is not set, and names the API token that commands send to a running service"
