"""Whatever a request waits for, it is answered in time, and told when to come again."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from email.message import Message
from pathlib import Path

import psycopg
import pytest

from ledger.fast.group_commit import STALLED_SECONDS
from ledger.handler import QUEUE_SECONDS, ROOM, ROOM_OF_BULKS
from tests.operate.scraping import fetched, posted, scraped, value
from tests.paths import HANDBOOK
from tests.support.clusters import make_open_folder, remove
from tests.support.command import DEMO_RESOURCE, Environment, Served, run, served
from tests.support.waiting import wait_until
from tests.world import USAGES, World
from web.api.pages import MAX_PAGE_SIZE
from web.limits import admission, deadline, guesses, memory
from web.request import read_your_writes
from web.runtime import server, silent_clients
from web.runtime.postgres.embedded import embedded_postgres
from web.wire import bounds

REPORT = f"{USAGES}set_usage/"
SHORT = {"LEDGER_LOCK_SECONDS": "0.5", "LEDGER_STATEMENT_SECONDS": "1.5", "LEDGER_METRICS": "open"}

MARGIN = 4.0
"""Seconds that a slow machine may take besides."""


@pytest.mark.parametrize(
    ("name", "wrong", "problem"),
    [
        ("LEDGER_PLACES", "0", "'0' is no number from 1 to 64"),
        ("LEDGER_PLACES", "many", "'many' is no number from 1 to 64"),
        ("LEDGER_QUEUE", "1001", "'1001' is no number from 0 to 1000"),
        ("LEDGER_QUEUE_SECONDS", "0", "'0' is no number of seconds from 0.1 to 30"),
        ("LEDGER_LOCK_SECONDS", "-1", "'-1' is no number of seconds from 0.1 to 600"),
        ("LEDGER_LOCK_SECONDS", "15", "who waits for a lock so long is ended earlier, after 15 s"),
        ("LEDGER_STATEMENT_SECONDS", "inf", "'inf' is no number of seconds from 1 to 3600"),
        ("LEDGER_POSITION_SECONDS", "31", "'31' is no number of seconds from 0 to 30"),
    ],
)
def test_limits_that_are_none_are_refused_at_start(
    environment: Environment, name: str, wrong: str, problem: str
) -> None:
    done = run(environment | {name: wrong}, "serve")
    assert done.returncode == 1
    assert f"Error: {name}: {problem}" in done.stderr


@contextmanager
def locked(environment: Environment, table: str) -> Iterator[None]:
    """Nobody reads or writes a table meanwhile."""
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def timed(here: Served, path: str, **headers: str) -> tuple[int, float, Message]:
    """Status, seconds and headers of an answer."""
    began = time.monotonic()
    status, told, _ = fetched(here, path, Authorization=f"Token {here.demo_token}", **headers)
    return status, time.monotonic() - began, told


def reported(here: Served, token: str) -> tuple[int, float]:
    """Status and seconds of the answer to a report."""
    began = time.monotonic()
    body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": time.time() % 10_000 // 1}]}
    status, headers = posted(here, REPORT, body, Authorization=f"Token {token}")
    assert status < 500 or headers["Retry-After"]
    return status, time.monotonic() - began


def test_who_meets_a_locked_table_of_rows_is_told_to_come_again(environment: Environment) -> None:
    with served(environment | SHORT, "--workers", "1") as here:
        with locked(environment, "read_models.component_usage"):
            status, seconds, headers = timed(here, USAGES)
            assert (status, headers["Retry-After"]) == (503, "1")
            assert 0.4 < seconds < 0.5 + MARGIN
            status, seconds = reported(here, here.demo_token)
            assert status == 503
            assert seconds < 4 * 0.5 + MARGIN
            assert timed(here, "/healthz")[0] == 200
            assert value(scraped(here), "ledger_database_up") in (0, 1)  # answered, be it by halves
        assert timed(here, USAGES)[0] == 200
        assert reported(here, here.demo_token)[0] == 201


def test_who_meets_a_locked_journal_is_told_to_come_again(environment: Environment) -> None:
    with served(environment | SHORT, "--workers", "1") as here:
        with locked(environment, "journal.ledger_events"):
            status, seconds = reported(here, here.demo_token)
            assert status == 503
            assert seconds < 4 * 0.5 + MARGIN
            for path in ("/readyz", "/api/ledger/events/", "/api/ledger/diff/?from=1"):
                status, seconds, headers = timed(here, path)
                assert (status, headers["Retry-After"]) == (503, "1"), path
                assert seconds < 2 * 0.5 + MARGIN, path
            assert timed(here, "/metrics")[:1] == (200,)
        assert reported(here, here.demo_token)[0] == 201


SLOW = """
CREATE OR REPLACE VIEW read_models.listed_usage AS
    SELECT u.* FROM (SELECT pg_sleep(4)) s, read_models.component_usage u"""


def test_a_slow_statement_is_cancelled_and_nobody_else_is_harmed(environment: Environment) -> None:
    with served(environment | SHORT, "--workers", "1") as here:
        with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            connection.execute(SLOW)
        began = time.monotonic()
        status, headers, text = fetched(here, USAGES, Authorization=f"Token {here.demo_token}")
        assert time.monotonic() - began < 1.5 + MARGIN
        assert (status, headers["Retry-After"]) == (503, "1")
        assert text == '{"detail":"This takes longer than the server allows. Ask for less, or try again."}'
        assert timed(here, "/api/ledger/projects/")[0] == 200
        log = here.output.with_name("stderr").read_text()
    assert "was given up" in log
    assert "can't be reached" not in log


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_open_folder()
    yield made
    remove(made)


def test_a_report_that_no_synchronous_standby_has_is_not_acknowledged(folder: Path) -> None:
    """PostgreSQL takes a COMMIT for done whose wait for a standby is cancelled: nothing here does so."""
    with (
        embedded_postgres(folder / "own") as url,
        served(SHORT | {"LEDGER_DATABASE_URL": url, "PATH": "/usr/bin:/bin"}, "--workers", "1") as here,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        assert reported(here, here.demo_token)[0] == 201
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(1)
        status, seconds = reported(here, here.demo_token)
        assert status == 503
        assert 1.5 < seconds < 1.5 + server.SILENT_SECONDS + MARGIN
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: reported(here, here.demo_token)[0] == 201)


def test_what_finds_no_place_and_no_room_to_wait_is_told_so_at_once(environment: Environment) -> None:
    few = SHORT | {"LEDGER_PLACES": "1", "LEDGER_QUEUE": "2", "LEDGER_QUEUE_SECONDS": "1"}
    few |= {"LEDGER_LOCK_SECONDS": "4", "LEDGER_STATEMENT_SECONDS": "5"}
    with served(environment | few, "--workers", "1") as here, ExitStack() as stack:
        stack.enter_context(locked(environment, "read_models.component_usage"))
        pool = stack.enter_context(ThreadPoolExecutor(8))
        first = pool.submit(timed, here, USAGES)
        wait_until(lambda: value(scraped(here), "ledger_admission_places_used") == 1)
        others = [each.result() for each in [pool.submit(timed, here, USAGES) for _ in range(6)]]
        assert Counter(status for status, _, _ in others) == {503: 6}
        assert all(headers["Retry-After"] == "1" for _, _, headers in others)
        waited = sorted(seconds for _, seconds, _ in others)
        assert waited[3] < 1  # four of six find the queue full
        assert 0.9 < waited[4] <= waited[5] < 1 + MARGIN
        assert first.result()[0] == 503


def test_who_finds_no_connection_is_told_to_come_again(world: World) -> None:
    staff = world.as_("staff")
    assert staff.get(USAGES).status_code == 200
    pool = world.ledger.pool
    with ExitStack() as stack:
        for _ in range(pool.max_size):
            stack.enter_context(pool.connection())
        began = time.monotonic()
        answer = staff.get(USAGES)
        assert time.monotonic() - began < 3 + MARGIN
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.get_json() == {"detail": "The server is too busy at the moment. Try again."}
        assert not world.ledger.reachability.is_away
    assert staff.get(USAGES).status_code == 200


def test_a_position_that_does_not_come_is_not_waited_for_longer_than_told(environment: Environment) -> None:
    with served(environment | {"LEDGER_POSITION_SECONDS": "0.2"}, "--workers", "1") as here:
        status, seconds, headers = timed(here, f"{USAGES}?min_position=999999")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert 0.2 <= seconds < 0.2 + 2.5


def test_connections_know_their_limits(environment: Environment) -> None:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    with served(environment | {"LEDGER_PLACES": "2"}, "--workers", "1") as here:
        with ThreadPoolExecutor(12) as pool:
            told = list(pool.map(lambda _: timed(here, USAGES)[0], range(60)))
        assert set(told) == {200}
        with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
            row = connection.execute(asked).fetchone()
        assert row is not None
        assert row[0] - 1 <= 2 * (2 + 2) + 1


def test_the_handbook_tells_the_limits_that_are_fixed() -> None:
    text = " ".join(HANDBOOK.read_text().partition("\n## Limits\n")[2].partition("\n## ")[0].split())
    seconds_of_silence = server.KEEP_ALIVE_SECONDS, silent_clients.SHORT_SECONDS
    for told in [
        f"{admission.EXPORTS} for exports",
        f"a commit that waits for a standby too | {server.SILENT_SECONDS} seconds more",
        f"{QUEUE_SECONDS:g} seconds; {ROOM}, and {ROOM_OF_BULKS} bulk",
        f"until it is stored | {deadline.LONGEST_SECONDS:g} seconds",
        f"`LEDGER_POSITION_SECONDS`, {read_your_writes.WAITING.size} requests",
        f"{bounds.MOST_ITEMS:,} reports",
        f"bodies that are waited for | {admission.READERS}",
        f"{memory.ROOM:,} values together, {memory.ROOM_OF_OTHERS:,}",
        f"a page | {MAX_PAGE_SIZE} rows",
        f"exports at a time | {admission.EXPORTS}",
        f"{silent_clients.REQUEST_SECONDS} seconds, and one for each 16 KiB",
        "{} seconds; {} where there are too many".format(*seconds_of_silence),
        f"open connections | {server.CONNECTIONS:,}",
        f"an address in a minute | {guesses.MOST_GUESSES}",
        f"all addresses in a minute | {guesses.MOST_GUESSES_IN_ALL:,}",
    ]:
        assert told in text, told
    assert silent_clients.SLOWEST_BYTES == 16 * 1024
    assert STALLED_SECONDS < QUEUE_SECONDS
    (workers, most) = re.findall(r"with (\d+) workers and the defaults, up to (\d+)", text)[0]
    each = 2 * (admission.PLACES + 2) + admission.EXPORTS + 1 + 2
    assert int(most) == int(workers) * each
