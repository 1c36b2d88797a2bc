"""Row 16: a portal of one tenant's, which asks again for what it has, while the agents of others report."""

import http.client
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import count, cycle
from threading import Event, Thread
from typing import Any

import msgspec
from msgspec import Raw

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import PATIENCE_SECONDS, Call, Played, percentile
from tests.benchmarks.measure import Line, Target, no_errors
from tests.benchmarks.reported import reports
from tests.benchmarks.serving import HOST, Served, as_
from tests.benchmarks.sets import settings_of
from tests.benchmarks.shape import MILLION, STAFF, uuid_for
from tests.benchmarks.world import Placed
from web.commands import tokens
from web.importer.importer import import_lists
from web.importer.structure import LISTS
from web.request.services import Services
from web.runtime.database import open_ledger, prepare_database, projector_of

PORTALS, PAUSE_SECONDS = 4, 0.02
"""How many clients the tenant has, and how long each waits between two questions."""

REPORTS_A_SECOND, AGENTS, RESOURCES = 100, 8, 40

TENANT = uuid_for("customer", 0)

PATHS = (
    "marketplace-component-usages/?page_size=100",
    "marketplace-component-usages/?billing_period={month}&page_size=100",
    "marketplace-component-user-usages/?page_size=100",
    "marketplace-customer-usage/{customer}/components-usage/",
    "ledger/monthly-usages/?customer_uuid={customer}&group_by=project",
    "ledger/movers/",
    "ledger/projects/",
)


class Counted(msgspec.Struct):
    """What one client was answered."""

    latencies: list[float] = msgspec.field(default_factory=list)
    unchanged: int = 0
    refused: int = 0
    bytes: int = 0


def unchanged(bench: Bench) -> list[Line]:
    """The tenant's lists in turn, each asked for with the tag that the client has of it."""
    url, world = bench.sets.writable, bench.sets.world(MILLION)
    token = token_of_tenant(url)
    month = f"{world.months[-1]:%F}"
    paths = [f"/api/{path.format(month=month, customer=TENANT.hex)}" for path in PATHS]
    others = [each for each in world.resources if world.customer_of(each.resource.project_uuid) != TENANT]
    kept: list[float] = []
    reported: list[float] = []
    with bench.ledger(url) as served:
        report_once(served, others[:RESOURCES])

        def side(seconds: float) -> Played:
            portals, agents = played(served, token, paths, others[:RESOURCES], seconds)
            answers = [latency for each in portals for latency in each.latencies]
            kept.append(sum(each.unchanged for each in portals) / len(answers))
            reported.append(sum(len(each.latencies) for each in agents) / seconds)
            return Played(
                calls=len(answers),
                seconds=seconds,
                bytes=sum(each.bytes for each in portals),
                p50=percentile(sorted(answers), 50),
                p99=percentile(sorted(answers), 99),
                refused=sum(each.refused for each in (*portals, *agents)),
                lost=0,
            )

        asked = bench.compare({"portal": side})["portal"]
    share, rate = sum(kept[1:]) / len(kept[1:]), sum(reported[1:]) / len(reported[1:])
    targets = [
        Target("≥ 90% are 304s", f"{share:.1%}", share >= 0.9),
        Target(f"{REPORTS_A_SECOND} reports/s meanwhile", f"{rate:.0f}", rate >= 0.9 * REPORTS_A_SECOND),
        *no_errors(asked),
    ]
    return [Line(16, f"a tenant's lists asked again, {PORTALS} clients", asked, None, targets)]


def token_of_tenant(url: str) -> str:
    """A token of somebody who owns one customer, and nothing else."""
    lists: dict[str, Any] = {
        "users": [{"uuid": uuid_for("tenant").hex, "username": "tenant"}],
        "user_roles": [
            {
                "uuid": uuid_for("tenant role").hex,
                "user_uuid": uuid_for("tenant").hex,
                "role_name": "CUSTOMER.OWNER",
                "scope_type": "structure.customer",
                "scope_uuid": TENANT.hex,
            }
        ],
    }
    settings = settings_of(url)
    with closing(open_ledger(prepare_database(url, settings), settings)) as ledger:
        services = Services(ledger, projector_of(ledger), lambda: datetime.now(UTC))
        known = {name: [Raw(msgspec.json.encode(each)) for each in lists.get(name, [])] for name in LISTS}
        import_lists(known, services)
        return tokens.create(services, tokens.user_named(services, "tenant"), days=None)


def report_once(served: Served, resources: Sequence[Placed]) -> None:
    """The first report of a resource may open its plan period, which changes the catalogue."""
    for call in reports(STAFF[0], resources):
        assert served.ask(msgspec.structs.replace(call, body=call.body.replace("@", "1.11"))).status == 201


amounts = count(1)


def played(
    served: Served, token: str, paths: Sequence[str], resources: Sequence[Placed], seconds: float
) -> tuple[list[Counted], list[Counted]]:
    """What portals and agents were answered in so many seconds."""
    over, began = Event(), time.monotonic()
    portals, agents = ([Counted() for _ in range(clients)] for clients in (PORTALS, AGENTS))
    calls = reports(STAFF[0], resources)

    def poll(counted: Counted) -> Callable[[], None]:
        return lambda: ask_again(served.port, token, paths, counted, over)

    def report(number: int) -> Callable[[], None]:
        return lambda: report_on(served.port, calls[number::AGENTS], agents[number], over, began)

    threads = [Thread(target=poll(each)) for each in portals]
    threads += [Thread(target=report(number)) for number in range(AGENTS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return portals, agents


def ask_again(port: int, token: str, paths: Sequence[str], counted: Counted, over: Event) -> None:
    """Ask for one list after the other, with the tag of the answer that there is of it."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    tags: dict[str, str] = {}
    for path in paths:
        tags[path] = answered(connection, Call(path, as_(token)))[1]
    for path in cycle(paths):
        if over.wait(PAUSE_SECONDS):
            break
        began = time.perf_counter()
        status, tag, size = answered(connection, Call(path, as_(token, **{"If-None-Match": tags[path]})))
        counted.latencies.append((time.perf_counter() - began) * 1000)
        counted.unchanged += status == 304
        counted.refused += status >= 400
        counted.bytes += size
        tags[path] = tag
    connection.close()


def report_on(port: int, calls: Sequence[Call], counted: Counted, over: Event, began: float) -> None:
    """Report at an even pace, whatever the others do."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    for number, call in enumerate(cycle(calls)):
        due = began + number * AGENTS / REPORTS_A_SECOND
        if over.wait(max(0.0, due - time.monotonic())):
            break
        body = call.body.replace("@", f"{next(amounts) / 100:.2f}")
        sent = time.perf_counter()
        status, _, _ = answered(connection, msgspec.structs.replace(call, body=body))
        counted.latencies.append((time.perf_counter() - sent) * 1000)
        counted.refused += status != 201
    connection.close()


def answered(connection: http.client.HTTPConnection, call: Call) -> tuple[int, str, int]:
    connection.request(call.method, call.path, call.body.encode() or None, call.headers)
    response = connection.getresponse()
    return response.status, response.headers.get("ETag", ""), len(response.read())
