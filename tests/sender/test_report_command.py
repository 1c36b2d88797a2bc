"""`usage-ledger report`: files of reports, sent to a running service by a process that may be killed."""

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import termios
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from ledger.events import UsageReported, UserUsageReported
from tests.paths import README
from tests.support.command import COMMAND, PATIENCE_SECONDS, Environment, free_port, output_of, run, served
from tests.support.reporting import Application, Front, Mood, answers, lets_through
from tests.world import CATALOGUE, NOW, RESOURCE, SECOND_RESOURCE, USAGES, World
from web.sender.client import PAUSES, ApiClient, GaveUp, SendingFailed, seconds_of
from web.sender.files import ReportFile
from web.sender.progress import Sending, progress_of
from web.sender.sender import reports_left, send


def loses_the_answer(app: Application, environ: Any, start_response: Any) -> Iterable[bytes]:
    b"".join(app(environ, lambda *_: None))
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError


REPLACED = "Replaced by a later line for the same figure: at least {}; --sum adds them up."


def line(amount: int, **values: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "type": "cpu", "amount": amount} | values


def written(path: Path, items: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def amounts(world: World) -> list[int]:
    return [int(fact.amount) for fact in world.facts(UsageReported)]


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


# --- what goes wrong on the way -----------------------------------------------------------------------------


def test_what_may_pass_is_tried_again_after_a_pause_and_stored_once(world: World, front: Front) -> None:
    front.moods.extend(
        [
            lets_through,
            answers("503 Service Unavailable", "away", Retry_After="7"),
            loses_the_answer,
            answers("429 Too Many Requests"),
            lets_through,
            loses_the_answer,
        ]
    )
    pauses: list[float] = []
    reasons: list[str] = []
    send_all(world, front, pauses.append, lambda reason, _: reasons.append(reason))
    assert amounts(world) == [1, 2, 1, 2, 1, 2]
    assert pauses == [7, 1, 2, 0.5]
    assert [reasons[0], reasons[2]] == ["503 away", "429"]
    assert len(set(front.keys)) == 3


def send_all(
    world: World, front: Front, pause: Callable[[float], None], waiting: Callable[[str, float], None]
) -> None:
    """Six reports, in three chunks. Each would be another fact if it were stored again."""
    text = b"".join(json.dumps(line(amount)).encode() + b"\n" for amount in [1, 2, 1, 2, 1, 2])
    token = world.as_("staff").authorization.split()[1]
    service = ApiClient(front.url, token, pause=pause, on_waiting=waiting)
    with progress_of(None, Sending.new(front.url, 2, world.now)) as progress:
        send(ReportFile(BytesIO(text), "ndjson", progress.sending.begun), service, progress, lambda _: None)
        assert progress.results == {"created": 1, "changed": 5}
    service.close()


def test_a_service_that_stays_away_is_given_up_after_some_attempts(world: World, front: Front) -> None:
    front.moods.extend([answers("502 Bad Gateway")] * (len(PAUSES) + 1))
    pauses: list[float] = []
    with pytest.raises(GaveUp) as told:
        send_all(world, front, pauses.append, lambda *_: None)
    assert pauses == list(PAUSES)
    assert str(told.value) == (
        f"{front.url} does not answer as it should: 502. Run it again; what is sent stays sent."
    )


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        (
            answers("404 Not Found", "<html>"),
            "is no usage ledger: it answers 404 to POST /api/ledger/reports/",
        ),
        (answers("405 No"), "is no usage ledger: it answers 405 to POST /api/ledger/reports/"),
        (answers("200 OK", "<html>"), "is no usage ledger: it answers 200 to POST /api/ledger/reports/"),
        (answers("201 Created", '{"results": [{}, {}]}'), "is no usage ledger: it answers 201 to POST "),
        (answers("200 OK", '{"results": [{"result": []}]}'), "is no usage ledger: it answers 200 to POST "),
        (answers("201 Created", '{"results": []}'), "answers 0 results to 2 reports"),
        (answers("308 Moved", Location="https://b/"), "answers 308 and leads to https://b/; name that"),
        (answers("422 No", '{"detail": "Another\\nkey."}'), "answers 422: Another key."),
    ],
)
def test_an_answer_that_no_ledger_gives_ends_it_at_once(
    world: World, front: Front, mood: Mood, message: str
) -> None:
    front.moods.append(mood)
    with pytest.raises(SendingFailed) as told:
        send_all(world, front, lambda _: pytest.fail("it was tried again"), lambda *_: None)
    assert str(told.value).startswith(f"{front.url} {message}")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (None, 0),
        ("12", 12),
        ("100000", 300),
        ("9" * 5_000, 0),
        ("soon", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ],
)
def test_a_service_says_in_seconds_or_by_a_date_when_to_come_again(told: str | None, seconds: float) -> None:
    assert seconds_of(told) == seconds
    assert seconds_of("Fri, 01 Jan 2199 00:00:00 GMT") == timedelta(minutes=5).total_seconds()


def test_a_token_that_is_not_accepted_is_told_in_one_line(
    front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    for token, message in [
        ("0" * 40, f"{front.url} does not accept LEDGER_TOKEN: Invalid token."),
        ("two words", "LEDGER_TOKEN: has characters that no API token has"),
        ("", NO_TOKEN),
    ]:
        done = run(shell | {"LEDGER_TOKEN": token}, "report", file, "--url", front.url)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {message}\n")


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on, and tells which."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        names = ("Authorization", "Content-Type", "Idempotency-Key")
        connection = HTTPConnection(parts.netloc)
        headers = {name: self.headers[name] for name in names}
        connection.request("POST", f"{parts.path}?{parts.query}", body, headers)
        with closing(connection), connection.getresponse() as response:
            answer = response.read()
            self.send_response(response.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Tests say what went wrong."""


@pytest.fixture
def proxy() -> Iterator[str]:
    """URL of a forward proxy."""
    Proxy.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_goes_through_the_proxy_of_the_environment_unless_that_says_no(
    front: Front, shell: Environment, proxy: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    command: list[str | Path] = ["report", file, "--url", front.url]
    assert output_of(shell | {"HTTP_PROXY": proxy}, *command).startswith("1 created")
    assert Proxy.asked == [f"{front.url}/api/ledger/reports/?atomic=false&dry_run=false"]
    for without in ("127.0.0.1", "*"):
        assert run(shell | {"HTTP_PROXY": proxy, "NO_PROXY": without}, *command).returncode == 0
    assert run(shell | {"HTTPS_PROXY": proxy}, *command).returncode == 0  # for another scheme
    assert (len(Proxy.asked), len(front.keys)) == (1, 4)


AWAY = "can't be reached: [Errno 111] Connection refused; check --url, and that the service runs."


@pytest.mark.parametrize("kind", ["refused", "unknown", "untrusted", "no TLS", "proxied", "odd proxy"])
def test_a_service_that_was_never_reached_is_not_waited_for(
    front: Front, shell: Environment, tmp_path: Path, kind: str
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    nobody = f"127.0.0.1:{free_port()}"
    with untrusted() as untrusted_url:
        url, more, message = {
            "refused": (f"http://{nobody}", {}, AWAY),
            "unknown": ("http://ledger.invalid", {}, "can't be reached: its name is not known ("),
            "untrusted": (
                untrusted_url,
                {},
                ": self-signed certificate; check --url, and which certificates",
            ),
            "no TLS": (front.url.replace("http", "https"), {}, "can't be reached: [SSL"),
            "proxied": (
                front.url,
                {"HTTP_PROXY": f"http://{nobody}"},
                f"{AWAY} It was asked for through the",
            ),
            "odd proxy": (
                front.url,
                {"ALL_PROXY": "socks5://x"},
                "The proxy that the environment names can't",
            ),
        }[kind]
        done = run(shell | more, "report", file, "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1  # it did not wait for another attempt
    assert (front.keys, list(tmp_path.iterdir())) == ([], [file])


@contextmanager
def untrusted() -> Iterator[str]:
    """URL of a service with a certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl, which is not installed")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        options = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        made: list[str | Path] = [openssl, *options, "-keyout", key, "-out", certificate]
        subprocess.run(made, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), QuietRefuser) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietRefuser(BaseHTTPRequestHandler):
    """Is never asked anything."""


def test_a_body_that_is_too_large_for_the_service_goes_in_halves(
    world: World, world_url: str, shell: Environment, tmp_path: Path
) -> None:
    items = [line(amount, description="x" * 2000) for amount in range(1, 201)]
    items.insert(20, line(0, description="x" * 30_000))
    file = written(tmp_path / "usage.ndjson", items)
    tight = {"LEDGER_DATABASE_URL": world_url, "LEDGER_MAX_BODY_BYTES": "20000"} | shell
    with served(tight, "--no-demo", "--workers", "1") as here:
        done = run(shell, "report", file, "--url", here.url)
    assert (done.stdout, done.stderr) == (
        "1 created, 199 changed, 0 unchanged, 1 refused\n",
        'Line 21 is refused: {"detail":"The service takes no body of this size."}\n'
        f"{REPLACED.format(199)}\n",
    )
    assert amounts(world) == list(range(1, 201))


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
    with pytest.raises(SendingFailed):
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
        with pytest.raises(SendingFailed):
            send_lines(world, front, [line(amount)], file)
        world.now += timedelta(days=30)
    # The first try with this amount was on 15 December, and may be on its way.
    assert send_lines(world, front, [line(2)], file) == {"created": 1}
    assert [fact.written_date for fact in world.facts(UsageReported)] == ["2026-12-15T12:00:00+00:00"]


def send_lines(world: World, front: Front, items: list[Any], file: Path | None = None) -> dict[str, int]:
    """Sends by the world's clock, one at a time. Says what became of them."""
    text = "".join(json.dumps(item) + "\n" for item in items).encode()
    service = ApiClient(front.url, world.as_("staff").authorization.split()[1])
    new = Sending.new(front.url, 1, world.now)
    with progress_of(file, new) as progress, closing(service):
        send(
            reports_left(BytesIO(text), "ndjson", progress, lambda _: None), service, progress, lambda _: None
        )
        return dict(progress.results)


def test_a_file_that_is_being_sent_is_not_sent_a_second_time(
    world: World, front: Front, shell: Environment, tmp_path: Path
) -> None:
    file = written(tmp_path / "usage.ndjson", [line(1)])
    with progress_of(file, Sending.new(front.url, 2, world.now)):
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


# --- the command --------------------------------------------------------------------------------------------


def example() -> tuple[str, str, list[str]]:
    """Of the README's section on files: the file's name, its text, and the command that sends it."""
    readme = README.read_text()
    section = readme.split("### From files\n")[1].split("\n#")[0]
    name = re.findall(r"`([^`]+\.csv)`", section)[0]
    table, command = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    environment, *words = shlex.split(command.strip())
    assert environment == "LEDGER_TOKEN=…"
    return name, textwrap.dedent(table), words


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
        _, rows = here.get(USAGES, here.demo_token)
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


NO_TOKEN = "LEDGER_TOKEN: is not set, and names the API token to report with"


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
