"""`usage-ledger serve --read-only` on a real standby: it follows its primary, and never writes."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import psycopg
import pytest

from tests.operate.standby import MAX_LAG_SECONDS, Answer, Pair, ask, pair, readiness, seconds_in
from tests.paths import HANDBOOK
from tests.support.clusters import run_sql
from tests.support.command import DEMO_RESOURCE, free_port, run, served
from tests.support.waiting import wait_until
from tests.torture.clusters import Cluster
from tests.world import USAGES

REFUSED = {"detail": "This server is read-only."}

READS = 100

# What is not committed is written to the WAL some seconds later, unless something hurries.
SEND = "SELECT pg_log_standby_snapshot()"

LOCKED = "SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock'"

HELD = """
SELECT held.relation::regclass::text FROM pg_locks w JOIN pg_locks held ON held.pid = w.pid AND held.granted
WHERE NOT w.granted AND held.relation = 'read_models.listed_usage'::regclass"""


def settle(cluster: Cluster, setting: str) -> None:
    """Change a setting of a server that runs."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def here() -> Iterator[Pair]:
    with pair() as here:
        yield here


def test_a_report_is_shown_once_the_standby_is_there(here: Pair) -> None:
    for _ in range(5):
        position, figure = here.report()
        assert here.shown(position) == figure
    assert here.get("/readyz").json["position"] == position
    assert re.search(r"^ledger_replica_lag_seconds 0\.\d+$", here.get("/metrics").body.decode(), re.M)
    far = here.get(f"{USAGES}?min_position={position + 1000}")
    assert (far.status, far.headers["Retry-After"]) == (503, "1")


def test_the_answers_are_those_of_the_primary(here: Pair) -> None:
    position, _ = here.report()
    for path in (
        USAGES,
        "/api/ledger/events/?after=0&limit=50",
        "/api/ledger/diff/?from=0",
        "/api/customers/",
    ):
        sign = "&" if "?" in path else "?"
        assert here.shown(position)
        ours, theirs = here.get(path), here.get_from_primary(path)
        assert ours.status == theirs.status
        assert ours.body.replace(here.reader.url.encode(), b"") == theirs.body.replace(
            here.writer.url.encode(), b""
        ), sign


def test_an_answer_that_has_not_changed_is_a_304(here: Pair) -> None:
    position, _ = here.report()
    here.shown(position)
    first = here.get(USAGES)
    assert here.get(USAGES, If_None_Match=first.headers["ETag"]).status == 304
    position, _ = here.report()
    here.shown(position)
    again = here.get(USAGES, If_None_Match=first.headers["ETag"])
    assert (again.status, again.position) == (200, position)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{USAGES}set_usage/"),
        ("POST", f"{USAGES}set_usage"),
        ("POST", "/api/ledger/set-usages/"),
        ("POST", "/api/nowhere/"),
        ("PUT", USAGES),
        ("PATCH", f"{USAGES}{DEMO_RESOURCE}/"),
        ("DELETE", "/api/component-user-usage-limits/1/"),
        ("POST", "/healthz"),
    ],
)
def test_every_write_is_refused(here: Pair, method: str, path: str) -> None:
    answer = ask(here.reader, method, path, b"{}", Content_Type="application/json")
    assert (answer.status, answer.json) == (503, REFUSED)
    assert answer.headers["Retry-After"] == "10"


def test_the_refusal_names_the_primary_where_it_is_known(here: Pair) -> None:
    """As the handbook has it, with other addresses, and a role that may read and nothing else."""
    run_sql(here.primary.url(), "CREATE ROLE reader LOGIN", "GRANT pg_read_all_data TO reader")
    here.shown(here.report()[0])
    url = here.standby.url().replace("ledger@", "reader@")
    pasted = r"^    (LEDGER_DATABASE_URL=\S+ LEDGER_PRIMARY_URL=.*)$"
    (line,) = re.findall(pasted, HANDBOOK.read_text(), re.MULTILINE)
    words = shlex.split(line)
    told = dict(word.split("=", 1) for word in words if word.startswith("LEDGER_"))
    ours = {"LEDGER_DATABASE_URL": url, "LEDGER_PRIMARY_URL": here.writer.url}
    assert told.keys() == ours.keys()
    command = words[len(told) :]
    assert command[:2] == ["usage-ledger", "serve"]
    options = command[2 : command.index("--bind")]
    with served(here.environment(here.standby) | ours, *options, "--workers=1") as reader:
        answer = ask(reader, "POST", f"{USAGES}set_usage/")
        page = ask(reader, "GET", "/dashboard/sign-in/").body.decode()
        for path in (USAGES, f"{USAGES}?as_of=100", f"{USAGES}?format=csv", "/api/ledger/events/"):
            assert ask(reader, "GET", path, None, Authorization=f"Token {here.token}").status == 200
    assert answer.json == {"detail": f"This server is read-only. Write to {here.writer.url}."}
    assert f'<a href="{here.writer.url}/dashboard/">' in page


def test_who_is_signed_in_at_the_primary_is_so_at_the_standby(here: Pair) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    words = f"token={here.token}".encode()
    refused = ask(here.reader, "POST", "/dashboard/sign-in/", words, **form)
    assert (refused.status, refused.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "This server is read-only." in refused.body.decode()
    page = ask(here.reader, "GET", "/dashboard/sign-in/").body.decode()
    assert ("Sign in where it is written" in page, "<form" in page) == (True, False)
    begun = ask(here.writer, "POST", "/dashboard/sign-in/", words, **form)
    cookie = begun.headers["Set-Cookie"].partition(";")[0]
    wait_until(lambda: ask(here.reader, "GET", "/dashboard/", Cookie=cookie).status == 200)
    assert "demo" in ask(here.reader, "GET", "/dashboard/", Cookie=cookie).body.decode()


def test_the_primary_is_asked_for_nothing(here: Pair) -> None:
    log = here.primary.folder / "server.log"

    def statements_of(read: Callable[[str], Answer]) -> int:
        """How many statements the primary ran while figures were read so often."""
        begin = log.stat().st_size
        for number in range(READS):
            assert read(f"{USAGES}?page_size={number + 1}").status == 200
        return len(re.findall(r"LOG:  (?:statement|execute)", log.read_bytes()[begin:].decode()))

    settle(here.primary, "log_statement = 'all'")
    wait_until(lambda: statements_of(here.get_from_primary) >= READS)
    of_others = statements_of(here.get)
    settle(here.primary, "log_statement = DEFAULT")
    assert of_others < READS / 4  # of the server that looks after it once a second


def test_a_rebuild_of_the_primary_is_followed(here: Pair) -> None:
    answers: list[Answer] = []
    is_over = Event()

    def read() -> None:
        while not is_over.is_set():
            answers.append(here.get(USAGES))

    reader = Thread(target=read)
    reader.start()
    tables = "SELECT oid FROM pg_class WHERE oid = 'read_models.component_usage'::regclass"
    before = run_sql(here.standby.url(), tables)
    rebuilt = run(here.environment(here.primary), "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    position, figure = here.report()
    assert here.shown(position) == figure
    is_over.set()
    reader.join()
    assert run_sql(here.standby.url(), tables) != before
    assert {each.status for each in answers} <= {200, 503}
    assert sum(each.status == 200 for each in answers) > 0.9 * len(answers) > 0
    assert readiness(here.reader, 200)["position"] == position


def test_read_models_of_another_version_are_neither_served_nor_rebuilt(here: Pair) -> None:
    change = "UPDATE read_models.read_position SET built_by = {}"
    ((built_by,),) = run_sql(here.primary.url(), "SELECT built_by FROM read_models.read_position")
    run_sql(here.primary.url(), change.format("'another'"))
    wait_until(lambda: here.get(USAGES).status == 503)
    assert readiness(here.reader, 503) == {
        "status": "unavailable",
        "reason": "the read models were built by another version: install the primary's here",
    }
    assert ask(here.reader, "GET", "/healthz").status == 200
    started = run(here.environment(here.standby), "serve", "--read-only", f"--bind=127.0.0.1:{free_port()}")
    told = run(here.environment(here.standby), "history", DEMO_RESOURCE)
    run_sql(here.primary.url(), change.format(f"'{built_by}'"))
    assert (started.returncode, started.stdout) == (1, "")
    for each in (told, started):
        assert each.returncode == 1
        assert each.stderr.splitlines()[-1] == (
            "Error: LEDGER_DATABASE_URL: the read models were built by another version, and read-only they"
            " are not rebuilt: start this version of usage-ledger on the primary first"
        )
    wait_until(lambda: here.get(USAGES).status == 200)
    readiness(here.reader, 200)


READING = (
    ["diff", "0"],
    ["unexplained"],
    ["facts", "--after", "300"],
    ["token", "list"],
    ["user", "list"],
    ["role", "list"],
    ["month", "list"],
    ["manifest", "list"],
    ["completeness", "2026-10"],
)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_commands_that_only_read_say_the_same_on_a_standby(here: Pair, command: list[str]) -> None:
    here.shown(here.report()[0])
    ours, theirs = (run(here.environment(each), *command) for each in (here.standby, here.primary))
    assert ours == theirs
    assert (ours.returncode, ours.stdout != "") == (0, True)


def test_an_export_and_a_history_come_from_a_standby(here: Pair) -> None:
    here.shown(here.report()[0])
    (row,) = here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}&type=cpu").json
    for each in (here.standby, here.primary):
        file = here.environment(each)["LEDGER_DATA_DIR"] + "-usages.csv"
        done = run(here.environment(each), "export", "marketplace-component-usages", file)
        assert (done.returncode, "rows in" in done.stderr) == (0, True)
    ours, theirs = (
        run(here.environment(each), "history", row["uuid"]) for each in (here.standby, here.primary)
    )
    assert ours == theirs


WRITING = (
    *(["verify"], ["rebuild"], ["carry-over"], ["token", "create", "demo-staff"], ["key", "create"]),
    *(["user", "create", "somebody"], ["forget", "demo-ida", "--reason", "asked for it"]),
    *(["serve"], ["serve", "--no-demo"], ["database", "migrate"], ["backup", "/nonexistent/ledger.tar"]),
)


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_commands_that_write_say_in_a_line_that_they_do_not(here: Pair, command: list[str]) -> None:
    done = run(here.environment(here.standby), *command)
    assert (done.returncode, done.stdout) == (3 if command == ["verify"] else 1, "")
    assert done.stderr == (
        "Error: LEDGER_DATABASE_URL: the database is read-only, as a standby is: `serve --read-only` and"
        " commands that only read work with it, all others with the primary\n"
    )


def test_a_primary_is_only_read_too(here: Pair) -> None:
    kept = (
        "SELECT (SELECT count(*) FROM journal.ledger_events), (SELECT count(*) FROM dashboard.session),"
        " (SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_')"
    )
    before = run_sql(here.primary.url(), kept)
    with served(here.environment(here.primary), "--read-only", "--workers=1") as reader:
        assert ask(reader, "POST", f"{USAGES}set_usage/").json == REFUSED
        assert "token" not in reader.greeting
    assert run_sql(here.primary.url(), kept) == before
    with psycopg.connect(here.primary.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE nothing")
    empty = {"LEDGER_DATABASE_URL": here.primary.url("nothing")}
    done = run(here.environment(here.primary) | empty, "serve", "--read-only")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: LEDGER_DATABASE_URL: there is no ledger here, and none is made read-only\n",
    )
    assert run_sql(here.primary.url("nothing"), "SELECT 1 FROM pg_namespace WHERE nspname = 'journal'") == []


def test_a_url_with_several_hosts_finds_the_one_that_is_written(here: Pair) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{here.standby.port},127.0.0.1:{here.primary.port}"
    url = f"postgresql://ledger@{hosts}/usage_ledger?target_session_attrs="
    environment = here.environment(here.primary)
    for attribute, code in (("read-write", 0), ("standby", 1)):
        named = environment | {"LEDGER_DATABASE_URL": url + attribute}
        done = run(named, "user", "create", f"of-{attribute}")
        assert (done.returncode, "the database is read-only" in done.stderr) == (code, bool(code))


def test_the_newest_checkpoint_is_that_of_the_primary(here: Pair) -> None:
    assert here.get("/api/ledger/checkpoint").status == 503
    made = run(here.environment(here.primary), "key", "create")
    assert made.returncode == 0, made.stderr
    position, _ = here.report()
    signed = here.get_from_primary("/api/ledger/checkpoint")
    assert signed.status == 200
    wait_until(lambda: here.get("/api/ledger/checkpoint").body == signed.body)
    here.shown(here.report()[0])
    time.sleep(1.1)  # another one is due
    assert here.get("/api/ledger/checkpoint").body == signed.body
    shown = run(here.environment(here.standby), "key", "show")
    assert (shown.returncode, shown.stdout) == (0, made.stdout)
    assert position > 0


def test_a_query_that_a_replay_cancels_is_a_503(here: Pair) -> None:
    """The primary locks a table that a request waits for, and then one that the request holds."""
    settle(here.standby, "max_standby_streaming_delay = 0")
    answers: list[Answer] = []
    # Not asked for before, so its tables are locked in the order in which its statement names them.
    path = f"{USAGES}?project_uuid={DEMO_RESOURCE}&billing_period_year=2026"
    reader = Thread(target=lambda: answers.append(here.get(path)))
    with psycopg.connect(here.primary.url()) as locker:
        locker.execute("LOCK TABLE read_models.resource IN ACCESS EXCLUSIVE MODE")
        locker.execute(SEND)
        wait_until(lambda: run_sql(here.standby.url(), LOCKED) != [])
        reader.start()
        wait_until(lambda: run_sql(here.standby.url(), HELD) != [])
        ((held,),) = run_sql(here.standby.url(), HELD)
        locker.execute(f"LOCK TABLE {held} IN ACCESS EXCLUSIVE MODE".encode())
        locker.execute(SEND)
        reader.join(20)
        locker.rollback()
    (answer,) = answers
    assert (answer.status, answer.json) == (503, {"detail": "What was read is being replaced. Try again."})
    assert answer.headers["Retry-After"] == "1"
    settle(here.standby, "max_standby_streaming_delay = DEFAULT")
    wait_until(lambda: here.get(USAGES).status == 200)
    readiness(here.reader, 200)


def test_an_idle_primary_is_no_lag_and_a_paused_replay_is_one(here: Pair) -> None:
    time.sleep(1.5 * MAX_LAG_SECONDS)
    assert readiness(here.reader, 200, seconds=0)["lag"] < MAX_LAG_SECONDS
    run_sql(here.standby.url(), "SELECT pg_wal_replay_pause()")
    reason = readiness(here.reader, 503)["reason"]
    assert MAX_LAG_SECONDS <= seconds_in(reason) < 3 * MAX_LAG_SECONDS
    position, figure = here.report()
    assert here.get(f"{USAGES}?min_position={position}").status == 503
    assert here.get(USAGES).status == 200
    assert ask(here.reader, "GET", "/healthz").status == 200
    run_sql(here.standby.url(), "SELECT pg_wal_replay_resume()")
    assert here.shown(position) == figure
    readiness(here.reader, 200)


def test_a_primary_that_is_gone_is_a_lag(here: Pair) -> None:
    here.primary.stop()
    assert seconds_in(readiness(here.reader, 503)["reason"]) >= MAX_LAG_SECONDS
    assert here.get(USAGES).status == 200
    here.primary.start()
    readiness(here.reader, 200)
    wait_until(lambda: here.get_from_primary("/readyz").status == 200)
    position, figure = here.report()
    assert here.shown(position) == figure
