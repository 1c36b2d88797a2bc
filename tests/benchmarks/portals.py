"""Row 12: user usages beside the read floor, and the other lists of agents and portals."""

import time
from collections.abc import Callable

from msgspec import structs

from tests.benchmarks import floors
from tests.benchmarks.bench import Bench
from tests.benchmarks.database import figure
from tests.benchmarks.load import Call, percentile
from tests.benchmarks.measure import Line, Series, Target, at_least, at_most_times, no_errors
from tests.benchmarks.reads import plan_of
from tests.benchmarks.serving import Served, as_
from tests.benchmarks.shape import (
    HUNDRED_THOUSAND,
    MONTHS,
    OWNERS,
    STAFF,
    TEN_THOUSAND,
    TOKENS,
    Shape,
    uuid_for,
)

USER_USAGES = "/api/marketplace-component-user-usages/?page_size=100"
USAGES = "/api/marketplace-component-usages/?page_size=100"
COUNT_USER_USAGES = "SELECT count(*) FROM read_models.user_usage"

OFFERING, PROVIDER = (uuid_for(kind, 0).hex for kind in ("offering", "provider"))

OTHERS = (
    "marketplace-provider-resources/?page_size=100",
    "marketplace-provider-resources/?offering_uuid={offering}&state=OK&state=Erred&page_size=100",
    "marketplace-provider-offerings/?page_size=100",
    "marketplace-provider-offerings/{offering}/component_stats/?page_size=100",
    "marketplace-service-providers/?page_size=100",
    "marketplace-offering-users/?page_size=100",
    "component-user-usage-limits/?page_size=100",
    "marketplace-stats/resources_missing_usage/?page_size=100",
    "marketplace-stats/resources_missing_usage/?billing_period=2020-01&page_size=100",
    "marketplace-stats/resources_missing_usage/?provider_uuid={provider}&page_size=100",
    "marketplace-stats/aggregated_usage_trends/",
    "marketplace-stats/component_usages/",
    "marketplace-stats/component_usages_per_month/",
    "marketplace-stats/component_usages_per_project/",
)

ROUNDS, SECONDS = 3, 1
"""Of a play, at the most: there are three sides, and four kinds of pages."""

CALLS = 15
"""Of each of the other lists, one after the other."""


def lists(bench: Bench) -> list[Line]:
    """Pages of user usages by 8 clients, and a page of each other list by one, of 100 k resources.

    They have 1 M usages and 1 M user usages.
    """
    bench = structs.replace(bench, rounds=min(bench.rounds, ROUNDS), seconds=SECONDS)
    many, few = bench.sets.hundred_thousand, bench.sets.ten_thousand
    with bench.ledger_and_floor(many) as (served, bare), bench.ledger(few) as small:
        lines = [
            line
            for work, paths in KINDS.items()
            for line in of_user_usages(bench, work, paths, (served, bare, small))
        ]
        lines.append(exact_count(bench, served))
        month = f"{bench.sets.world(HUNDRED_THOUSAND).months[-1]:%F}"
        paths = [path.format(month=month, offering=OFFERING, provider=PROVIDER) for path in OTHERS]
        lines += [beside_usages(served, path, STAFF[0]) for path in paths]
        lines += [beside_usages(served, path, OWNERS[0]) for path in paths if "stats" not in path]
    return lines


def everything(_bench: Bench, _shape: Shape) -> list[str]:
    return [USER_USAGES]


def by_month(bench: Bench, shape: Shape) -> list[str]:
    months = bench.sets.world(shape).months[MONTHS // 2 :]
    return [f"{USER_USAGES}&component_usage__billing_period={month:%F}" for month in months]


def by_resource(bench: Bench, shape: Shape) -> list[str]:
    world = bench.sets.world(shape)
    full = [placed.resource.uuid for placed in world.resources if placed.first == 0][:50]
    return [f"{USER_USAGES}&resource_uuid={uuid.hex}" for uuid in full]


def by_usage(bench: Bench, shape: Shape) -> list[str]:
    """Return the pages of one usage's users, which are found by its resource, its month and its type."""
    month = bench.sets.world(shape).months[-1]
    return [
        f"{path}&component_usage__billing_period={month:%F}&type=cpu" for path in by_resource(bench, shape)
    ]


KINDS: dict[str, Callable[[Bench, Shape], list[str]]] = {
    "all user usages": everything,
    "user usages of a month": by_month,
    "user usages of a resource": by_resource,
    "user usages of a usage": by_usage,
}


def of_user_usages(
    bench: Bench,
    work: str,
    paths: Callable[[Bench, Shape], list[str]],
    servers: tuple[Served, Served, Served],
) -> list[Line]:
    """Measure the same pages of 1 M and of few user usages, and the bytes of the first, in turn."""
    served, bare, small = servers
    of_many = paths(bench, HUNDRED_THOUSAND)
    answers = [served.ask(Call(path, as_(STAFF[0]))) for path in of_many]
    assert all(answer.status == 200 for answer in answers)
    stored = [
        floors.keep(bench.sets.floors, f"{number}", answer.body) for number, answer in enumerate(answers)
    ]
    measured = bench.compare(
        {
            "many": bench.side(served, plan_of(of_many, STAFF * 2)),
            "floor": bench.side(bare, plan_of(stored, TOKENS)),
            "few": bench.side(small, plan_of(paths(bench, TEN_THOUSAND), STAFF * 2)),
        }
    )
    many, floor, few = measured.values()
    ratio = many.median_p50 / few.median_p50
    return [
        Line(
            12,
            f"{work}, 8 clients, 1 M",
            many,
            floor,
            [at_least(many.median / floor.median, 0.5, "the read floor"), *no_errors(many, floor)],
        ),
        Line(
            12,
            f"{work}, 8 clients, 1 M (floor: of 10 k usages)",
            many,
            few,
            [at_most_times(ratio, 1.5, "p50 of few"), *no_errors(few)],
        ),
    ]


def exact_count(bench: Bench, served: Served) -> Line:
    told = served.ask(Call(USER_USAGES, as_(STAFF[0]))).headers["x-result-count"]
    counted = figure(bench.sets.hundred_thousand, COUNT_USER_USAGES)
    target = Target("exact X-Result-Count", told, told == str(counted))
    return Line(12, "all user usages, counted", targets=[target])


def beside_usages(served: Served, path: str, token: str) -> Line:
    """A list, and that of component usages in pages of the same size, asked for in turn by one caller."""
    sides = {"list": f"/api/{path}", "usages": USAGES}
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(CALLS):
        for name, asked in sides.items():
            began = time.perf_counter()
            assert served.ask(Call(asked, as_(token))).status == 200
            took[name].append((time.perf_counter() - began) * 1000)
    found, usages = (series_of(sorted(each)) for each in took.values())
    target = at_most_times(found.median_p50 / usages.median_p50, 3, "p50 of component usages")
    who = "staff" if token in STAFF else "a provider"
    return Line(12, f"{path} ({who})", found, usages, [target])


def series_of(took: list[float]) -> Series:
    """The figures of some calls, ascending in ms."""
    p50, p99 = percentile(took, 50), percentile(took, 99)
    return Series("/s", [1000 / p50], [p50], [p99])
