"""/metrics of a real service: who may read it, what it counts, and that it goes on whatever breaks."""

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.request import Request

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from projections.queries.operation import state
from projections.schema import SCHEMA
from tests.operate.scraping import fetched, scraped, value
from tests.paths import HANDBOOK
from tests.support.command import DEMO_RESOURCE, Environment, Served, report, run, served
from tests.support.waiting import wait_until
from tests.support.wire import Wire
from tests.world import USAGES, World
from web.telemetry.folder import PREFIX, metrics_folder, take_place

REPORT = f"{USAGES}set_usage/"


@pytest.fixture
def watched(environment: Environment) -> Iterator[Served]:
    with served(environment | {"LEDGER_METRICS": "open"}) as here:
        yield here


def workers_of(here: Served) -> list[int]:
    pid = here.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def requests(here: Served, route: str, status: int = 200, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return value(scraped(here), "ledger_requests_total", **labels)


def test_there_are_no_metrics_unless_somebody_wants_them(environment: Environment) -> None:
    with served(environment) as here:
        assert fetched(here)[0] == 404


def test_who_has_the_token_reads_the_metrics_and_nobody_else(environment: Environment) -> None:
    with served(environment | {"LEDGER_METRICS_TOKEN": "a-long-secret"}) as here:
        status, headers, text = fetched(here)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "ledger_" not in text
        for wrong in ("Bearer a-long-secre", "Bearer a-long-secret2", "Token a-long-secret", "Bearer ä"):
            assert fetched(here, Authorization=wrong)[0] == 401
        assert fetched(here, Authorization=f"Token {here.demo_token}")[0] == 401
        assert value(scraped(here, Authorization="Bearer a-long-secret"), "ledger_workers") == 2


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"LEDGER_METRICS": "yes"}, "LEDGER_METRICS: 'yes' is not open"),
        ({"LEDGER_METRICS": "open", "LEDGER_METRICS_TOKEN": "a"}, "LEDGER_METRICS: open metrics need no"),
        ({"LEDGER_METRICS_TOKEN": "a b"}, "LEDGER_METRICS_TOKEN: has characters"),
    ],
)
def test_settings_of_metrics_that_can_not_be_meant_are_refused(
    environment: Environment, variables: dict[str, str], problem: str
) -> None:
    done = run(environment | variables, "serve")
    assert done.returncode == 1
    assert problem in done.stderr
    assert "a b" not in done.stderr


def test_the_handbook_names_each_family_and_no_other(environment: Environment, tmp_path: Path) -> None:
    run(environment, "key", "create")
    with served(environment | {"LEDGER_METRICS": "open"}) as here:
        report(here, here.demo_token, 12)
        assert run(environment, "verify").returncode == 0
        done = run(environment, "backup", tmp_path / "backup")
        assert done.returncode == 0, done.stderr
        assert here.get("/readyz")[0] == 200
        assert fetched(here, "/api/ledger/checkpoint", Authorization=f"Token {here.demo_token}")[0] == 200
        text = fetched(here)[2]
    table = HANDBOOK.read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(ledger_\w+)` \| (\w+) \| ([\w, ]*)\| \S", table, re.MULTILINE)
    told = dict(re.findall(r"^# TYPE (ledger_\w+) (\w+)", text, re.MULTILINE))
    assert told == {name: kind for name, kind, _ in rows}
    for name, _, labels in rows:
        for found in re.findall(rf"^{name}(?:_bucket|_count|_sum)?\{{(.*?)\}} ", text, re.MULTILINE):
            named = set(re.findall(r'(\w+)="', found)) - {"le"}
            assert named == {each.strip() for each in labels.split(",") if each.strip()}


def test_reports_are_counted_by_what_came_of_them(watched: Served) -> None:
    began, body = time.time(), {"resource": DEMO_RESOURCE, "type": "cpu", "date": "2026-05-31"}
    headers = {"Authorization": f"Token {watched.demo_token}", "Content-Type": "application/json"}
    for path, items, status in [
        ("/api/ledger/reports/", [body | {"amount": 10}], 201),
        ("/api/ledger/reports/", [body | {"amount": 10}], 200),
        ("/api/ledger/reports/?atomic=false", [body | {"amount": 11}, body | {"amount": "much"}, 7], 201),
        ("/api/ledger/reports/", [body | {"amount": 12}, body | {"amount": "much"}], 400),
        ("/api/ledger/reports/?dry_run=true", [body | {"amount": 13}], 201),
    ]:
        request = Request(f"{watched.url}{path}", repr(items).replace("'", '"').encode(), headers)  # noqa: S310
        assert watched.send(request)[0] == status
    series = scraped(watched)
    counted = {
        result: value(series, "ledger_reports_total", result=result)
        for result in ("accepted", "refused", "unchanged")
    }
    assert counted == {"accepted": 2, "refused": 3, "unchanged": 1}
    times = {labels: at for (name, labels), at in series.items() if name.startswith("ledger_last_report")}
    assert len(times) == 1
    assert began <= next(iter(times.values())) <= time.time()
    assert value(series, "ledger_group_size_count") == value(series, "ledger_group_size_sum")
    assert (
        value(series, "ledger_append_seconds_count") == value(series, "ledger_projection_seconds_count") == 2
    )
    assert value(series, "ledger_position") > value(series, "ledger_appended_facts_total") > 1
    assert value(series, "ledger_projection_lag") == 0


def test_routes_are_told_as_rules_however_many_paths_there_are(watched: Served) -> None:
    token, etag = f"Token {watched.demo_token}", ""
    for number in range(5):
        fetched(watched, f"/nowhere/{number}")
        fetched(watched, f"{USAGES}{number:032x}/", Authorization=token)
        _, headers, _ = fetched(
            watched, USAGES, Authorization=token, **({"If_None_Match": etag} if etag else {})
        )
        etag = headers["ETag"]
    watched.send(Request(f"{watched.url}{USAGES}", headers={"Authorization": token}, method="BREW"))  # noqa: S310
    series = scraped(watched)
    assert value(series, "ledger_requests_total", method="GET", route="unknown", status="404") == 5
    one = f"{USAGES}<object_id:uuid>/"
    assert value(series, "ledger_requests_total", method="GET", route=one, status="404") == 5
    assert value(series, "ledger_requests_total", method="GET", route=USAGES, status="304") == 4
    assert value(series, "ledger_requests_total", method="unknown", route=USAGES, status="405") == 1
    assert value(series, "ledger_request_seconds_count", method="GET", route=USAGES) == 5


def test_counters_go_on_when_a_worker_is_killed_and_no_file_is_left_of_it(watched: Served) -> None:
    report(watched, watched.demo_token, 10)
    folder = folder_of(watched)
    for _ in range(3):
        before, files = workers_of(watched), len(list(folder.iterdir()))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(partial(are_replaced, watched, before))
        wait_until(lambda: value(scraped(watched), "ledger_workers") == 2)
    series = scraped(watched)
    assert value(series, "ledger_reports_total", result="accepted") == 1
    assert value(series, "ledger_requests_total", method="POST", route=REPORT, status="201") == 1
    assert value(series, "ledger_worker_respawns_total") == 6
    assert len(list(folder.iterdir())) == files


def are_replaced(here: Served, workers: list[int]) -> bool:
    return len(set(workers_of(here)) - set(workers)) == len(workers) and answers(here)


def answers(here: Served) -> bool:
    try:
        return here.get("/healthz")[0] == 200
    except OSError:
        return False


def folder_of(here: Served) -> Path:
    """The folder of a service's metrics, by the lock that it holds."""
    for file in Path(f"/proc/{here.process.pid}/fd").iterdir():
        target = file.readlink()
        if target.parent.name.startswith(PREFIX):
            return target.parent
    raise AssertionError("it has no folder")


def test_the_server_has_no_threads_but_those_that_wait_for_its_workers(watched: Served) -> None:
    """A worker that is forked while another thread holds a lock would wait for it for ever."""
    threads = list(Path(f"/proc/{watched.process.pid}/task").iterdir())
    assert len(threads) == 1 + len(workers_of(watched))


def test_what_a_killed_worker_measured_of_itself_is_forgotten(watched: Served) -> None:
    wait_until(lambda: value(scraped(watched), "ledger_pool_size", pool="journal") >= 2)
    for pid in workers_of(watched):
        os.kill(pid, signal.SIGSTOP)
    folder = folder_of(watched)
    stopped = workers_of(watched)[0]
    os.kill(stopped, signal.SIGKILL)
    for pid in workers_of(watched):
        os.kill(pid, signal.SIGCONT)
    wait_until(partial(has_another, watched, stopped))
    assert len(list(folder.glob("gauge_livesum_*.db"))) == 2


def has_another(here: Served, worker: int) -> bool:
    try:
        return worker not in workers_of(here) and value(scraped(here), "ledger_workers") == 2
    except OSError:  # those that stood still for too long are replaced, too: nobody listens for a moment
        return False


def test_the_folder_is_removed_at_the_end_and_after_a_server_that_was_killed(
    environment: Environment,
) -> None:
    with served(environment | {"LEDGER_METRICS": "open"}, "--workers", "1") as here:
        left = folder_of(here)
        here.stop(signal.SIGKILL)
        assert left.exists()
    with served(environment | {"LEDGER_METRICS": "open"}, "--workers", "1") as here:
        assert not left.exists()
        folder = folder_of(here)
        assert value(scraped(here), "ledger_reports_total", result="accepted") == 0
    assert not folder.exists()


def test_nobody_removes_the_folder_of_a_server_that_runs() -> None:
    with metrics_folder() as first, metrics_folder() as second:
        assert first.exists()
        assert second.exists()
        assert first.parent == Path(tempfile.gettempdir())
        assert [take_place(first), take_place(first), take_place(second)] == [0, 1, 0]
    assert not first.exists()


def test_while_the_database_is_away_a_scrape_tells_what_the_processes_know(
    environment: Environment, wire: Wire
) -> None:
    far = make_conninfo(environment["LEDGER_DATABASE_URL"], host="127.0.0.1", port=wire.port)
    with served(environment | {"LEDGER_DATABASE_URL": far, "LEDGER_METRICS": "open"}) as here:
        report(here, here.demo_token, 10)
        before = scraped(here)
        assert value(before, "ledger_database_up") == 1
        wire.cut()
        began = time.monotonic()
        wait_until(lambda: value(scraped(here), "ledger_database_up") == 0)
        series = scraped(here)
        assert time.monotonic() - began < 10
        assert value(series, "ledger_position") == value(before, "ledger_position")
        assert value(series, "ledger_reports_total", result="accepted") == 1
        assert ("ledger_projection_lag", frozenset()) not in series
        wire.silence()
        wire.mend()
        began = time.monotonic()
        assert value(scraped(here), "ledger_database_up") == 0
        assert time.monotonic() - began < 8
        wire.speak()
        wait_until(lambda: value(scraped(here), "ledger_database_up") == 1)


STATEMENTS = [
    state.SELECT_POSITIONS,
    state.SELECT_LAST_VERIFICATION,
    state.SELECT_LAST_CHECKPOINT,
    state.SELECT_LAST_REPORTS,
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_index_leads_to_what_a_scrape_asks_for(world: World, statement: str) -> None:
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute(f"SET search_path = {SCHEMA}, journal")
        values = {"providers": 10, "usages": 10}
        rows = connection.execute(f"EXPLAIN {statement}", values if "%" in statement else None).fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    scanned = set(re.findall(r"Seq Scan on (\w+)", plan))
    assert scanned <= {"read_position", "offering"}, plan  # one row, and as many as a catalogue has
