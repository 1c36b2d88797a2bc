"""`usage-ledger report`: files of reports, sent to a running service by a process that may be killed."""

import fcntl
import json
import os
import pty
import re
import shlex
import subprocess
import termios
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest

from ledger.events import Report, UsageReported, UserUsageReported
from tests.paths import README
from tests.sender.sending import NO_TOKEN, REPLACED, amounts, line, written
from tests.support.command import (
    COMMAND,
    DEMO_RESOURCE,
    PATIENCE_SECONDS,
    Environment,
    output_of,
    run,
    served,
)
from tests.support.reporting import Front
from tests.world import RESOURCE, SECOND_RESOURCE, USAGES, World

# --- what a file says ---------------------------------------------------------------------------------------


def test_a_table_is_reported_line_by_line_and_empty_cells_are_left_out(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    table = tmp_path / "usage.csv"
    table.write_bytes(
        b"\xef\xbb\xbfresource; type; amount; date; username; usage; description\r\n"
        + f'{RESOURCE};cpu;12.50;2026-10-31;;;"two\nlines; one cell"\r\n\r\n'.encode()
        + f"{RESOURCE};cpu;;2026-10-31;ann;4;\r\n".encode()
        + f"{SECOND_RESOURCE};cpu;1;2026-10-31;;;\n".encode()
    )
    assert output_of(shell, "report", table, "--url", front.url) == (
        "3 created, 0 changed, 0 unchanged, 0 refused\n"
    )
    facts = world.facts(UsageReported)
    assert [(fact.resource_uuid.hex, str(fact.amount), fact.description) for fact in facts] == [
        (RESOURCE, "12.50", "two\nlines; one cell"),
        (SECOND_RESOURCE, "1.00", ""),
    ]
    assert [str(fact.amount) for fact in world.facts(UserUsageReported)] == ["4.00"]
    assert {fact.agent for fact in world.facts(Report)} == {f"usage-ledger/{version('usage-ledger')}"}
    assert list(tmp_path.iterdir()) == [table]
    assert output_of(shell, "report", table, "--url", front.url) == (
        "0 created, 0 changed, 3 unchanged, 0 refused\n"
    )


# --- refusals -----------------------------------------------------------------------------------------------


def test_nothing_that_a_row_says_is_dropped(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    table = tmp_path / "usage.csv"
    table.write_text(
        f"resource,type,amount,date,username\n{RESOURCE},cpu,12.50,2026-10-31,alice\n"
        f"{RESOURCE},cpu,12.50,2026-10-31,\n"
    )
    done = run(shell, "report", table, "--url", front.url)
    assert (done.returncode, done.stdout) == (1, "1 created, 0 changed, 0 unchanged, 1 refused\n")
    assert done.stderr.startswith(
        'Line 2 is refused: {"usage":["This field is required."],"amount":["Belongs'
    )
    assert ([row["usage"] for row in world.usages()], world.user_usages()) == (["12.50"], [])


def test_refused_lines_are_told_with_their_numbers_and_can_be_mended_and_sent_again(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    refused = tmp_path / "refused.ndjson"
    file = tmp_path / "usage.ndjson"
    items = [line(1), line(2, type="tape", date="2026-11-02"), line(3)]
    file.write_text("\n".join([*map(json.dumps, items), "no json\n"]))
    done = run(shell, "report", file, "--url", front.url)
    unknown = {"non_field_errors": ["These components are invalid: tape."]}
    assert (done.returncode, done.stdout) == (1, "1 created, 1 changed, 0 unchanged, 2 refused\n")
    first, second, replaced = done.stderr.splitlines()
    assert replaced == REPLACED.format(1)
    assert first == f"Line 2 is refused: {json.dumps(unknown, separators=(',', ':'))}"
    assert second.startswith('Line 4 is refused: {"detail":"JSON parse error - ')
    done = run(shell, "report", file, "--url", front.url, "--refused", refused)
    assert done.stderr == f"{REPLACED.format(1)}\n"
    told = [json.loads(each) for each in refused.read_text().splitlines()]
    assert told[0] == {"line": 2, "item": items[1], "errors": unknown}
    assert (told[1]["line"], told[1]["item"]) == (4, "no json")
    written(file, [told[0]["item"] | {"type": "gpu"}])
    assert output_of(shell, "report", file, "--url", front.url, "--refused", refused).startswith("1 created")
    assert refused.read_text() == ""


def test_a_dry_run_stores_nothing_and_leaves_nothing_behind(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.jsonl", [line(1), line(2, type="tape")])
    done = run(shell, "report", file, "--url", front.url, "--dry-run")
    assert (done.returncode, done.stdout) == (1, "1 created, 0 changed, 0 unchanged, 1 refused\n")
    assert (amounts(world), list(tmp_path.iterdir())) == ([], [file])


def example() -> tuple[str, str, list[str]]:
    """Of the page on reports from files: the file's name, its text, and the command that sends it."""
    section = (README.parent / "web" / "sender" / "README.md").read_text()
    name = re.findall(r"`([^`]+\.csv)`", section)[0]
    table, command = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    environment, *words = shlex.split(command.strip())
    assert environment == "LEDGER_TOKEN=…"
    return name, textwrap.dedent(table), words


# --- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["demo-staff", "demo-agent"])
def test_the_example_of_the_readme_works_for_whoever_may_report(
    environment: Environment, tmp_path: Path, user: str
) -> None:
    name, table, (program, *arguments) = example()
    assert program == ".venv/bin/usage-ledger"
    (tmp_path / name).write_text(table)
    with served(environment, "--workers", "1") as here:
        shell = environment | {"LEDGER_TOKEN": output_of(environment, "token", "create", user).strip()}
        place = arguments.index("http://127.0.0.1:8000")
        arguments[place : place + 1] = [here.url]
        arguments[arguments.index(name)] = str(tmp_path / name)
        assert output_of(shell, *arguments) == "2 created, 0 changed, 0 unchanged, 0 refused\n"
        _, rows = here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}", here.demo_token)
        assert [row["usage"] for row in rows] == ["118.50"]
        with_a_date = "\n".join(
            f"{each},{'date' if number == 0 else '2026-06-30'}" for number, each in enumerate(table.split())
        )
        again = subprocess.run(
            [COMMAND, "report", "-", "--format", "csv", "--url", here.url],
            input=f"{with_a_date}\n".encode(),
            env=shell,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    if user == "demo-staff":
        assert (again.returncode, again.stderr) == (0, b"")
    else:
        assert (again.returncode, again.stdout) == (1, b"0 created, 0 changed, 0 unchanged, 2 refused\n")
        assert again.stderr.count(b"backfilling past billing periods. Only staff may report") == 2


def test_what_may_not_have_been_meant_is_told_although_it_is_stored(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    table = tmp_path / "usage.csv"
    table.write_text(f"resource,type,amount,date\n{RESOURCE},cpu,5,2026-11-01\n{RESOURCE},gpu,970")
    done = run(shell, "report", table, "--url", front.url, "--refused", tmp_path / "refused")
    assert (done.returncode, done.stdout) == (1, "1 created, 0 changed, 0 unchanged, 1 refused\n")
    assert done.stderr == CUT_OFF
    told = json.loads((tmp_path / "refused").read_text())
    assert (told["line"], told["item"]) == (3, f"{RESOURCE},gpu,970")
    assert told["errors"] == {"detail": "Can't be read: it has 3 cells, and the header names 4."}
    assert [row["type"] for row in world.usages()] == ["cpu"]
    lines = tmp_path / "usage.ndjson"
    lines.write_text(json.dumps(line(9)))
    done = run(shell, "report", lines, "--url", front.url)
    assert (done.returncode, done.stderr) == (0, CUT_OFF)


CUT_OFF = "The last line does not end with a line feed: was the file cut off?\n"


def test_a_closed_standard_input_is_told_in_one_line(shell: Environment) -> None:
    for token, told in ((shell["LEDGER_TOKEN"], "-: standard input is closed"), ("", NO_TOKEN)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec {shlex.quote(str(COMMAND))} report - --format csv <&-"],
            env=shell | {"LEDGER_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, f"Error: {told}\n")


def test_progress_is_shown_on_a_terminal(front: Front, shell: Environment, tmp_path: Path) -> None:
    file = written(tmp_path / "usage.ndjson", [line(amount) for amount in range(20)])
    terminal, standard_error = pty.openpty()
    done = subprocess.run(
        [COMMAND, "report", file, "--url", front.url, "--chunk", "5"],
        env=shell | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=standard_error,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    os.close(standard_error)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert (done.returncode, done.stdout) == (0, b"1 created, 19 changed, 0 unchanged, 0 refused\n")
    assert "15 lines" in shown
    assert "100%" in shown


def test_on_a_terminal_the_token_is_asked_for(front: Front, shell: Environment, tmp_path: Path) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    terminal, standard_input = pty.openpty()
    command = subprocess.Popen(
        [COMMAND, "report", file, "--url", front.url],
        env=shell | {"LEDGER_TOKEN": ""},
        stdin=standard_input,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(standard_input)
    shown = b""
    while b"API token: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, shell["LEDGER_TOKEN"].encode() + b"\n")
    printed, _ = command.communicate(timeout=PATIENCE_SECONDS)
    assert (command.returncode, printed) == (0, b"1 created, 0 changed, 0 unchanged, 0 refused\n")
    os.close(terminal)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("usage.txt", 2, "--format must say what usage.txt is."),
        ("-", 2, "--format must say what - is."),
        ("usage.ndjson --refused usage.ndjson", 2, "--refused would overwrite FILE."),
        (
            "usage.ndjson --chunk 10001",
            2,
            "Invalid value for '--chunk': 10001 is not in the range 1<=x<=10000.",
        ),
        (
            "usage.ndjson --url x",
            2,
            "Invalid value for '--url': 'x' is no URL like https://ledger.example.org.",
        ),
        ("none.csv", 1, "none.csv: No such file or directory"),
        (".csv --format csv", 1, ".csv: Is a directory"),
        ("usage.ndjson --refused none/x", 1, "none/x: No such file or directory"),
        ("bad.csv", 1, "bad.csv: its first line is to name the columns"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    shell: Environment, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    written(tmp_path / "usage.ndjson", [line(1)])
    (tmp_path / "bad.csv").touch()
    (tmp_path / ".csv").mkdir()
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [COMMAND, "report", *arguments.split()],
        env=shell,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    more = " `usage-ledger report --help` says more." if code == 2 else ""
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"Error: {message}{more}\n")
    assert sorted(tmp_path.iterdir()) == before
