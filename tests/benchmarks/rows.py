"""The rows of the table of targets, by their numbers: the functions say what is measured and asked."""

from collections.abc import Callable, Mapping

from tests.benchmarks import (
    agents,
    pages,
    past,
    portals,
    reads,
    replicas,
    rewritten,
    tenants,
    upkeep,
    writes,
)
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Line

ROWS: Mapping[int, Callable[[Bench], list[Line]]] = {
    1: writes.set_usage,
    2: writes.set_usage_on_one_resource,
    3: reads.pages,
    4: reads.sizes,
    5: reads.summaries,
    6: reads.unchanged,
    7: writes.bulk,
    8: upkeep.rebuild,
    9: writes.growth,
    10: lambda bench: [*upkeep.storage(bench), *rewritten.storage(bench)],
    11: upkeep.start,
    12: portals.lists,
    13: agents.users,
    14: agents.unchanged,
    15: agents.cycle,
    16: tenants.unchanged,
    17: rewritten.again,
    18: past.lists,
    19: pages.first_and_others,
    20: replicas.scaling,
}

RUN_IN_ORDER = (10, 12, 17, 18, 19, 20, 3, 4, 5, 6, 14, 16, 1, 2, 9, 13, 15, 11, 7, 8)
"""Rows that only read come first, those that make the copy larger come last."""
