"""What clients report: every component of some resources of the set of 1 M usages, again and again."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from tests.benchmarks.bench import Bench
from tests.benchmarks.database import facts_after, head_of
from tests.benchmarks.load import Call, Plan, Played
from tests.benchmarks.measure import Side
from tests.benchmarks.serving import as_
from tests.benchmarks.shape import COMPONENTS, MILLION, SEED, TOKENS
from tests.benchmarks.world import Placed

SET_USAGE = "/api/marketplace-component-usages/set_usage/"
REPORTS = "/api/ledger/reports/"

RESOURCES_PER_CLIENT = 200
BULK_CLIENTS = 4
VALUES = RESOURCES_PER_CLIENT * len(COMPONENTS)
"""In one bulk report."""


def offering(bench: Bench, number: int) -> list[Placed]:
    return [placed for placed in bench.sets.world(MILLION).resources if placed.offering == number]


def some_resources(bench: Bench, clients: int) -> list[list[Placed]]:
    """Resources of each client, of all offerings."""
    resources = bench.sets.world(MILLION).resources
    chosen = Random(SEED).sample(resources, clients * RESOURCES_PER_CLIENT)  # noqa: S311
    return [chosen[client::clients] for client in range(clients)]


def reports_on_many(bench: Bench) -> Plan:
    of_clients = some_resources(bench, len(TOKENS))
    return [reports(token, here) for token, here in zip(TOKENS, of_clients, strict=True)]


def reports(token: str, resources: Sequence[Placed]) -> list[Call]:
    """A report of every component of these resources."""
    return [
        Call(SET_USAGE, headers(token), text({"resource": uuid.hex, "usages": [usage]}), "POST")
        for uuid in uuids(resources)
        for usage in ({"type": name, "amount": "@"} for name, _, _ in COMPONENTS)
    ]


def bulk_plan(bench: Bench) -> Plan:
    """For each client one request with every component of its resources."""
    of_clients = some_resources(bench, BULK_CLIENTS)
    return [
        [
            Call(
                REPORTS,
                headers(token),
                text(
                    [
                        {"resource": uuid.hex, "type": name, "amount": "@"}
                        for uuid in uuids(here)
                        for name, _, _ in COMPONENTS
                    ]
                ),
                "POST",
            )
        ]
        for token, here in zip(TOKENS, of_clients, strict=False)
    ]


def uuids(resources: Iterable[Placed]) -> list[UUID]:
    return [placed.resource.uuid for placed in resources]


def headers(token: str) -> dict[str, str]:
    return as_(token) | {"Content-Type": "application/json"}


def text(body: Any) -> str:
    return msgspec.json.encode(body).decode()


def instead(path: str, plan: Plan) -> Plan:
    """The same calls to a floor."""
    return [[msgspec.structs.replace(call, path=path) for call in calls] for calls in plan]


def appending(url: str, side: Side, facts: int = 1) -> Side:
    """Makes sure that every answered report appended so many facts: a no-op would be no report."""

    def play(seconds: float) -> Played:
        head = head_of(url)
        played = side(seconds)
        appended = facts_after(url, head)
        wanted = (played.calls - played.refused) * facts
        assert appended >= wanted, f"{wanted} reports appended {appended} facts"
        return played

    return play
