"""Row 18: lists as of a position, what the past takes on disk, verifications, and leaves of the tree."""

import time
from contextlib import closing
from itertools import islice

import psycopg
from msgspec import structs

from tests.benchmarks.bench import Bench
from tests.benchmarks.database import facts_after, head_of
from tests.benchmarks.facts import usages
from tests.benchmarks.load import Call
from tests.benchmarks.measure import Line, Series, Target, at_most_times, no_errors
from tests.benchmarks.reads import plan_of
from tests.benchmarks.replay import in_a_process
from tests.benchmarks.serving import Served, as_
from tests.benchmarks.sets import settings_of
from tests.benchmarks.shape import MILLION, MONTHS, OWNERS, REVISED, STAFF, uuid_for
from tests.benchmarks.upkeep import sizes_of
from web.runtime.database import open_ledger

PATHS = (
    "marketplace-component-usages/?resource_uuid={resource}&page_size=100",
    "marketplace-component-usages/?project_uuid={project}&page_size=100",
    "marketplace-component-usages/?offering_uuid={offering}&page_size=100",
    "marketplace-component-usages/?billing_period={month}&page_size=100",
    "marketplace-component-usages/?page_size=100",
    "marketplace-provider-resources/?page_size=100",
    "marketplace-component-usage-monthly/?page_size=100",
    "marketplace-project-usage/{project}/components-usage/",
)

LEAST_VERIFIED, LEAST_LEAVES = 20_000, 10_000
"""A second."""

BATCH, BATCHES, ROUNDS_OF_LEAVES = 1_000, 4, 3
"""Facts of an append, as of a bulk; appends of a round, of which so many are with the tree."""

WITH_TREE, WITHOUT_TREE = (
    f"ALTER TABLE journal.ledger_events {words} TRIGGER tree_grows" for words in ("ENABLE ALWAYS", "DISABLE")
)

LARGEST_PAST = 512
"""Bytes of the past for each fact of the journal."""

SECONDS, ROUNDS = 1, 3
"""Of a play, and how many there are: there are many lists, and each is asked one thing."""


def lists(bench: Bench) -> list[Line]:
    """Pages of 100 as of the end of 3 M facts, where most has been replaced already, by one client."""
    url = bench.sets.revised
    bench = structs.replace(bench, seconds=SECONDS, rounds=min(ROUNDS, bench.rounds))
    world = bench.sets.world(REVISED)
    names = {
        "resource": next(each.resource.uuid.hex for each in world.resources if each.first == 0),
        "month": f"{world.months[MONTHS // 4]:%F}",
        **{kind: uuid_for(kind, 0).hex for kind in ("project", "offering")},
    }
    head = head_of(url)
    with bench.ledger(url) as served:
        return [
            *(
                beside_now(bench, served, path.format(**names), head, token)
                for path in PATHS
                for token in (STAFF[0], OWNERS[0])
                if token in STAFF or "project-usage" not in path  # which is no provider's
            ),
            storage(url),
            verified(bench),
            leaves(bench),
        ]


def beside_now(bench: Bench, served: Served, path: str, position: int, token: str) -> Line:
    """A list as of a position, and the same of now."""
    now = f"/api/{path}"
    then = f"{now}{'&' if '?' in now else '?'}as_of={position}"
    assert served.ask(Call(then, as_(token))).status == 200
    measured = bench.compare(
        {name: bench.side(served, plan_of([path], [token])) for name, path in (("then", then), ("now", now))}
    )
    was, stands = measured.values()
    targets = [at_most_times(was.median_p50 / stands.median_p50, 3, "p50 of now"), *no_errors(was, stands)]
    who = "staff" if token in STAFF else "a provider"
    return Line(18, f"{path} as of {position:,} ({who})", was, stands, targets)


def storage(url: str) -> Line:
    """Measure what the past takes for each fact."""
    facts = facts_after(url)
    sizes = {
        name: size / facts
        for name, size in sizes_of(url).items()
        if any(part in name for part in ("_past", ".moment", "usage_count_span"))
    }
    kept = sum(sizes.values())
    note = ", ".join(f"{name.partition('.')[2]} {size:.0f}" for name, size in sizes.items() if size >= 5)
    target = Target(f"≤ {LARGEST_PAST} bytes", f"{kept:,.0f}", kept <= LARGEST_PAST)
    work = f"bytes of the past per fact, {facts:,} facts"
    return Line(18, work, Series("bytes", [kept]), targets=[target], note=note, details=sizes)


def verified(bench: Bench) -> Line:
    """Measure a verification of 100 k usages: the journal, each row, and the tree."""
    url = bench.sets.tenth
    rates = [in_a_process("verify", url).rate for _ in range(min(bench.rounds, 2))]
    measured = Series("facts/s", rates)
    met = measured.median >= LEAST_VERIFIED
    target = Target(f"≥ {LEAST_VERIFIED:,} facts/s", f"{measured.median:,.0f}", met)
    return Line(18, f"verify, {facts_after(url):,} facts", measured, targets=[target])


def leaves(bench: Bench) -> Line:
    """Append facts of reports as bulks do, and hash them into the tree, or not."""
    url = bench.sets.empty
    world = bench.sets.world(MILLION)
    reports = (report for number in range(len(world.months)) for report in usages(world, number))
    taken: dict[str, list[float]] = {WITH_TREE: [], WITHOUT_TREE: []}
    with closing(open_ledger(url, settings_of(url))) as ledger:
        stored = map(ledger.mapper.to_stored_event, reports)
        for switch in list(taken) * ROUNDS_OF_LEAVES:
            with psycopg.connect(url) as connection:
                connection.execute(switch.encode())
            batches = [[*islice(stored, BATCH)] for _ in range(BATCHES)]
            began = time.monotonic()
            for batch in batches:
                with ledger.transaction(is_bulk=True) as transaction:
                    transaction.append_stored(batch)
            taken[switch].append(sum(map(len, batches)) / (time.monotonic() - began))
    grown, bare = (Series("facts/s", figures) for figures in taken.values())
    target = Target(f"≥ {LEAST_LEAVES:,} leaves/s", f"{grown.median:,.0f}", grown.median >= LEAST_LEAVES)
    work = f"leaves of the tree, of facts in appends of {BATCH:,} (floor: no tree)"
    return Line(18, work, grown, bare, targets=[target])
