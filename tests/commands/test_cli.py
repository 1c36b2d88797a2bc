"""The command `usage-ledger` as people run it: a process with arguments, an environment and words."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.paths import DEMO
from tests.support.command import (
    COMMAND,
    DEMO_RESOURCE,
    PATIENCE_SECONDS,
    Environment,
    Served,
    free_port,
    output_of,
    run,
    served,
)
from tests.support.waiting import wait_until
from tests.world import CATALOGUE, GPU, RESOURCE, USAGES


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(CATALOGUE))
    return path


def positions(environment: Environment) -> list[int]:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT notification_id FROM journal.ledger_events ORDER BY 1").fetchall()
    return [row[0] for row in rows]


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["import", "serve", "token", "LEDGER_DATABASE_URL", "LEDGER_DATA_DIR", "LEDGER_TIME_ZONE"]),
        (["serve"], ["--bind HOST:PORT", "127.0.0.1:8000", "--workers", "--no-demo", "SIGTERM"]),
        (["import"], ["FILE", "structure format", "while the service runs", "checked before"]),
        (["report"], ["FILE", "--url", "--chunk", "--refused", "--dry-run", "LEDGER_TOKEN", "FILE.progress"]),
        (["token"], ["create", "list", "revoke"]),
        (["token", "create"], ["USERNAME", "--expires DAYS", "only now", "hash"]),
        (["token", "list"], ["id, issued (UTC), expires, state, username"]),
        (["token", "revoke"], ["TOKEN_ID", "token list"]),
    ],
)
def test_help_says_what_a_command_does_and_takes(arguments: list[str], words: list[str]) -> None:
    text = " ".join(output_of({}, *arguments, "--help").split())
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("import {folder}/none.json", 1, "{folder}/none.json: No such file or directory"),
        ("import {folder}", 1, "{folder}: Is a directory"),
        (
            "import {folder}/bad.json",
            1,
            "{folder}/bad.json: JSON is malformed: object keys must be strings (byte 2)",
        ),
        (
            "import {folder}/wrong.json",
            1,
            'projects[0].customer_uuid = "00000000000000000000000000000002": Is not in customers, nor known',
        ),
        ("import", 2, "Missing argument 'FILE'. `usage-ledger import --help` says more."),
        ("bogus", 2, "No such command 'bogus'. `usage-ledger --help` says more."),
        ("--bogus", 2, "No such option '--bogus'. `usage-ledger --help` says more."),
        (
            "serve --bind here",
            2,
            "Invalid value for '--bind': 'here' is not HOST:PORT. `usage-ledger serve --help` says more.",
        ),
        (
            "serve --workers 0",
            2,
            "Invalid value for '--workers': 0 is not in the range 1<=x<=64. "
            "`usage-ledger serve --help` says more.",
        ),
        ("token create nobody", 1, "nobody is named 'nobody'; import a file whose list `users` has them"),
        ("token revoke zz", 1, "'zz' is no token id; `usage-ledger token list` shows them"),
        (
            "token revoke 00000000000000000000000000000001",
            1,
            "there is no token with the id 00000000000000000000000000000001",
        ),
    ],
)
def test_an_error_is_told_in_one_line(
    environment: Environment, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    (tmp_path / "bad.json").write_text("{\n]")
    project = {"uuid": f"{1:032x}", "name": "Project", "customer_uuid": f"{2:032x}"}
    (tmp_path / "wrong.json").write_text(json.dumps({"projects": [project]}))
    done = run(environment, *arguments.replace("{folder}", str(tmp_path)).split())
    expected = message.replace("{folder}", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"Error: {expected}\n")
    assert positions(environment) == []


@pytest.mark.parametrize(
    ("command", "variable", "value", "message"),
    [
        ("serve", "LEDGER_TIME_ZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone like Europe/Tallinn"),
        ("serve", "LEDGER_MAX_BODY_BYTES", "many", "'many' is no number of bytes"),
        (
            "token list",
            "LEDGER_DATABASE_URL",
            "postgresql://user:secret@127.0.0.1:1/x",
            "the database can't be used: ",
        ),
        ("token list", "LEDGER_DATABASE_URL", "nonsense", "the database can't be used: "),
    ],
)
def test_a_setting_that_can_not_be_used_is_named_in_one_line(
    environment: Environment, command: str, variable: str, value: str, message: str
) -> None:
    done = run(environment | {variable: value}, *command.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"Error: {variable}: {message}")
    assert "secret" not in done.stderr


def test_a_port_in_use_is_told_in_one_line_and_nothing_is_loaded(environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(environment, "serve", "--bind", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: 127.0.0.1:{port}: Address already in use\n"
    assert positions(environment) == []


def test_of_two_services_that_start_at_once_on_a_port_one_serves_and_the_other_says_why_not(
    environment: Environment,
) -> None:
    port = free_port()
    command = [str(COMMAND), "serve", "--no-demo", "--bind", f"127.0.0.1:{port}"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            for _ in range(2)
        ]
        try:
            wait_until(lambda: any(each.poll() is not None for each in started))
            [ended] = [each for each in started if each.poll() is not None]
            [serves] = [each for each in started if each is not ended]
            assert (ended.returncode, ended.communicate()) == (
                1,
                ("", f"Error: 127.0.0.1:{port}: Address already in use\n"),
            )
            assert serves.stdout is not None
            assert (
                serves.stdout.readline() == f"usage-ledger serves http://127.0.0.1:{port} (Ctrl-C stops it)\n"
            )
        finally:
            for each in started:
                each.terminate()


# --- import -------------------------------------------------------------------------------------------------


def test_an_import_ends_with_a_summary_and_a_second_one_stores_nothing(
    environment: Environment, catalogue: Path
) -> None:
    assert output_of(environment, "import", catalogue) == (
        "users: 12 new\n"
        "customers: 4 new\n"
        "projects: 3 new\n"
        "categories: 1 new\n"
        "service_providers: 1 new\n"
        "offerings: 3 new\n"
        "offering_components: 7 new\n"
        "plans: 4 new\n"
        "resources: 3 new\n"
        "offering_users: 1 new\n"
        "user_roles: 9 new\n"
        "48 of 48 objects were stored.\n"
    )
    facts = positions(environment)
    assert len(facts) == 48
    changed = CATALOGUE | {"customers": [CATALOGUE["customers"][0] | {"name": "Renamed"}]}
    catalogue.write_text(json.dumps({"customers": changed["customers"], "projects": changed["projects"]}))
    assert output_of(environment, "import", catalogue) == (
        "customers: 1 changed\nprojects: 3 unchanged\n1 of 4 objects were stored.\n"
    )
    assert output_of(environment, "import", catalogue).endswith("\n0 of 4 objects were stored.\n")
    assert len(positions(environment)) == 49


def test_an_import_shows_its_progress_on_a_terminal(environment: Environment, catalogue: Path) -> None:
    terminal, standard_error = pty.openpty()
    done = subprocess.run(
        [COMMAND, "import", catalogue],
        env=environment | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=standard_error,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    os.close(standard_error)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"48 of 48 objects were stored.")
    assert "checking" in shown
    assert "100%" in shown


@pytest.mark.skipif(not DEMO.exists(), reason="the example is not part of the project")
def test_the_example_of_the_structure_format_is_imported(environment: Environment) -> None:
    done = run(environment, "import", DEMO)
    assert done.returncode == 0
    # One line for the lists and one for each list with keys that are not read, short enough to be read.
    assert done.stderr.startswith(f"{DEMO}: not read: _metadata (no list), category_groups (1 object)\n")
    assert all(line.partition(": not read: ")[1] for line in done.stderr.splitlines())
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["component_usages: 38 new", "94 of 94 objects were stored."]
    again = run(environment, "import", DEMO).stdout.splitlines()
    assert again[-2:] == ["component_usages: 38 unchanged", "0 of 94 objects were stored."]
    assert len(positions(environment)) == 94
    staff = output_of(environment, "token", "create", "staff").strip()
    with served(environment) as here:
        status, rows = here.get(f"{USAGES}?page_size=100", staff)
    example = json.loads(DEMO.read_text())["component_usages"]
    assert (status, {row["uuid"] for row in rows}) == (200, {usage["uuid"] for usage in example})


# --- tokens -------------------------------------------------------------------------------------------------


def test_a_token_opens_the_running_service_until_it_is_revoked(
    environment: Environment, catalogue: Path
) -> None:
    with served(environment, "--no-demo", "--workers", "1") as here:
        output_of(environment, "import", catalogue)  # while the service runs
        printed = output_of(environment, "token", "create", "staff", "--expires", "2")
        token = printed.strip()
        assert re.fullmatch(r"[0-9a-f]{40}\n", printed)
        assert here.get(USAGES, token) == (200, [])
        listed = re.fullmatch(
            r"([0-9a-f]{32})  (.{16})  (.{16})  valid    staff\n", output_of(environment, "token", "list")
        )
        assert listed
        issued, expires = (
            datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in listed.groups()[1:]
        )
        assert expires - issued == timedelta(days=2)
        assert timedelta(0) <= datetime.now(UTC) - issued < timedelta(minutes=3)
        assert output_of(environment, "token", "revoke", listed[1]) == ""
        assert here.get(USAGES, token) == (401, {"detail": "Invalid token."})
        facts = positions(environment)
        assert output_of(environment, "token", "revoke", listed[1]) == ""  # it has ended already
        assert positions(environment) == facts
        assert "  revoked  staff\n" in output_of(environment, "token", "list")


def test_the_journal_has_a_tokens_hash_and_not_the_token(environment: Environment, catalogue: Path) -> None:
    output_of(environment, "import", catalogue)
    token = output_of(environment, "token", "create", "staff").strip()
    (token_id,) = re.findall(r"^[0-9a-f]{32}", output_of(environment, "token", "list"))
    output_of(environment, "token", "revoke", token_id)
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT topic, state FROM journal.ledger_events ORDER BY notification_id"
        ).fetchall()
    assert [topic for topic, _ in rows[-2:]] == ["TokenIssued", "TokenRevoked"]
    assert all(token.encode() not in bytes(state) for _, state in rows)


# --- serve --------------------------------------------------------------------------------------------------


def executed(line: str) -> str:
    """What a printed command prints: run by the shell where there is curl, or else read and sent."""
    if shutil.which("curl"):
        words = ["/bin/sh", "-c", line]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout
    words = shlex.split(line)
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    data = words[words.index("-d") + 1].encode() if "-d" in words else None
    with urlopen(Request(words[-1], data, headers), timeout=30) as response:  # noqa: S310 (it is http)
        head = f"HTTP/1.1 {response.status} {response.reason}\n\n" if "-i" in words else ""
        return head + str(response.read().decode())


def test_what_a_first_start_prints_works_when_it_is_executed(environment: Environment) -> None:
    with served(environment) as here:
        commands = re.findall(r"^  (curl .*)$", here.greeting, re.MULTILINE)
        report, read = (executed(command) for command in commands)
        assert report.split("\n")[0].strip() == "HTTP/1.1 201 Created"
        (row,) = json.loads(read)
        assert (row["resource_uuid"], row["type"], row["usage"]) == (DEMO_RESOURCE, "cpu", "12.50")
        assert here.greeting.startswith(f"usage-ledger serves {here.url} (Ctrl-C stops it)\n")


def test_without_the_demo_an_empty_ledger_stays_empty(environment: Environment) -> None:
    with served(environment, "--no-demo") as here:
        assert here.get("/readyz") == (200, {"status": "ok", "position": 0})
        assert here.greeting == f"usage-ledger serves {here.url} (Ctrl-C stops it)\n\n"
    assert positions(environment) == []


def test_the_demo_is_not_loaded_beside_a_catalogue(environment: Environment, catalogue: Path) -> None:
    output_of(environment, "import", catalogue)
    before = positions(environment)
    with served(environment) as here:
        assert here.greeting == f"usage-ledger serves {here.url} (Ctrl-C stops it)\n\n"
    assert positions(environment) == before


def test_sigterm_lets_a_running_request_end_and_exits_with_0(environment: Environment) -> None:
    with served(environment, "--workers", "1") as here:
        body = json.dumps({"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": 7}]})
        head = (
            f"POST {USAGES}set_usage/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Token {here.demo_token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        host, port = here.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(head.encode() + body[:10].encode())
            assert here.get("/healthz") == (200, {"status": "ok"})  # so the other request is being read
            here.process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                here.process.wait(1)
            client.sendall(body[10:].encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 201 Created\r\n")
        assert here.process.wait(10) == 0
    with served(environment) as here:
        _, rows = here.get(USAGES, here.demo_token)
        assert [row["usage"] for row in rows] == ["7.00"]


def test_an_idle_connection_does_not_hold_up_the_end(environment: Environment) -> None:
    with served(environment, "--no-demo", "--workers", "1") as here:
        host, port = here.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
            started = time.monotonic()
            assert here.stop() == 0
            assert time.monotonic() - started < 10


def test_everything_is_found_again_after_a_stop_and_after_kill_9() -> None:
    """With the embedded database, which is stopped with the service, and survives it when it is killed."""
    folder = Path(tempfile.mkdtemp(prefix="usage-ledger-"))
    folder.chmod(0o755)
    environment = {"LEDGER_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"}
    port = free_port()
    try:
        with served(environment, port=port) as here:
            token = here.demo_token
            report(here, token, 1)
            assert here.stop() == 0
        assert list(folder.rglob("postmaster.pid")) == []
        with served(environment, port=port) as here:
            assert figures(here, token) == ["1.00"]
            report(here, token, 2)
            assert here.stop(signal.SIGKILL) == -signal.SIGKILL
        assert len(list(folder.rglob("postmaster.pid"))) == 1
        # The workers of the killed server may still hold the port, and the database still runs.
        with served(environment, port=port) as here:
            assert figures(here, token) == ["2.00"]
            listed = output_of(environment, "token", "list").splitlines()
            assert [line.split()[-2:] for line in listed] == [["valid", "demo-staff"]] * 3
            assert here.stop() == 0
        assert list(folder.rglob("postmaster.pid")) == []
    finally:
        shutil.rmtree(folder)


def report(here: Served, token: str, amount: int) -> None:
    body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": amount}]}
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    request = Request(f"{here.url}{USAGES}set_usage/", json.dumps(body).encode(), headers)  # noqa: S310
    assert here.send(request) == (201, None)


def figures(here: Served, token: str) -> list[str]:
    _, rows = here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}", token)
    return [row["usage"] for row in rows]


# --- the journal and what is made of it ---------------------------------------------------------------------


def test_facts_prints_the_journal_as_it_is_stored(environment: Environment, catalogue: Path) -> None:
    output_of(environment, "import", catalogue)
    lines = [json.loads(line) for line in output_of(environment, "facts").splitlines()]
    assert [line["position"] for line in lines] == positions(environment)
    assert list(lines[0]) == ["position", "stream", "topic", "version", "state"]
    assert (lines[0]["topic"], lines[0]["version"]) == ("UserDescribed", 1)
    later = output_of(environment, "facts", "--after", str(lines[-2]["position"]))
    assert [json.loads(line) for line in later.splitlines()] == lines[-1:]


def test_a_rebuild_says_what_it_did_and_keeps_rows_that_differ(
    environment: Environment, catalogue: Path
) -> None:
    output_of(environment, "import", catalogue)
    assert re.fullmatch(
        r"48 facts were projected in \d+\.\d s; the result is live\.\n", output_of(environment, "rebuild")
    )
    with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE read_models.customer SET name = 'Forged' WHERE name = 'Provider'")
    done = run(environment, "rebuild")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "customer: 1 rows only live, 1 only rebuilt, such as"
    assert '"name": "Forged"' in done.stdout
    assert done.stderr == (
        "Error: The rebuilt read models differ, the live ones stay; --accept takes them.\n"
    )
    assert "1 only rebuilt" in output_of(environment, "rebuild", "--accept")
    assert output_of(environment, "rebuild").startswith("48 facts")


def test_a_rebuild_says_how_many_names_are_gone(environment: Environment, catalogue: Path) -> None:
    output_of(environment, "import", catalogue)
    with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DELETE FROM journal.person WHERE username = 'stranger'")
    told, _ = output_of(environment, "rebuild").splitlines()
    assert told == "Names left out, of people removed from journal.person: 1."


def test_carry_over_shows_what_it_carries_and_into_which_month(
    environment: Environment, catalogue: Path
) -> None:
    month = datetime.now(UTC).replace(day=1)
    before = month - timedelta(days=1)
    usage = {"uuid": "f" * 32, "resource_uuid": RESOURCE, "component_uuid": GPU, "usage": "5.00"}
    usage |= {"billing_period": f"{before:%Y-%m}-01", "missing_usage_policy": "reuse"}
    catalogue.write_text(json.dumps(CATALOGUE | {"component_usages": [usage]}))
    output_of(environment, "import", catalogue)
    line = f"{RESOURCE}  gpu  5.00  (reuse, Resource)\n"
    shown = f"{line}1 usages would be carried over into {month:%Y-%m}.\n"
    first = (
        f"Nothing was ever carried over here, so this is done for {month:%Y-%m} alone; where earlier months"
        " were missed, name them with --month, one after the other, and begin with the first.\n"
    )
    done = run(environment, "carry-over", "--dry-run")
    assert (done.stdout, done.stderr) == (shown, first)
    done = run(environment, "carry-over")
    assert (done.stdout, done.stderr) == (shown.replace("would be", "were"), first)
    assert output_of(environment, "carry-over") == f"0 usages were carried over into {month:%Y-%m}.\n"
    assert run(environment, "carry-over", "--month", "May").stderr == (
        f"Error: 'May' is no month like {month:%Y-%m}\n"
    )


def test_carry_over_says_of_each_month_that_was_missed_what_it_does(
    environment: Environment, catalogue: Path
) -> None:
    months = [datetime.now(UTC).date().replace(day=1)]
    while len(months) < 4:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    usage = {"uuid": "f" * 32, "resource_uuid": RESOURCE, "component_uuid": GPU, "usage": "5.00"}
    usage |= {"billing_period": str(months[0]), "missing_usage_policy": "reuse"}
    catalogue.write_text(json.dumps(CATALOGUE | {"component_usages": [usage]}))
    output_of(environment, "import", catalogue)
    first, second, third = (f"{month:%Y-%m}" for month in months[1:])
    line = f"{RESOURCE}  gpu  5.00  (reuse, Resource)\n"
    assert output_of(environment, "carry-over", "--month", first) == (
        f"{line}1 usages were carried over into {first}.\n"
    )
    done = run(environment, "carry-over", "--dry-run")
    assert done.stderr == ""
    assert done.stdout == (
        f"0 usages would be carried over into {first}.\n"
        f"{line}1 usages would be carried over into {second}.\n"
        "They are not stored, so what would follow from them later is not shown.\n"
        f"0 usages would be carried over into {third}.\n"
    )
    assert output_of(environment, "carry-over") == (
        f"0 usages were carried over into {first}.\n"
        f"{line}1 usages were carried over into {second}.\n"
        f"{line}1 usages were carried over into {third}.\n"
    )


@pytest.mark.parametrize(
    "words", [("facts",), ("rebuild",), ("token", "list"), ("carry-over",)], ids=lambda words: words[0]
)
def test_a_ledger_that_is_not_there_is_not_made_by_who_looks_for_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    done = run({"LEDGER_DATA_DIR": str(elsewhere)}, *words)
    told = f"Error: LEDGER_DATA_DIR: there is no ledger in {elsewhere}; `serve` and `import` make one\n"
    assert (done.returncode, done.stderr, elsewhere.exists()) == (1, told, False)
