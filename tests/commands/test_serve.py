"""`usage-ledger serve`, `import` and `token`, as people run them."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.paths import DEMO
from tests.projections.restoring import AS_SUPERUSER
from tests.support.command import (
    COMMAND,
    DEMO_RESOURCE,
    PATIENCE_SECONDS,
    Environment,
    Served,
    executed,
    free_port,
    output_of,
    positions,
    report,
    run,
    served,
)
from tests.world import CATALOGUE, USAGES

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
        assert re.fullmatch(r"[0-9a-f]{64}\n", printed)
        assert here.get(USAGES, token) == (200, [])
        listed = re.fullmatch(
            r"([0-9a-f]{32})  (.{16})  (.{16})  valid    -  +all     -  +staff\n",
            output_of(environment, "token", "list"),
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
    ended = re.search(r"  revoked  (.{16})  all     -  +staff\n", output_of(environment, "token", "list"))
    assert ended, "the use of it was written at the latest when the service ended"
    assert issued <= datetime.fromisoformat(ended[1]).replace(tzinfo=UTC) <= datetime.now(UTC)


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
        assert here.get("/readyz") == (200, {"status": "ok", "position": 0, "note": AS_SUPERUSER})
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
        assert figures(here, here.demo_token) == ["7.00"]


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
        key = output_of(environment, "key", "show")  # it was made with the database
        assert key.startswith("usage-ledger/")
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
            assert [("  valid  " in line, line.split()[-1]) for line in listed] == [(True, "demo-staff")] * 3
            assert output_of(environment, "key", "show") == key
            assert here.stop() == 0
        assert list(folder.rglob("postmaster.pid")) == []
    finally:
        shutil.rmtree(folder)


def figures(here: Served, token: str) -> list[str]:
    _, rows = here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}", token)
    return [row["usage"] for row in rows]


def test_a_key_that_is_not_there_is_told_at_the_start(environment: Environment) -> None:
    with served(environment | {"LEDGER_SIGNING_KEY": "/nonexistent/key"}, "--no-demo") as here:
        logged = here.output.with_name("stderr").read_text()
    assert "Nothing is signed: no key is in /nonexistent/key; `key create` makes one" in logged
