"""The command `usage-ledger` as people run it: a process with arguments, an environment and words."""

import json
import re
import socket
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from click.testing import CliRunner

from ledger.domain.access import ROLE_PERMISSIONS
from ledger.domain.catalogue import ScopeType
from tests.support.command import (
    COMMAND,
    Environment,
    free_port,
    output_of,
    positions,
    run,
)
from tests.support.queueing import locked
from tests.support.waiting import wait_until
from tests.world import CATALOGUE, GPU, RESOURCE
from web.commands.main import main

# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["import", "serve", "token", "LEDGER_DATABASE_URL", "LEDGER_DATA_DIR", "LEDGER_TIME_ZONE"]),
        (["serve"], ["--bind HOST:PORT", "127.0.0.1:8000", "--workers", "--no-demo", "SIGTERM"]),
        (["import"], ["FILE", "structure format", "while the service runs", "checked before"]),
        (["report"], ["FILE", "--url", "--chunk", "--refused", "--dry-run", "LEDGER_TOKEN", "FILE.progress"]),
        (["verify"], ["--to POSITION", "table key column live replayed position", "journal position what"]),
        (["user"], ["create", "list"]),
        (["user", "create"], ["USERNAME", "--staff", "--support", "role grant", "token create"]),
        (["role"], ["grant", "list", "revoke"]),
        (["role", "grant"], ["USERNAME ROLE SCOPE_TYPE SCOPE_UUID", *ROLE_PERMISSIONS, *get_args(ScopeType)]),
        (["token"], ["create", "list", "revoke"]),
        (["token", "create"], ["[USERNAME]", "--user-uuid UUID", "--expires DAYS", "only now", "hash"]),
        (["token", "create"], ["--only [read|report]", "--offering UUID"]),
        (["token", "list"], ["id, issued (UTC), expires, state, last used, uses, offering, username"]),
        (["token", "revoke"], ["TOKEN_ID", "token list"]),
    ],
)
def test_help_says_what_a_command_does_and_takes(arguments: list[str], words: list[str]) -> None:
    shown = CliRunner().invoke(main, [*arguments, "--help"], prog_name="usage-ledger")
    assert (shown.exit_code, shown.stderr) == (0, "")
    text = " ".join(shown.stdout.split())
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
        (
            "import",
            2,
            "Either FILE or --from-waldur names what to import. `usage-ledger import --help` says more.",
        ),
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
        ("token create nobody", 1, "nobody is named 'nobody'; `usage-ledger user list` shows who there is"),
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
        ("serve", "LEDGER_PROXIES", "-1", "'-1' is no number from 0 to 99"),
        ("serve", "LEDGER_STRICT", "maybe", "'maybe' is neither yes nor no"),
        ("serve", "LEDGER_CORS_ORIGINS", "null", "'null' is no origin like https://portal.example.org"),
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


def test_who_waits_for_a_locked_journal_is_told_so_in_one_line_and_changes_nothing(
    environment: Environment, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output_of(environment, "import", catalogue)
    before = positions(environment)
    monkeypatch.setattr("ledger.journal.connections.OPTIONS", "-c lock_timeout=100ms")
    with locked(environment["LEDGER_DATABASE_URL"]):
        refused = run(environment, "token", "create", "staff")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "Error: The journal is busy; run it again to finish it.\n"
    assert positions(environment) == before


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
