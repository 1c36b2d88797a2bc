"""Rows 1, 2, 7 and 9: reporting usage."""

import msgspec

from tests.benchmarks.bench import Bench
from tests.benchmarks.bulk_floor import BulkFloor
from tests.benchmarks.database import head_of, is_shown
from tests.benchmarks.measure import (
    Line,
    Target,
    at_least,
    at_least_times,
    at_most_times,
    no_errors,
)
from tests.benchmarks.reported import (
    BULK_CLIENTS,
    VALUES,
    appending,
    bulk_plan,
    instead,
    offering,
    reports,
    reports_on_many,
)
from tests.benchmarks.shape import MILLION, TOKENS

REFERENCE = 54
"""`set_usage` with one usage by 8 clients, requests a second."""

LONGER = 3
"""Times as long are plays of bulk reports: those that the end cuts off are not counted, and each is long."""


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
        at_least_times(report.median / REFERENCE, 40, f"Waldur's {REFERENCE}/s"),
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
        assert answer.status == 201, f"{answer.status}: {answer.body[:200]!r}"
        shown = is_shown(url, before)
        floor = BulkFloor(url, before)
        sides = {"bulk": appending(url, bench.side(served, plan), VALUES), "floor": floor.play}
        measured = bench.compare(sides, per_call=VALUES, longer=LONGER)
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
