"""Rows 10 and 17: a ledger long written to, in which agents report the same figures again and again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from msgspec import structs
from psycopg.rows import TupleRow

from tests.benchmarks.bench import Bench
from tests.benchmarks.database import facts_after, figure
from tests.benchmarks.load import Call
from tests.benchmarks.measure import Line, Series, Target, at_least, at_most_times
from tests.benchmarks.reported import REPORTS, SET_USAGE, headers, text
from tests.benchmarks.serving import Served
from tests.benchmarks.sets import project
from tests.benchmarks.shape import COMPONENTS, TEN_THOUSAND, TOKENS
from tests.benchmarks.upkeep import SELECT_SIZE, sizes_of

REWRITTEN = structs.replace(
    TEN_THOUSAND, name="rewritten", usages=14_500, user_usages=0, large=100, others=5, projects=50
)
"""200 resources with all their usages: 1,000 of the last month."""

TIMES = 50
"""How often each figure of the month is reported."""

A_BULK = 1_000
SINGLES = 500
"""Single reports of a round."""

LARGEST_REPORT = 2_048
"""Bytes of WAL."""

SELECT_UPDATES = """
SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
WHERE schemaname = 'read_models' AND n_tup_upd > 0"""

SELECT_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"

# Of what a record says beside pages' images. One that changes several pages counts with its first.
SELECT_PARTS = """
SELECT coalesce(t.relname, c.relname, 'other'), sum(w.record_length - w.block_fpi_length)
FROM pg_get_wal_block_info('0/0'::pg_lsn + %(first)s::numeric, '0/0'::pg_lsn + %(last)s::numeric) w
LEFT JOIN pg_class c ON pg_relation_filenode(c.oid) = w.relfilenode
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE w.block_id = 0
GROUP BY 1 ORDER BY 2 DESC"""


# --- row 10 -------------------------------------------------------------------------------------------------


def storage(bench: Bench) -> list[Line]:
    """Measure what a fact takes once each figure was reported 50 times, beside the same ledger rebuilt."""
    url = bench.sets.anew(REWRITTEN)
    with bench.ledger(url) as served:
        for number in range(TIMES):
            report(served, bulks(bench, number, dated=True))
    vacuum(url)
    facts, empty = facts_after(url), figure(bench.sets.empty, SELECT_SIZE)
    written, sizes = (figure(url, SELECT_SIZE) - empty) / facts, sizes_of(url)
    project(url)
    rebuilt = (figure(url, SELECT_SIZE) - empty) / facts
    note = ", ".join(
        f"{name.partition('.')[2]} {size / facts:.0f}" for name, size in sizes.items() if size >= 5 * facts
    )
    return [
        Line(
            10,
            f"bytes per fact, a month reported {TIMES} times, {facts:,} facts (floor: rebuilt)",
            Series("bytes", [written]),
            Series("bytes", [rebuilt]),
            [at_most_times(written / rebuilt, 1.3, "rebuilt")],
            note,
            {name: size / facts for name, size in sizes.items()},
        )
    ]


# --- row 17 -------------------------------------------------------------------------------------------------


def again(bench: Bench) -> list[Line]:
    """Reports of figures that are there: which updates leave the indexes alone, and what is logged for each.

    Images of pages, which PostgreSQL logs for each page that changes first after a checkpoint, are off, as
    how many there are depends on how often there is one. They are told apart.
    """
    url = bench.sets.anew(REWRITTEN)
    execute(url, "CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    with bench.ledger(url) as served:  # after a rebuild rows lie packed until they are reported again
        report(served, bulks(bench, 0, dated=True))
    vacuum(url)
    with page_images_off(url):
        lines = [
            line_of(bench, url, reports, number, dated=dated)
            for number, (reports, dated) in enumerate(
                [(bulks, True), (singles, True), (bulks, False), (singles, False)], 1
            )
        ]
    vacuum(url)
    begun = figure(url, SELECT_WAL)
    with bench.ledger(url) as served:
        reported = report(served, bulks(bench, 9, dated=True))
    imaged = (figure(url, SELECT_WAL) - begun) / reported
    work = "WAL of a value of a bulk, dated alike, first after a checkpoint"
    return [*lines, Line(17, work, Series("bytes", [imaged]))]


def line_of(
    bench: Bench, url: str, reports: Callable[..., Iterator[Call]], number: int, *, dated: bool
) -> Line:
    before, begun = updates(url), figure(url, SELECT_WAL)
    with bench.ledger(url) as served:
        reported = report(served, reports(bench, number, dated=dated))
    ended, after = figure(url, SELECT_WAL), updates(url)
    logged = (ended - begun) / reported
    changed, in_place = (
        sum(each[place] for each in after.values()) - sum(each[place] for each in before.values())
        for place in (0, 1)
    )
    parts = {name: size / reported for name, size in parts_of(url, begun, ended)}
    targets = [at_least(in_place / changed, 0.9, "updates heap-only")]
    targets.append(Target(f"≤ {LARGEST_REPORT:,} bytes", f"{logged:,.0f}", logged <= LARGEST_REPORT))
    work = f"WAL of a {'value of a bulk' if reports is bulks else 'single report'}, "
    note = ", ".join(f"{name} {size:.0f}" for name, size in parts.items() if size >= 5)
    return Line(
        17,
        work + ("dated alike" if dated else f"undated, {in_place / changed:.0%} heap-only"),
        Series("bytes", [logged]),
        targets=targets if dated else [],
        note=note,
        details=parts,
    )


def updates(url: str) -> dict[str, tuple[int, int]]:
    """By table how many rows were updated, and how many of them changed no index. Servers have ended."""
    with psycopg.connect(url) as connection:
        rows: list[TupleRow] = connection.execute(SELECT_UPDATES).fetchall()
    return {name: (updated, in_place) for name, updated, in_place in rows}


def parts_of(url: str, first: int, last: int) -> list[TupleRow]:
    """The bytes of WAL by table, indexes included."""
    with psycopg.connect(url) as connection:
        return connection.execute(SELECT_PARTS, {"first": first, "last": last}).fetchall()


# --- reports ------------------------------------------------------------------------------------------------


def bulks(bench: Bench, number: int, *, dated: bool) -> Iterator[Call]:
    """Every figure of the month, by bulks."""
    items = [
        {"resource": uuid, "type": name, "amount": f"{number}.{place % 100:02}", **date(bench, dated)}
        for place, (uuid, name) in enumerate(figures(bench))
    ]
    for first in range(0, len(items), A_BULK):
        yield Call(REPORTS, headers(TOKENS[0]), text(items[first : first + A_BULK]), "POST")


def singles(bench: Bench, number: int, *, dated: bool) -> Iterator[Call]:
    """Some of the figures, one by one."""
    for place, (uuid, name) in enumerate(figures(bench)[:SINGLES]):
        usages = [{"type": name, "amount": f"{number}.{place % 100:02}"}]
        body = {"resource": uuid, "usages": usages, **date(bench, dated)}
        yield Call(SET_USAGE, headers(TOKENS[0]), text(body), "POST")


def figures(bench: Bench) -> Sequence[tuple[str, str]]:
    return [
        (placed.resource.uuid.hex, name)
        for placed in bench.sets.world(REWRITTEN).resources
        for name, _, _ in COMPONENTS
    ]


def date(bench: Bench, dated: bool) -> dict[str, str]:
    """The first of the month, as agents have it."""
    return {"date": f"{bench.sets.today:%Y-%m}-01"} if dated else {}


def report(served: Served, calls: Iterator[Call]) -> int:
    """Reports, and returns how many values that were."""
    values = 0
    for call in calls:
        answer = served.ask(call)
        assert answer.status == 201, f"{answer.status}: {answer.body[:200]!r}"
        values += call.body.count('"type"')
    return values


# --- the server ---------------------------------------------------------------------------------------------


@contextmanager
def page_images_off(url: str) -> Iterator[None]:
    try:
        execute(url, "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
        yield
    finally:
        execute(url, "ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()")


def vacuum(url: str) -> None:
    execute(url, "VACUUM", "CHECKPOINT")


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
