"""A report that changes nothing takes one read: no lock, no turn in a queue, and nothing is written."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from werkzeug.test import TestResponse

from ledger.events import RequestDecided, UsageReported, UserUsageReported
from tests.support.queueing import REPORTS, locked, of, queue, report
from tests.world import OFFERING_USER, RESOURCE, USAGES, World, open_world

DATE = "2026-11-03T00:00:00Z"
ITEM = {"type": "cpu", "amount": "12.50", "description": "nightly"}
SHARES = [{"username": name, "usage": "2.50"} for name in ("ann", "bob")]


def reported(world: World) -> str:
    """Reports what is reported again. Returns the uuid of the usage."""
    assert world.report(usages=[ITEM], date=DATE).status_code == 201
    usage: str = world.usages()[0]["uuid"]
    assert world.as_("staff").post(f"{USAGES}{usage}/set_user_usages/", {"usages": SHARES}).status_code == 201
    return usage


Again = Callable[[World, str], TestResponse]


def the_usage(world: World, _: str) -> TestResponse:
    return world.report(usages=[ITEM], date=DATE)


def its_users(world: World, usage: str) -> TestResponse:
    return world.as_("staff").post(f"{USAGES}{usage}/set_user_usages/", {"usages": SHARES})


def one_user(world: World, usage: str) -> TestResponse:
    return world.as_("staff").post(f"{USAGES}{usage}/set_user_usage/", SHARES[0])


def both_in_a_bulk(world: World, usage: str) -> TestResponse:
    items = [{"resource": RESOURCE, **ITEM, "date": DATE}]
    items += [{"component_usage": usage, **share} for share in SHARES]
    return world.as_("staff").post(REPORTS, items)


def a_trial(world: World, _: str) -> TestResponse:
    return world.as_("staff").post(f"{REPORTS}?dry_run=true", [of(RESOURCE, 99)])


def a_refusal(world: World, _: str) -> TestResponse:
    return world.as_("staff").post(
        REPORTS, [{"resource": RESOURCE, "type": "fee", "amount": 1, "date": DATE}]
    )


EVERY = pytest.mark.parametrize(
    ("again", "status"),
    [
        *((each, 201) for each in (the_usage, its_users, one_user, a_trial)),
        *((both_in_a_bulk, 200), (a_refusal, 400)),
    ],
)


@EVERY
def test_it_is_answered_while_others_keep_the_journal_locked(
    world: World, world_url: str, again: Again, status: int
) -> None:
    usage = reported(world)
    with locked(world_url):
        assert again(world, usage).status_code == status


def test_it_waits_behind_nobody(world: World, world_url: str) -> None:
    usage = reported(world)
    with queue(world, world_url) as waiting:
        changed = waiting.add(report(world.as_("staff"), 2, date="2026-11-04"))
        assert the_usage(world, usage).status_code == 201
        assert not changed.done()
    assert changed.result().status_code == 201


@EVERY
def test_it_writes_nothing_not_even_to_the_log_of_the_database(
    world: World, again: Again, status: int
) -> None:
    usage = reported(world)
    before = world.facts(), world.usages(), world.user_usages()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:

        def written() -> Any:
            return connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()

        assert again(world, usage).status_code == status  # what is read for the first time may leave hints
        for _ in range(20):  # somebody else may write now and then
            at = written()
            again(world, usage)
            if written() == at:
                break
        else:
            pytest.fail("each of them wrote something")
    assert (world.facts(), world.usages(), world.user_usages()) == before


@contextmanager
def traced(world: World, path: Path) -> Iterator[None]:
    """Writes what is sent on the ledger's connections into a file."""
    with path.open("w") as file, ExitStack() as traces:
        with ExitStack() as taken:
            for pool in (world.ledger.pool, world.ledger.journal.datastore.pool):
                for _ in range(pool.get_stats()["pool_size"]):
                    connection = taken.enter_context(pool.connection())
                    connection.pgconn.trace(file.fileno())
                    traces.callback(connection.pgconn.untrace)
        yield


def statements_in(path: Path) -> int:
    """Count the messages with statements that were sent: a text, or one that is prepared."""
    kinds = [line.split("\t")[3] for line in path.read_text().splitlines() if "\tF\t" in line]
    return kinds.count("Query") + kinds.count("Execute")


@pytest.mark.parametrize(("again", "most"), [(the_usage, 1), (one_user, 2), (its_users, 2)])
def test_it_takes_one_statement_and_one_more_for_the_usage_that_a_path_names(
    world: World, tmp_path: Path, again: Again, most: int
) -> None:
    usage = reported(world)
    world.projector.shared_position.live_until(time.monotonic() + 60)  # as a server's listener does
    again(world, usage)
    with traced(world, tmp_path / "sent"):
        assert again(world, usage).status_code == 201
    assert statements_in(tmp_path / "sent") == most


def test_with_a_key_it_is_remembered(world: World) -> None:
    usage = reported(world)
    body = {"resource": RESOURCE, "usages": [ITEM], "date": DATE}
    before = world.facts(UsageReported)
    for replayed in (None, "true"):
        headers = {"Idempotency-Key": '"once"'}
        response = world.as_("staff").send("POST", f"{USAGES}set_usage/", json=body, headers=headers)
        assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (201, replayed)
    assert world.facts(UsageReported) == before
    assert [each.outcomes[0].result for each in world.facts(RequestDecided)] == ["unchanged"]
    assert [each.outcomes[0].uuid for each in world.facts(RequestDecided)] == [UUID(usage)]


def test_it_is_told_up_to_which_fact_it_is_true(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        reported(other)
        head = other.ledger.facts_after(0, 10_000)[-1][0]
        assert world.report(usages=[ITEM], date=DATE).headers["Ledger-Position"] == str(head)


def test_whoever_is_told_that_nothing_changed_was_told_so_of_a_moment_while_they_asked(
    world: World, world_url: str
) -> None:
    """Two processes change one figure to and fro, and now and then report what is there already."""
    with ExitStack() as stack:
        worlds = [world, stack.enter_context(open_world(world_url))]

        def head() -> int:
            return world.ledger.journal.max_notification_id() or 0

        def write(number: int) -> list[tuple[int, str, str, int]]:
            told = []
            client = worlds[number % 2].as_("staff")
            for again in range(25):
                amount, began = f"{(number + again) // 2 % 2 + 1}.00", head()
                answer = client.post(REPORTS, [of(RESOURCE, amount, date=DATE)])
                assert answer.status_code in (200, 201)
                told.append((began, amount, answer.get_json()["results"][0]["result"], head()))
            return told

        with ThreadPoolExecutor(6) as pool:
            told = [each for every in pool.map(write, range(6)) for each in every]
    facts = [
        (position, str(fact.amount))
        for position, fact in world.ledger.facts_after(0, 100_000)
        if isinstance(fact, UsageReported)
    ]
    assert all(before[1] != after[1] for before, after in pairwise(facts))
    assert len(facts) == sum(result != "unchanged" for _, _, result, _ in told)
    unchanged = [(began, amount, ended) for began, amount, result, ended in told if result == "unchanged"]
    assert unchanged
    for began, amount, ended in unchanged:
        stood = [each for at, each in facts if at <= began][-1:]
        assert amount in [*stood, *(each for at, each in facts if began < at <= ended)]


MANY = 1_500


def test_a_report_reads_the_users_whom_it_names_however_many_the_usage_has(world: World) -> None:
    assert world.report(usages=[ITEM], date=DATE).status_code == 201
    usage = world.usages()[0]["uuid"]
    staff = world.as_("staff")
    for start in range(0, MANY, 500):
        users = [{"username": f"user{number}", "usage": 1} for number in range(start, start + 500)]
        assert staff.post(f"{USAGES}{usage}/set_user_usages/", {"usages": users}).status_code == 201
    with world.services.reading() as cursor:
        cursor.execute("ANALYZE user_usage")

    def of_a_user() -> TestResponse:
        share = {"username": "user7", "usage": 2, "user": f"/api/marketplace-offering-users/{OFFERING_USER}/"}
        return staff.post(f"{USAGES}{usage}/set_user_usage/", share)

    def of_the_usage() -> TestResponse:
        return world.report(usages=[ITEM | {"amount": "13.50"}], date=DATE)

    for send in (of_a_user, of_the_usage):
        before = users_read(world)
        assert send().status_code == 201
        assert users_read(world) - before <= 10, f"of {MANY} users"


def users_read(world: World) -> int:
    """Count the rows of user usages read so far: by their connections, which are asked to tell of it."""
    with ExitStack() as taken:
        for pool in (world.ledger.pool, world.ledger.journal.datastore.pool):
            for _ in range(pool.get_stats()["pool_size"]):
                taken.enter_context(pool.connection()).execute("SELECT pg_stat_force_next_flush()")
    with psycopg.connect(world.conninfo) as connection:
        row = connection.execute(USERS_READ).fetchone()
    assert row
    return int(row[0])


USERS_READ = """
SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables
WHERE schemaname = 'read_models' AND relname = 'user_usage'"""


def test_a_usage_at_zero_takes_over_what_all_users_have_those_who_are_not_named_too(world: World) -> None:
    usage = reported(world)
    nothing = {"resource": RESOURCE, "type": "cpu", "amount": 0, "date": DATE}
    share = {"component_usage": usage, "username": "bob", "usage": 4}
    answer = world.as_("staff").post(REPORTS, [nothing, share])
    assert [each["result"] for each in answer.get_json()["results"]] == ["changed", "changed"]
    assert world.facts(UserUsageReported)[-1].total == Decimal("6.50")
    assert [row["usage"] for row in world.usages()] == ["6.50"]
