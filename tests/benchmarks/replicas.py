"""Row 20: read-only servers on a standby, and what is left for the primary to do."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks import serving
from tests.benchmarks.bench import Bench
from tests.benchmarks.load import Played, play
from tests.benchmarks.measure import Line, Side, Target, at_least_times, no_errors
from tests.benchmarks.reads import by_month, plan_of
from tests.benchmarks.serving import Served, cpu_seconds, descendants
from tests.benchmarks.sets import Sets
from tests.benchmarks.shape import STAFF, TEN_THOUSAND
from tests.support.clusters import make_open_folder, postmaster, remove
from tests.torture.clusters import Cluster

LARGEST_SHARE = 0.02
"""Of PostgreSQL's processor time, that the primary takes."""

CORES = 6
"""Of two servers, a database for both, and clients: with fewer they take the processor from each other."""


def scaling(bench: Bench) -> list[Line]:
    """Lists of a month, of one read-only server and of two, on one standby, with a worker each."""
    with pair(bench) as (primary, standby, url), ExitStack() as stack:
        log = bench.folder / "replicas.log"
        servers = [stack.enter_context(serving.ledger(url, log, "--read-only", workers=1)) for _ in range(2)]
        sides = {"one": of(bench, servers[:1]), "two": of(bench, servers)}
        before = [cpu_of(each) for each in (primary, standby)]
        measured = bench.compare(sides)
        took = [cpu_of(each) - was for each, was in zip((primary, standby), before, strict=True)]
    one, two = measured["one"], measured["two"]
    wanted = at_least_times(two.median / one.median, 1.8, "one server")
    cores = os.cpu_count() or 1
    note = "" if cores >= CORES else f"{cores} cores for two servers, PostgreSQL and clients: not judged"
    return [
        Line(
            20,
            "lists of two read-only servers (floor: of one), 8 clients",
            two,
            one,
            [*([wanted] if cores >= CORES else []), *no_errors(one, two)],
            note,
            {"times": two.median / one.median, "primary s": took[0], "standby s": took[1]},
        ),
        Line(20, "PostgreSQL of the primary meanwhile", targets=[idle(*took)]),
    ]


def idle(primary: float, standby: float) -> Target:
    share = primary / (primary + standby)
    figure = f"{share:.1%} ({primary:.2f} of {primary + standby:.1f} s)"
    return Target(f"≤ {LARGEST_SHARE:.0%} of PostgreSQL's time", figure, share <= LARGEST_SHARE)


def of(bench: Bench, servers: Sequence[Served]) -> Side:
    """Eight clients, who share the servers."""
    plan = plan_of(by_month(bench, TEN_THOUSAND), STAFF * 2)
    parts = [plan[number :: len(servers)] for number in range(len(servers))]

    def together(seconds: float) -> Played:
        with ThreadPoolExecutor(len(servers)) as pool:
            played = list(
                pool.map(
                    lambda number: play(
                        bench.folder / f"calls-{number}", servers[number].url, parts[number], seconds
                    ),
                    range(len(servers)),
                )
            )
        return Played(
            calls=sum(each.calls for each in played),
            seconds=max(each.seconds for each in played),
            bytes=sum(each.bytes for each in played),
            p50=max(each.p50 for each in played),
            p99=max(each.p99 for each in played),
            refused=sum(each.refused for each in played),
            lost=sum(each.lost for each in played),
        )

    return together


@contextmanager
def pair(bench: Bench) -> Iterator[tuple[Cluster, Cluster, str]]:
    """A primary with the set of 10 k usages, a standby that follows it, and the URL of the set there."""
    folder = make_open_folder(on_disk=True)
    clusters: list[Cluster] = []
    try:
        primary = Cluster.new(folder)
        clusters.append(primary)
        Sets(primary.url("postgres"), bench.tell, bench.sets.today).ten_thousand  # noqa: B018 - is made
        standby = primary.replica(folder, "standby")
        clusters.append(standby)
        yield primary, standby, standby.url("bench_10k")
    finally:
        for each in clusters:
            each.stop()
        remove(folder)


def cpu_of(cluster: Cluster) -> float:
    """Returns the processor time of a server's processes so far, in seconds."""
    first = postmaster(Path(cluster.folder))
    return sum(cpu_seconds(pid) for pid in (first, *descendants(first)))
