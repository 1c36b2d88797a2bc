"""Row 12: the other lists of agents and portals, beside the list of component usages."""

from msgspec import structs

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import Call
from tests.benchmarks.measure import Line, at_most_times, no_errors
from tests.benchmarks.reads import plan_of
from tests.benchmarks.serving import Served, as_
from tests.benchmarks.shape import HUNDRED_THOUSAND, OWNERS, STAFF, uuid_for

OFFERING, PROVIDER = (uuid_for(kind, 0).hex for kind in ("offering", "provider"))

PATHS = (
    "marketplace-component-user-usages/?page_size=100",
    "marketplace-component-user-usages/?component_usage__billing_period={month}&page_size=100",
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

SECONDS = 1
"""Of a play: there are many lists, and each is asked one thing."""


def lists(bench: Bench) -> list[Line]:
    """A page of each list, by one client, of 100 k resources with 1 M usages and 1 M user usages."""
    bench = structs.replace(bench, seconds=SECONDS)
    month = f"{bench.sets.world(HUNDRED_THOUSAND).months[-1]:%F}"
    paths = [path.format(month=month, offering=OFFERING, provider=PROVIDER) for path in PATHS]
    with bench.ledger(bench.sets.hundred_thousand) as served:
        return [
            *(beside_usages(bench, served, path, STAFF[0]) for path in paths),
            *(beside_usages(bench, served, path, OWNERS[0]) for path in paths if "stats" not in path),
        ]


def beside_usages(bench: Bench, served: Served, path: str, token: str) -> Line:
    """A list, and that of component usages in pages of the same size, of the same caller."""
    paths = {"list": f"/api/{path}", "usages": "/api/marketplace-component-usages/?page_size=100"}
    assert served.ask(Call(paths["list"], as_(token))).status == 200
    measured = bench.compare(
        {name: bench.side(served, plan_of([path], [token])) for name, path in paths.items()}
    )
    found, usages = measured.values()
    targets = [
        at_most_times(found.median_p50 / usages.median_p50, 3, "p50 of component usages"),
        *no_errors(found, usages),
    ]
    who = "staff" if token in STAFF else "a provider"
    return Line(12, f"{path} ({who})", found, usages, targets)
