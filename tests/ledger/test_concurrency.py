"""Many writers at once: nothing lost, nothing doubled, and no error but a 409."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from threading import Barrier

from ledger.events import UsageReported, UserUsageReported
from tests.world import RESOURCE, SECOND_RESOURCE, USAGES, World, open_world

WRITERS = 20
REPORTS = 10


def at_once(write: Callable[[int], list[int]]) -> Counter[int]:
    """Runs twenty writers that begin together, and counts the statuses that they got."""
    barrier = Barrier(WRITERS)

    def wait_and_write(number: int) -> list[int]:
        barrier.wait()
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return Counter(status for statuses in pool.map(wait_and_write, range(WRITERS)) for status in statuses)


def test_twenty_writers_on_one_record_of_two_processes_lose_and_double_nothing(
    world: World, world_url: str
) -> None:
    with ExitStack() as stack:
        # Two ledgers on one database, as two worker processes have: they race, they don't queue.
        clients = [world.as_("staff"), stack.enter_context(open_world(world_url)).as_("staff")]

        def write(number: int) -> list[int]:
            return [
                clients[number % 2]
                .post(
                    f"{USAGES}set_usage/",
                    {"resource": RESOURCE, "usages": [{"type": "gpu", "amount": f"{number}.{again:02}"}]},
                )
                .status_code
                for again in range(REPORTS)
            ]

        statuses = at_once(write)
    assert statuses.keys() <= {201, 409}
    facts = world.facts(UsageReported)
    assert len(facts) == statuses[201]
    assert len({fact.amount for fact in facts}) == len(facts)
    assert [fact.originator_version for fact in facts] == list(range(1, len(facts) + 1))
    assert [row["usage"] for row in world.usages()] == [str(facts[-1].amount)]


def test_twenty_writers_on_many_records_all_get_through(world: World) -> None:
    client = world.as_("staff")

    def write(number: int) -> list[int]:
        resource = RESOURCE if number % 2 else SECOND_RESOURCE
        date = f"2026-{number // 2 + 1:02}-02"
        return [
            client.post(
                f"{USAGES}set_usage/",
                {"resource": resource, "date": date, "usages": [{"type": "cpu", "amount": amount}]},
            ).status_code
            for amount in range(REPORTS)
        ]

    assert at_once(write) == {201: WRITERS * REPORTS}
    rows = world.usages(page_size=100)
    assert [row["usage"] for row in rows] == [f"{REPORTS - 1}.00"] * WRITERS
    assert len(world.facts(UsageReported)) == WRITERS * REPORTS


def test_twenty_writers_who_name_the_same_new_people_make_each_of_them_once(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "100"}])
    usage = world.usages()[0]["uuid"]
    client = world.as_("staff")

    def write(number: int) -> list[int]:
        items = [{"username": f"user{(number + step) % 5}", "usage": f"{number}"} for step in range(5)]
        return [client.post(f"{USAGES}{usage}/set_user_usages/", {"usages": items}).status_code]

    statuses = at_once(write)
    assert statuses.keys() <= {201, 409}
    rows = world.user_usages()
    assert sorted(row["username"] for row in rows) == [f"user{number}" for number in range(5)]
    assert len({fact.person for fact in world.facts(UserUsageReported)}) == 5
    assert len({row["usage"] for row in rows}) == 1, "a report with five users is stored as a whole"


def test_a_first_report_by_many_at_once_makes_one_plan_period(world: World) -> None:
    client = world.as_("staff")

    def write(number: int) -> list[int]:
        body = {"resource": RESOURCE, "usages": [{"type": ("cpu", "gpu")[number % 2], "amount": number}]}
        return [client.post(f"{USAGES}set_usage/", body).status_code]

    assert at_once(write).keys() <= {201, 409}
    with world.services.reading() as cursor:
        periods = cursor.execute("SELECT count(*) FROM plan_period").fetchall()
    assert periods == [{"count": 1}]
    assert sum(Decimal(row["usage"]) >= 0 for row in world.usages()) == 2
