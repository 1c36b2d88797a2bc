"""Rows 13 to 15: what reporting agents send, most of which changes nothing."""

from collections.abc import Iterator, Sequence

import msgspec

from tests.benchmarks import floors
from tests.benchmarks.bench import Bench
from tests.benchmarks.database import facts_after, head_of
from tests.benchmarks.load import Call
from tests.benchmarks.measure import Line, Series, Target, at_least, at_most_times, no_errors
from tests.benchmarks.reads import plan_of
from tests.benchmarks.reported import REPORTS, SET_USAGE, appending, headers, offering, some_resources, text
from tests.benchmarks.serving import Served
from tests.benchmarks.shape import COMPONENTS, MILLION, TOKENS
from tests.benchmarks.world import Placed

USAGES = "/api/marketplace-component-usages/"

FEW, MANY = 10, 5_000
"""Users of one usage."""

RESOURCES = 40
"""Of each client that reports the same again."""

OF_A_CYCLE, PLAYED = 1_000, 50
"""Resources of an agent, and so many of them are played; what the others take is reckoned from these."""

COMPONENTS_OF_A_CYCLE = [name for name, _, _ in COMPONENTS[:3]]
USERS_OF_A_CYCLE = 4

REFERENCE_SECONDS = 1 / 18 + 2 / 18 + len(COMPONENTS_OF_A_CYCLE) * USERS_OF_A_CYCLE / 54
"""What Waldur takes for a resource of a cycle, added up from what it does for one client: a `set_usage` of
five usages, two lists of a resource, and a `set_user_usage` for each user."""


def users(bench: Bench) -> list[Line]:
    """One user's share of a usage that has many users, beside one that has few."""
    url, token = bench.sets.writable, TOKENS[0]
    with bench.ledger(url) as served:
        sides = {}
        for number, (resource, here) in enumerate(zip(offering(bench, 3), (FEW, MANY), strict=False)):
            usage = usages_of(bench, served, resource)[0]
            names = [f"user-{number}-{user}" for user in range(here)]
            share(served, usage, names)
            calls = [
                Call(
                    f"{USAGES}{usage}/set_user_usage/",
                    headers(token),
                    text({"username": name, "usage": "@"}),
                    "POST",
                )
                for name in names[:FEW]
            ]
            sides[f"{here}"] = appending(url, bench.side(served, [calls]))
        few, many = bench.compare(sides).values()
    ratio = many.median_p50 / few.median_p50
    targets = [at_most_times(ratio, 1.3, f"p50 with {FEW}"), *no_errors(few, many)]
    return [Line(13, f"set_user_usage, 1 client, {MANY:,} users (floor: {FEW})", many, few, targets)]


def share(served: Served, usage: str, names: Sequence[str]) -> None:
    body = text({"usages": [{"username": name, "usage": "1.00"} for name in names]})
    answer = served.ask(Call(f"{USAGES}{usage}/set_user_usages/", headers(TOKENS[0]), body, "POST"))
    assert answer.status == 201, answer.body[:200]


def usages_of(bench: Bench, served: Served, placed: Placed) -> list[str]:
    """The usages of a resource this month, once each component was reported, in the order of components."""
    served.ask(of_a_resource(bench, placed, "1.00"))
    answer = served.ask(Call(listed(bench, placed), headers(TOKENS[0])))
    by_type = {row["type"]: row["uuid"] for row in msgspec.json.decode(answer.body)}
    return [by_type[name] for name in COMPONENTS_OF_A_CYCLE]


def listed(bench: Bench, placed: Placed) -> str:
    return f"{USAGES}?resource_uuid={placed.resource.uuid.hex}&billing_period={month_of(bench)}&page_size=100"


def month_of(bench: Bench) -> str:
    return f"{bench.sets.world(MILLION).months[-1]:%F}"


def of_a_resource(bench: Bench, placed: Placed, amount: str) -> Call:
    """A report of some components, dated as agents date it."""
    usages = [{"type": name, "amount": amount} for name in COMPONENTS_OF_A_CYCLE]
    body = {"resource": placed.resource.uuid.hex, "date": f"{month_of(bench)}T00:00:00Z", "usages": usages}
    return Call(SET_USAGE, headers(TOKENS[0]), text(body), "POST")


def unchanged(bench: Bench) -> list[Line]:
    """Reports of what is there already, by 8 clients, beside one SELECT."""
    url, date = bench.sets.writable, f"{month_of(bench)}T00:00:00Z"
    plan = []
    with bench.ledger_and_floor(url) as (served, bare):
        for token, resources in zip(TOKENS, some_resources(bench, len(TOKENS)), strict=True):
            items = [
                {"resource": placed.resource.uuid.hex, "type": name, "amount": "7.00", "date": date}
                for placed in resources[:RESOURCES]
                for name, _, _ in COMPONENTS
            ]
            assert served.ask(Call(REPORTS, headers(token), text(items), "POST")).status in (200, 201)
            plan.append([again(token, item) for item in items])
        read = floors.keep(bench.sets.floors, "unchanged", b"{}")
        head = head_of(url)
        sides = {
            "unchanged": bench.side(served, plan),
            "floor": bench.side(bare, plan_of([read], TOKENS)),
        }
        measured = bench.compare(sides)
        appended = facts_after(url, head)
    told, floor = measured["unchanged"], measured["floor"]
    targets = [
        at_least(told.median / floor.median, 0.6, "the read floor"),
        Target("no fact", f"{appended}", appended == 0),
        *no_errors(told, floor),
    ]
    return [Line(14, "set_usage that changes nothing, 8 clients", told, floor, targets)]


def again(token: str, item: dict[str, str]) -> Call:
    usage = {"type": item["type"], "amount": item["amount"]}
    body = {"resource": item["resource"], "date": item["date"], "usages": [usage]}
    return Call(SET_USAGE, headers(token), text(body), "POST")


def cycle(bench: Bench) -> list[Line]:
    """All that one agent asks and reports of its resources, one after the other, unchanged and changed."""
    url = bench.sets.writable
    resources = offering(bench, 4)
    with bench.ledger(url) as served:
        changed = requests_of(bench, served, resources[:PLAYED], "@")
        unchanged = requests_of(bench, served, resources[PLAYED : 2 * PLAYED], "7.00")
        for call in unchanged:
            assert served.ask(call).status in (200, 201)
        sides = {"changed": bench.side(served, [changed]), "unchanged": bench.side(served, [unchanged])}
        measured = bench.compare(sides)
    each = len(changed) / PLAYED
    return [line_of_cycle(name, series, each) for name, series in measured.items()]


def requests_of(bench: Bench, served: Served, resources: Sequence[Placed], amount: str) -> list[Call]:
    return [
        call
        for placed in resources
        for call in requests(bench, placed, usages_of(bench, served, placed), amount)
    ]


def requests(bench: Bench, placed: Placed, usages: Sequence[str], amount: str) -> Iterator[Call]:
    """Return what an agent asks of a resource: its figures, before and after it reports, and their users."""
    read = Call(listed(bench, placed), headers(TOKENS[0]))
    yield from (read, of_a_resource(bench, placed, amount), read)
    date = f"{month_of(bench)}T00:00:00Z"
    for usage in usages:
        shares = [
            {"username": f"user-{user}", "usage": amount, "date": date} for user in range(USERS_OF_A_CYCLE)
        ]
        yield Call(f"{USAGES}{usage}/set_user_usages/", headers(TOKENS[0]), text({"usages": shares}), "POST")


def line_of_cycle(name: str, series: Series, requests_of_each: float) -> Line:
    """The line of a cycle: what all of its resources take, and how much longer Waldur does."""
    seconds = OF_A_CYCLE * requests_of_each / series.median
    reference = OF_A_CYCLE * REFERENCE_SECONDS
    note = (
        f"{seconds:.0f} s for {OF_A_CYCLE:,} resources, reckoned from {PLAYED}; Waldur's single requests"
        f" add up to {reference:.0f} s ({reference / seconds:.0f} x)"
    )
    details = {"seconds": seconds, "reference_seconds": reference}
    work = f"cycle of an agent, {name}: requests"
    return Line(15, work, series, targets=no_errors(series), note=note, details=details)
