"""Rows 3 to 6: reading lists and summaries."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from tests.benchmarks import floors
from tests.benchmarks.bench import Bench
from tests.benchmarks.database import COUNT_USAGES, figure
from tests.benchmarks.load import Call, Plan
from tests.benchmarks.measure import (
    Line,
    Series,
    Target,
    at_least,
    at_least_times,
    at_most_times,
    no_errors,
)
from tests.benchmarks.serving import Answer, Served, as_
from tests.benchmarks.shape import MILLION, MONTHS, OWNERS, STAFF, TEN_THOUSAND, TOKENS, Shape, uuid_for

USAGES = "/api/marketplace-component-usages/?page_size=100"
SUMMARY = "/api/marketplace-component-usage-monthly/?page_size=100"
PROJECT = f"/api/marketplace-project-usage/{uuid_for('project', 0).hex}/components-usage/"

REFERENCE = 2.2
"""A list of 100 of 1 M usages by 8 clients, requests a second."""

LARGEST_304 = 1_000
"""Bytes of an answer without a body. A page of 100 usages has some 80,000."""


class Reading(Struct, frozen=True):
    """What is read: as these users, one path after the other."""

    work: str
    paths: Sequence[str]
    tokens: Sequence[str]


def by_resource(bench: Bench, shape: Shape) -> list[str]:
    """Resources that have usage of every month: more than a page."""
    world = bench.sets.world(shape)
    full = [placed.resource.uuid for placed in world.resources if placed.first == 0][:50]
    return [f"{USAGES}&resource_uuid={uuid.hex}" for uuid in full]


def by_month(bench: Bench, shape: Shape) -> list[str]:
    months = bench.sets.world(shape).months[MONTHS // 2 :]
    return [f"{USAGES}&billing_period_year={m.year}&billing_period_month={m.month}" for m in months]


def pages(bench: Bench) -> list[Line]:
    """A page of 100 usages of a resource or a month, of a million."""
    resources, months = by_resource(bench, MILLION), by_month(bench, MILLION)
    readings = [
        Reading("list of a resource, 8 clients, 1 M rows", resources, TOKENS),
        Reading("list of a month, 8 clients (staff), 1 M rows", months, STAFF * 2),
        Reading("list of a month, 8 clients (providers), 1 M rows", months, OWNERS * 2),
    ]
    with bench.ledger_and_floor(bench.sets.million) as (served, bare):
        return [page(bench, served, bare, reading) for reading in readings]


def page(bench: Bench, served: Served, bare: Served, reading: Reading) -> Line:
    listed, floor = beside_floor(bench, served, bare, reading)
    targets = [
        at_least(listed.median / floor.median, 0.5, "the read floor"),
        at_least_times(listed.median / REFERENCE, 500, f"Waldur's {REFERENCE}/s"),
        *no_errors(listed, floor),
    ]
    return Line(3, reading.work, listed, floor, targets)


def sizes(bench: Bench) -> list[Line]:
    """The same lists of a million usages and of ten thousand, and the list of all with its count."""
    with bench.ledger(bench.sets.million) as million, bench.ledger(bench.sets.ten_thousand) as few:
        lines = [
            of_two_sizes(bench, million, few, Growing("list of a resource", by_resource, TOKENS)),
            of_two_sizes(bench, million, few, Growing("list of a month (staff)", by_month, STAFF * 2)),
            of_two_sizes(bench, million, few, Growing("list of all (staff)", everything, STAFF * 2)),
        ]
        lines[-1].targets.append(exact_count(bench, million, few))
    return lines


class Growing(Struct, frozen=True):
    """What is read of two sets."""

    work: str
    paths: Callable[[Bench, Shape], list[str]]
    tokens: Sequence[str]


def of_two_sizes(bench: Bench, million: Served, few: Served, growing: Growing) -> Line:
    sides = {
        name: bench.side(served, plan_of(growing.paths(bench, shape), growing.tokens))
        for name, served, shape in (("1m", million, MILLION), ("10k", few, TEN_THOUSAND))
    }
    measured = bench.compare(sides)
    ratio = measured["1m"].median_p50 / measured["10k"].median_p50
    targets = [at_most_times(ratio, 1.5, "p50 of 10 k"), *no_errors(*measured.values())]
    work = f"{growing.work}, 8 clients, 1 M rows (floor: 10 k)"
    return Line(4, work, measured["1m"], measured["10k"], targets)


def everything(_bench: Bench, _shape: Shape) -> list[str]:
    return [USAGES]


def exact_count(bench: Bench, million: Served, few: Served) -> Target:
    told = [served.ask(Call(USAGES, as_(STAFF[0]))).headers["x-result-count"] for served in (million, few)]
    counted = [str(figure(url, COUNT_USAGES)) for url in (bench.sets.million, bench.sets.ten_thousand)]
    return Target("exact X-Result-Count", " and ".join(told), told == counted)


def summaries(bench: Bench) -> list[Line]:
    """Two answers that sum up many rows, each asked for by one client."""
    lines = []
    with bench.ledger_and_floor(bench.sets.million) as (served, bare):
        for work, path in (("monthly summary", SUMMARY), ("usage of a project of 1,000 resources", PROJECT)):
            reading = Reading(f"{work}, 1 client, 1 M rows", [path], STAFF[:1])
            summary, floor = beside_floor(bench, served, bare, reading)
            target = at_most_times(summary.median_p50 / floor.median_p50, 2, "the read floor's p50")
            lines.append(Line(5, reading.work, summary, floor, [target, *no_errors(summary, floor)]))
    return lines


def unchanged(bench: Bench) -> list[Line]:
    """Asking again for what has not changed, beside an empty route."""
    work, path = "conditional GET of an unchanged list, 8 clients", by_resource(bench, MILLION)[0]
    with bench.ledger_and_floor(bench.sets.million) as (served, bare):
        first = [served.ask(Call(path, as_(token))) for token in TOKENS]
        if any("etag" not in answer.headers for answer in first):
            return [Line(6, work, note="not there: no ETag")]
        calls = [
            Call(path, {**as_(token), "If-None-Match": answer.headers["etag"]})
            for token, answer in zip(TOKENS, first, strict=True)
        ]
        sides = {
            "unchanged": bench.side(served, [[call] for call in calls]),
            "floor": bench.side(bare, plan_of(["/empty"], TOKENS)),
        }
        measured = bench.compare(sides)
        again = [served.ask(call) for call in calls]
    asked, floor = measured["unchanged"], measured["floor"]
    targets = [
        at_least(asked.median / floor.median, 0.8, "an empty route"),
        all_304(asked, again),
        *no_errors(asked, floor),
    ]
    return [Line(6, work, asked, floor, targets)]


def all_304(asked: Series, again: Sequence[Answer]) -> Target:
    """wrk does not tell 304 from 200, but one 200 among the answers would show in their size."""
    statuses = sorted({answer.status for answer in again})
    small = asked.bytes < LARGEST_304 * asked.calls
    told = f"{statuses}, {asked.bytes // max(1, asked.calls)} bytes"
    return Target("every answer a 304", told, small and statuses == [304])


# --- beside a floor -----------------------------------------------------------------------------------------


def beside_floor(bench: Bench, served: Served, bare: Served, reading: Reading) -> tuple[Series, Series]:
    """The ledger's answers, and the same bytes as they are."""
    stored = []
    for number, path in enumerate(reading.paths):
        answer = served.ask(Call(path, as_(reading.tokens[0])))
        assert answer.status == 200, f"{path}: {answer.status}: {answer.body[:200]!r}"
        stored.append(floors.keep(bench.sets.floors, f"{number}", answer.body))
    sides = {
        "read": bench.side(served, plan_of(reading.paths, reading.tokens)),
        "floor": bench.side(bare, plan_of(stored, reading.tokens)),
    }
    measured = bench.compare(sides)
    return measured["read"], measured["floor"]


def plan_of(paths: Sequence[str], tokens: Sequence[str]) -> Plan:
    """Every client reads all paths, and begins at another one."""
    plan = []
    for number, token in enumerate(tokens):
        first = number % len(paths)
        plan.append([Call(path, as_(token)) for path in [*paths[first:], *paths[:first]]])
    return plan
