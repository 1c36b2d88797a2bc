"""Rows 8, 10 and 11: rebuilding, keeping and opening a ledger of a million usages."""

import time

import psycopg
from psycopg.rows import TupleRow

from tests.benchmarks.bench import Bench
from tests.benchmarks.database import facts_after, figure
from tests.benchmarks.measure import Line, Series, Target, at_least, at_most_times
from tests.benchmarks.reads import by_month, by_resource, plan_of
from tests.benchmarks.replay import Replayed, in_a_process
from tests.benchmarks.reported import reports_on_many
from tests.benchmarks.shape import MILLION, TOKENS

REBUILDING_SECONDS = 240
"""No round of row 8 begins that would end later: a rebuild takes as long as it takes."""

LARGEST_FACT = 1_536 + 512
"""Bytes, of which 512 are for the tree, and for what usages were."""

STARTING_SECONDS = 3
LARGEST_WORKER_MIB = 150

SELECT_SIZE = "SELECT pg_database_size(current_database())"
SELECT_SIZES = """
SELECT n.nspname, c.relname, t.relname, pg_relation_size(c.oid, 'main')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE n.nspname IN ('journal', 'read_models') AND c.relkind IN ('r', 'i')
ORDER BY 4 DESC"""


# --- row 8 --------------------------------------------------------------------------------------------------


def rebuild(bench: Bench) -> list[Line]:
    """Every read model anew, beside reading the facts and doing nothing; and what memory that takes."""
    url = bench.sets.writable
    replayed, rebuilt = rounds_of_rebuilds(bench, url)
    compared = in_a_process("compare", url)
    few = in_a_process("rebuild", bench.sets.ten_thousand)
    floor = Series("facts/s", [each.rate for each in replayed])
    rates = Series("facts/s", [each.rate for each in rebuilt])
    targets = [
        Target("≥ 30,000 facts/s", f"{rates.median:,.0f}", rates.median >= 30_000),
        at_least(rates.median / floor.median, 0.3, "the replay floor"),
    ]
    many, little = Series("MiB", [each.peak_mib for each in rebuilt]), Series("MiB", [few.peak_mib])
    flat = at_most_times(many.median / little.median, 1.25, "memory at 10 k")
    return [
        Line(8, f"rebuild of {rebuilt[0].facts:,} facts, rounds: {len(rebuilt)}", rates, floor, targets),
        Line(8, "the same, compared with the live rows (once)", Series("facts/s", [compared.rate])),
        Line(8, "memory of a rebuild, 1 M usages (floor: 10 k)", many, little, [flat]),
    ]


def rounds_of_rebuilds(bench: Bench, url: str) -> tuple[list[Replayed], list[Replayed]]:
    began, replayed, rebuilt = time.monotonic(), [], []
    for number in range(1, bench.rounds + 1):
        replayed.append(in_a_process("replay", url))
        rebuilt.append(in_a_process("rebuild", url))
        took = time.monotonic() - began
        bench.tell(f"  rebuild {number}: {rebuilt[-1].rate:,.0f} facts/s")
        if took + took / number > REBUILDING_SECONDS:
            break
    return replayed, rebuilt


# --- row 10 -------------------------------------------------------------------------------------------------


def storage(bench: Bench) -> list[Line]:
    """What a fact takes on disk, with everything that is kept of it."""
    url, empty = bench.sets.million, bench.sets.empty
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        connection.execute("CHECKPOINT")
    facts = facts_after(url)
    kept = (figure(url, SELECT_SIZE) - figure(empty, SELECT_SIZE)) / facts
    sizes = {name: size / facts for name, size in sizes_of(url).items()}
    journal = sum(size for name, size in sizes.items() if name.startswith("journal."))
    note = f"journal {journal:,.0f}, read models {kept - journal:,.0f}; " + ", ".join(
        f"{name.partition('.')[2]} {size:.0f}" for name, size in sizes.items() if size >= 5
    )
    target = Target(f"≤ {LARGEST_FACT:,} bytes", f"{kept:,.0f}", kept <= LARGEST_FACT)
    work = f"bytes per fact on disk, {facts:,} facts"
    return [Line(10, work, Series("bytes", [kept]), targets=[target], note=note, details=sizes)]


def sizes_of(url: str) -> dict[str, int]:
    """Bytes of each table and index, the largest first."""
    with psycopg.connect(url) as connection:
        rows: list[TupleRow] = connection.execute(SELECT_SIZES).fetchall()
    return {f"{schema}.{name}" + (" (index)" if table else ""): size for schema, name, table, size in rows}


# --- row 11 -------------------------------------------------------------------------------------------------


def start(bench: Bench) -> list[Line]:
    """From nothing to the first answer on an existing ledger, and what the workers take then and later."""
    url = bench.sets.writable
    seconds, fresh = [], []
    for _ in range(bench.rounds):
        with bench.ledger(url) as served:
            seconds.append(served.seconds)
            fresh.append(max(served.workers_mib()))
    used = worker_after_load(bench, url)
    took, memory, later = Series("s", seconds), Series("MiB", fresh), Series("MiB", [used])
    in_time = Target(f"≤ {STARTING_SECONDS} s", f"{took.median:.2f} s", took.median <= STARTING_SECONDS)
    return [
        Line(11, "start on 1 M usages, to the first answer", took, targets=[in_time]),
        Line(11, "memory of the largest worker, started", memory, targets=[small(memory)]),
        Line(11, "memory of the largest worker, after load", later, targets=[small(later)]),
    ]


def worker_after_load(bench: Bench, url: str) -> float:
    with bench.ledger(url) as served:
        lists = by_resource(bench, MILLION) + by_month(bench, MILLION)
        for plan in (plan_of(lists, TOKENS), reports_on_many(bench)):
            bench.side(served, plan)(bench.seconds)
        return max(served.workers_mib())


def small(memory: Series) -> Target:
    limit = LARGEST_WORKER_MIB
    return Target(f"≤ {limit} MiB", f"{memory.median:.0f} MiB", memory.median <= limit)
