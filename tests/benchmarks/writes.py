"""Rows 1, 2, 7 and 9: reporting usage."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import TupleRow

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import Call, Plan, Played
from tests.benchmarks.measure import (
    Line,
    Side,
    Target,
    at_least,
    at_least_times,
    at_most_times,
    no_errors,
)
from tests.benchmarks.serving import as_
from tests.benchmarks.sets import TYPES_OF_FACTS
from tests.benchmarks.shape import COMPONENTS, MILLION, SEED, TOKENS, Placed

SET_USAGE = "/api/marketplace-component-usages/set_usage/"
REPORTS = "/api/ledger/reports/"

REFERENCE = 54
"""`set_usage` with one usage by 8 clients, requests a second."""

RESOURCES_PER_CLIENT = 200
BULK_CLIENTS = 4
VALUES = RESOURCES_PER_CLIENT * len(COMPONENTS)
"""In one bulk report."""

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events"
COUNT_FACTS = "SELECT count(*) FROM journal.ledger_events WHERE notification_id > %(head)s"
SELECT_POSITION = "SELECT position FROM read_models.read_position"
SELECT_FACTS = """
SELECT originator_id, originator_version, topic, state FROM journal.ledger_events
WHERE notification_id > %(head)s"""

CREATE_BULK_FLOOR = """
DROP TABLE IF EXISTS journal.bulk_floor;
CREATE TABLE journal.bulk_floor (LIKE journal.ledger_events INCLUDING ALL);
"""
COPY_BULK_FLOOR = """
COPY journal.bulk_floor (originator_id, originator_version, topic, state) FROM STDIN (FORMAT binary)"""


def set_usage(bench: Bench) -> list[Line]:
    """One usage a request, by 8 clients, each on resources of its own."""
    url = bench.sets.writable
    plan = reports_on_many(bench)
    with bench.ledger_and_floor(url) as (served, bare):
        sides = {
            "report": appending(url, bench.side(served, plan)),
            "floor": bench.side(bare, instead("/write", plan)),
        }
        measured = bench.compare(sides)
    report, floor = measured["report"], measured["floor"]
    spread = report.median_p99 / report.median_p50
    targets = [
        at_least(report.median / floor.median, 0.5, "the write floor"),
        at_least_times(report.median / REFERENCE, 20, f"the reference's {REFERENCE}/s"),
        Target("p99 ≤ 5 x p50", f"{spread:.2f} x", spread <= 5),
        *no_errors(report, floor),
    ]
    return [Line(1, "set_usage, 8 clients, distinct records", report, floor, targets)]


def set_usage_on_one_resource(bench: Bench) -> list[Line]:
    """The same, all clients on one resource. What it is held against is row 1, taking turns."""
    url = bench.sets.writable
    here = offering(bench, 2)[:1]
    plan = [reports(token, here) for token in TOKENS]
    with bench.ledger(url) as served:
        sides = {
            "one": appending(url, bench.side(served, plan)),
            "many": appending(url, bench.side(served, reports_on_many(bench))),
        }
        measured = bench.compare(sides)
    one, many = measured["one"], measured["many"]
    errors = Target("no error", f"{one.errors}", one.errors == 0)
    targets = [at_least(one.median / many.median, 0.5, "row 1"), errors]
    return [Line(2, "set_usage, 8 clients, one resource (floor: row 1)", one, many, targets)]


def bulk(bench: Bench) -> list[Line]:
    """Bulk reports of 1,000 values each, beside COPY of the facts that they led to."""
    url, work = bench.sets.writable, f"bulk report, {VALUES:,} values, {BULK_CLIENTS} clients"
    plan = bulk_plan(bench)
    with bench.ledger(url) as served:
        probe = plan[0][0]
        before = head_of(url)
        answer = served.ask(msgspec.structs.replace(probe, body=probe.body.replace("@", "1.01")))
        if answer.status == 404:
            return [Line(7, work, note="not there: no POST /api/ledger/reports/")]
        assert answer.status == 201, f"{answer.status}: {answer.body[:1000]!r}"
        shown = is_shown(url, before)
        floor = BulkFloor(url, before)
        sides = {"bulk": appending(url, bench.side(served, plan), VALUES), "floor": floor.play}
        measured = bench.compare(sides, VALUES)
    done, least = measured["bulk"], measured["floor"]
    targets = [
        Target("≥ 10,000 values/s", f"{done.median:,.0f}", done.median >= 10_000),
        at_least(done.median / least.median, 0.15, "the bulk floor"),
        Target("shown when answered", "yes" if shown else "no", shown),
        *no_errors(done),
    ]
    return [Line(7, f"{work}: values", done, least, targets)]


def growth(bench: Bench) -> list[Line]:
    """One report on the offering with 10,000 resources, beside one on the offering with 10."""
    url = bench.sets.writable
    large, small = offering(bench, 0)[: MILLION.small], offering(bench, 1)
    with bench.ledger(url) as served:
        sides = {
            "large": appending(url, bench.side(served, [reports(TOKENS[0], large)])),
            "small": appending(url, bench.side(served, [reports(TOKENS[0], small)])),
        }
        measured = bench.compare(sides)
    ratio = measured["large"].median_p50 / measured["small"].median_p50
    targets = [at_most_times(ratio, 1.3, "p50 with 10"), *no_errors(*measured.values())]
    work = "set_usage, 1 client, offering of 10,000 (floor: of 10)"
    return [Line(9, work, measured["large"], measured["small"], targets)]


# --- what is reported ---------------------------------------------------------------------------------------


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


# --- what came of it ----------------------------------------------------------------------------------------


def appending(url: str, side: Side, facts: int = 1) -> Side:
    """Makes sure that every answered report appended so many facts: a no-op would be no report."""

    def play(seconds: float) -> Played:
        head = head_of(url)
        played = side(seconds)
        appended = figure(url, COUNT_FACTS, head=head)
        wanted = (played.calls - played.refused) * facts
        assert appended >= wanted, f"{wanted} reports appended {appended} facts"
        return played

    return play


def head_of(url: str) -> int:
    return figure(url, SELECT_HEAD)


def is_shown(url: str, before: int) -> bool:
    """Whether the read models reflect facts after a position, and all there are."""
    head = head_of(url)
    return before < head == figure(url, SELECT_POSITION)


def figure(url: str, statement: str, **parameters: int) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return int(row[0])


class BulkFloor:
    """COPY of the facts that the last play appended: a thousand and a commit at a time, as many clients."""

    def __init__(self, url: str, head: int) -> None:
        self._url, self._head = url, head
        with psycopg.connect(url) as connection:
            connection.execute(CREATE_BULK_FLOOR)

    def play(self, _seconds: float) -> Played:
        batches = self._new_facts()
        with psycopg.connect(self._url) as connection:
            connection.execute("TRUNCATE journal.bulk_floor")
        with ThreadPoolExecutor(BULK_CLIENTS) as pool:
            began = time.monotonic()
            list(pool.map(self._copy, [batches[client::BULK_CLIENTS] for client in range(BULK_CLIENTS)]))
            took = time.monotonic() - began
        return Played(calls=len(batches), seconds=took, bytes=0, p50=0, p99=0, refused=0, lost=0)

    def _new_facts(self) -> list[list[TupleRow]]:
        with psycopg.connect(self._url) as connection:
            rows = iter(connection.execute(SELECT_FACTS, {"head": self._head}).fetchall())
        self._head = head_of(self._url)
        return list(iter(partial(lambda: list(islice(rows, VALUES))), []))

    def _copy(self, batches: list[list[TupleRow]]) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection, connection.cursor() as cursor:
            for batch in batches:
                with cursor.copy(COPY_BULK_FLOOR) as copy:
                    copy.set_types(TYPES_OF_FACTS)
                    for row in batch:
                        copy.write_row(row)
