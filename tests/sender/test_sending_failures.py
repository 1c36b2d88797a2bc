"""`usage-ledger report`: a service that refuses, fails or stays away."""

import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from tests.sender.sending import NO_TOKEN, REPLACED, amounts, line, written
from tests.support.command import Environment, free_port, output_of, run, served
from tests.support.programs import certificate
from tests.support.reporting import Application, Front, Mood, answers, lets_through
from tests.world import World
from web.sender.client import PAUSES, ApiClient, GaveUp, UploadFailed, seconds_of
from web.sender.files import ReportFile
from web.sender.progress import Upload, open_progress
from web.sender.upload import send


def loses_the_answer(app: Application, environ: Any, start_response: Any) -> Iterable[bytes]:
    b"".join(app(environ, lambda *_: None))
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError


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
    with open_progress(None, Upload.new(front.url, 2, world.now)) as progress:
        send(ReportFile(BytesIO(text), "ndjson", progress.upload.begun), service, progress, lambda _: None)
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
    with pytest.raises(UploadFailed) as told:
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
    with tempfile.TemporaryDirectory() as folder:
        made, key = certificate(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made, key)
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
