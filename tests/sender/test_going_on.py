"""`usage-ledger report`: breaking off, and going on where it ended."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ledger.events import UsageReported, UserUsageReported
from tests.sender.sending import REPLACED, amounts, line, written
from tests.support.command import COMMAND, PATIENCE_SECONDS, Environment, free_port, output_of, run, served
from tests.support.reporting import Application, Front, answers, lets_through
from tests.world import CATALOGUE, NOW, RESOURCE, SECOND_RESOURCE, World
from web.sender.client import ApiClient, UploadFailed
from web.sender.progress import Upload, open_progress
from web.sender.upload import reports_left, send

# --- breaking off, and going on -----------------------------------------------------------------------------


def test_a_command_that_is_killed_goes_on_and_every_line_is_stored_once(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    """It is killed when a chunk is stored, and the answer did not get to it."""
    is_stored, is_killed = threading.Event(), threading.Event()

    def is_silent(app: Application, environ: Any, start_response: Any) -> Iterable[bytes]:
        b"".join(app(environ, lambda *_: None))
        is_stored.set()
        is_killed.wait(PATIENCE_SECONDS)
        raise ConnectionError

    items = [line(1 + number % 3, type="tape" if number % 9 == 4 else "cpu") for number in range(40)]
    file = written(tmp_path / "usage.ndjson", items)
    front.moods.extend([lets_through, lets_through, is_silent])
    arguments: list[str | Path] = ["report", file, "--url", front.url, "--chunk", "7"]
    with subprocess.Popen([COMMAND, *arguments], env=shell, stderr=subprocess.DEVNULL) as command:
        assert is_stored.wait(PATIENCE_SECONDS)
        command.kill()
        assert command.wait() == -signal.SIGKILL
    is_killed.set()
    assert (tmp_path / "usage.ndjson.progress").read_bytes().count(b"\n") == 3
    done = run(shell, "report", file, "--url", front.url)  # its chunks stay as large as they were
    refused = [number + 1 for number in range(40) if number % 9 == 4]
    expected = [item["amount"] for item in items if item["type"] == "cpu"]
    assert amounts(world) == expected
    assert done.stdout == f"1 created, {len(expected) - 1} changed, 0 unchanged, {len(refused)} refused\n"
    before, *lines, replaced = done.stderr.splitlines()
    assert before == "14 lines were sent before."
    assert replaced == REPLACED.format(len(expected) - 1)  # those of the first run, too
    assert [each.split(":")[0] for each in lines] == [f"Line {number} is refused" for number in refused]
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [file])
    assert len(front.keys) == 7  # six chunks, of which one was sent twice
    assert len(set(front.keys)) == 6


def test_a_service_that_is_killed_and_started_again_is_waited_for(
    environment: Environment, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text(json.dumps(CATALOGUE))
    output_of(environment, "import", catalogue)
    shell = environment | {"LEDGER_TOKEN": output_of(environment, "token", "create", "staff").strip()}
    file = written(tmp_path / "usage.ndjson", [line(1 + number % 2) for number in range(200)])
    port = free_port()
    arguments: list[str | Path] = ["report", file, "--chunk", "1", "--url", f"http://127.0.0.1:{port}"]
    with served(environment, "--no-demo", "--workers", "1", port=port) as here:
        command = subprocess.Popen(
            [COMMAND, *arguments], env=shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        progress = tmp_path / "usage.ndjson.progress"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not progress.exists() or progress.read_bytes().count(b"\n") < 10:
            assert time.monotonic() < deadline
        here.stop(signal.SIGKILL)
    with served(environment, "--no-demo", "--workers", "1", port=port):
        printed, warned = command.communicate(timeout=PATIENCE_SECONDS)
    assert (command.returncode, printed) == (0, "1 created, 199 changed, 0 unchanged, 0 refused\n")
    assert "; trying again in 0.5 s\n" in warned
    facts = [json.loads(each) for each in output_of(environment, "facts").splitlines()]
    stored = [fact["state"]["amount"] for fact in facts if fact["topic"] == "UsageReported"]
    assert stored == ["1.00", "2.00"] * 100


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_it_goes_on_behind_what_was_sent_also_when_that_was_not_all_there_was(
    world: World, front: Front, shell: Environment, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"usage.{kind}"
    lines = [json.dumps(line(amount)) for amount in range(1, 7)]
    if kind == "csv":
        lines = [f'{RESOURCE},cpu,{amount},"a\nb"' for amount in range(1, 7)]
        lines[0] = f"resource,type,amount,description\n{lines[0]}"
    file.write_text("\n".join(lines[:5]))
    front.moods.extend([lets_through, lets_through, answers("404 Not Found")])
    arguments: list[str | Path] = ["report", file, "--url", front.url, "--chunk", "2"]
    assert run(shell, *arguments).returncode == 1
    torn = tmp_path / f"usage.{kind}.progress"
    torn.write_bytes(torn.read_bytes() + b'{"place":')
    file.write_text("\n".join(lines) + "\n")
    done = run(shell, *arguments)
    assert (done.returncode, done.stdout) == (0, "1 created, 5 changed, 0 unchanged, 0 refused\n")
    assert amounts(world) == [1, 2, 3, 4, 5, 6]
    assert len(front.keys) == 4


def test_all_is_sent_from_the_start_when_what_was_sent_has_changed(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(amount) for amount in (1, 2, 3)])
    arguments: list[str | Path] = ["report", file, "--url", front.url, "--chunk", "2"]
    front.moods.extend([lets_through, answers("404 Not Found")])
    assert run(shell, *arguments).returncode == 1
    written(file, [line(amount) for amount in (1, 5, 3)])
    done = run(shell, *arguments)
    changed, replaced = done.stderr.splitlines()
    assert changed == "Lines that were sent before have changed; all is sent from the start."
    assert replaced == REPLACED.format(2)  # of what is sent now
    assert done.stdout == "0 created, 3 changed, 0 unchanged, 0 refused\n"
    assert amounts(world) == [1, 2, 1, 5, 3]


def test_the_same_file_is_another_report_a_month_later(world: World, front: Front) -> None:
    world.now = NOW
    for _ in range(2):
        assert send_lines(world, front, [line(1)]) == {"created": 1}
        world.now += timedelta(days=30)
    assert [row["billing_period"] for row in world.usages()] == ["2026-12-01", "2026-11-01"]


def test_lines_without_a_date_are_of_when_the_sending_began_however_long_it_takes(
    world: World, front: Front, tmp_path: Path
) -> None:
    """It breaks off on the last day of a month and goes on on the next."""
    world.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    by_uuid = {"username": "ann", "usage": 4}
    items = [
        line(1),
        line(2, resource=SECOND_RESOURCE),
        {"resource": RESOURCE, "type": "cpu", **by_uuid},
        line(9, type="tape"),
        line(3, date="2026-12-01", type="gpu"),
    ]
    file = written(tmp_path / "usage.ndjson", items)
    front.moods.extend([lets_through, answers("404 Not Found")])
    with pytest.raises(UploadFailed):
        send_lines(world, front, items, file)
    world.now += timedelta(minutes=2)
    assert send_lines(world, front, items, file) == {"created": 4, "refused": 1}
    periods = {(row["type"], row["billing_period"]) for row in world.usages()}
    assert periods == {("cpu", "2026-11-01"), ("gpu", "2026-12-01")}
    begun = "2026-11-30T23:59:00+00:00"
    assert [fact.written_date for fact in world.facts(UsageReported)] == [begun, begun, "2026-12-01"]
    assert [fact.written_date for fact in world.facts(UserUsageReported)] == [begun]


def test_another_file_of_the_same_name_does_not_get_the_date_of_one_that_broke_off_at_once(
    world: World, front: Front, tmp_path: Path
) -> None:
    world.now = NOW
    file = written(tmp_path / "usage.ndjson", [line(1)])
    for amount in (1, 2, 2):
        front.moods.append(answers("422 No"))
        with pytest.raises(UploadFailed):
            send_lines(world, front, [line(amount)], file)
        world.now += timedelta(days=30)
    # The first try with this amount was on 15 December, and may be on its way.
    assert send_lines(world, front, [line(2)], file) == {"created": 1}
    assert [fact.written_date for fact in world.facts(UsageReported)] == ["2026-12-15T12:00:00+00:00"]


def send_lines(world: World, front: Front, items: list[Any], file: Path | None = None) -> dict[str, int]:
    """Sends by the world's clock, one at a time. Says what became of them."""
    text = "".join(json.dumps(item) + "\n" for item in items).encode()
    service = ApiClient(front.url, world.as_("staff").authorization.split()[1])
    new = Upload.new(front.url, 1, world.now)
    with open_progress(file, new) as progress, closing(service):
        send(
            reports_left(BytesIO(text), "ndjson", progress, lambda _: None), service, progress, lambda _: None
        )
        return dict(progress.results)


def test_a_file_that_is_being_sent_is_not_sent_a_second_time(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    with open_progress(file, Upload.new(front.url, 2, world.now)):
        done = run(shell, "report", file, "--url", front.url)
    assert done.stderr == f"Error: {file}.progress is in use: this file is being sent already\n"
    assert (done.returncode, amounts(world)) == (1, [])


def test_a_sending_to_another_service_is_finished_first(
    front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1), line(2)])
    front.moods.extend([lets_through, answers("404 Not Found")])
    assert run(shell, "report", file, "--url", front.url, "--chunk", "1").returncode == 1
    done = run(shell, "report", file, "--url", "http://other.example.org")
    assert done.stderr == (
        f"Error: A sending to {front.url} is not finished; finish it, or remove the .progress file\n"
    )
    assert output_of_the_rest(shell, file, front.url) == "1 created, 1 changed, 0 unchanged, 0 refused\n"


def output_of_the_rest(shell: Environment, file: Path, url: str) -> str:
    done = run(shell, "report", file, "--url", url)
    assert (done.returncode, done.stderr) == (0, f"1 lines were sent before.\n{REPLACED.format(1)}\n")
    return done.stdout
