"""The log of a real service: a line a request, the same form for all else, and no secret in it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from psycopg.conninfo import make_conninfo

from tests.operate.scraping import fetched
from tests.operate.test_metrics import workers_of
from tests.support.command import DEMO_RESOURCE, Environment, Served, report, run, served
from tests.support.waiting import wait_until
from tests.support.wire import Wire
from tests.world import USAGES
from web.telemetry import logs
from web.telemetry.requests import Answered

KEYS = [
    *("time", "level", "message", "request_id", "user", "method", "path", "route", "status", "seconds"),
    "position",
]

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def log_of(here: Served) -> str:
    return here.output.with_name("stderr").read_text()


def lines_of(here: Served) -> list[dict[str, Any]]:
    """All lines of the log: each of them is JSON."""
    return [json.loads(line) for line in log_of(here).splitlines()]


def line_with(here: Served, request_id: str) -> dict[str, Any]:
    """The line of a request, once it is written."""

    def found() -> list[dict[str, Any]]:
        return [line for line in lines_of(here) if line.get("request_id") == request_id]

    wait_until(lambda: len(found()) > 0)
    (line,) = found()
    return line


def test_a_request_is_a_line_that_tells_what_an_operator_asks_for(environment: Environment) -> None:
    with served(environment) as here:
        began = datetime.now(UTC)
        status, headers, _ = fetched(
            here,
            f"{USAGES}?type=cpu",
            Authorization=f"Token {here.demo_token}",
            X_Request_ID="req-1",
            traceparent=TRACEPARENT,
        )
        line = line_with(here, "req-1")
        assert (status, headers["X-Request-ID"]) == (200, "req-1")
        assert list(line) == [*KEYS, "trace_id"]
        at = datetime.fromisoformat(line.pop("time"))
        assert began - timedelta(seconds=1) < at < datetime.now(UTC)
        assert 0 < line.pop("seconds") < 10
        assert re.fullmatch("[0-9a-f]{32}", line.pop("user"))
        assert line == {
            "level": "INFO",
            "message": f"GET {USAGES} 200",
            "request_id": "req-1",
            "method": "GET",
            "path": USAGES,
            "route": USAGES,
            "status": 200,
            "position": int(headers["Ledger-Position"]),
            "trace_id": TRACE,
        }


def test_what_is_answered_before_or_outside_of_views_is_told_too(environment: Environment) -> None:
    with served(environment) as here:
        token = f"Token {here.demo_token}"
        etag = fetched(here, USAGES, Authorization=token)[1]["ETag"]
        assert fetched(here, USAGES, Authorization=token, If_None_Match=etag, X_Request_ID="a")[0] == 304
        assert fetched(here, "/nowhere/", X_Request_ID="b")[0] == 404
        assert fetched(here, USAGES, Authorization="Token wrong", X_Request_ID="c")[0] == 401
        assert fetched(here, f"{USAGES}{7:032x}/", Authorization=token, X_Request_ID="d")[0] == 404
        told = [line_with(here, each) for each in "abcd"]
    assert [(line["route"], line["status"], line["user"] is None) for line in told] == [
        (USAGES, 304, False),
        ("unknown", 404, True),
        (USAGES, 401, True),
        (f"{USAGES}<object_id:uuid>/", 404, False),
    ]


def test_ids_of_requests_are_bounded_printable_and_made_where_they_are_missing(
    environment: Environment,
) -> None:
    with served(environment) as here:
        made = [fetched(here, "/healthz")[1]["X-Request-ID"] for _ in range(2)]
        assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)
        assert made[0] != made[1]
        assert fetched(here, "/healthz", X_Request_ID="x" * 500)[1]["X-Request-ID"] == "x" * 200
        assert fetched(here, "/healthz", X_Request_ID="a\tb")[1]["X-Request-ID"] == "a?b"
        secret = fetched(here, "/healthz", Authorization="Token abcdef", X_Request_ID="of-ABCDEF")
        assert re.fullmatch("[0-9a-f]{32}", secret[1]["X-Request-ID"])
        assert {line_with(here, each)["path"] for each in made} == {"/healthz"}


def test_nothing_private_and_no_name_gets_into_the_log(environment: Environment) -> None:
    secrets = {"token": "wrong-secret-token", "query": "secret-of-query", "cookie": "secret-cookie"}
    with served(environment) as here:
        token = here.demo_token
        fetched(here, f"{USAGES}?username={secrets['query']}", Authorization=f"Token {token}")
        fetched(here, USAGES, Authorization=f"Token {secrets['token']}", Cookie=f"a={secrets['cookie']}")
        body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": "secret-body"}]}
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        url = f"{here.url}{USAGES}set_usage/"
        assert here.send(Request(url, json.dumps(body).encode(), headers))[0] == 400  # noqa: S310
        fetched(here, "/healthz", X_Request_ID="last")
        line_with(here, "last")
        wait_until(lambda: '"status":400' in log_of(here))
        log = log_of(here)
    assert token not in log
    assert "secret" not in log
    assert "demo-staff" not in log


def test_all_else_is_in_the_same_form(environment: Environment) -> None:
    with served(environment) as here:
        os.kill(workers_of(here)[0], signal.SIGKILL)
        wait_until(lambda: "another one starts" in log_of(here))
        with psycopg.connect(environment["LEDGER_DATABASE_URL"], autocommit=True) as connection:
            connection.execute("ALTER VIEW read_models.listed_usage RENAME COLUMN usage TO gone")
        assert fetched(here, USAGES, Authorization=f"Token {here.demo_token}", X_Request_ID="e")[0] == 500
        assert line_with(here, "e")["level"] == "ERROR"
        lines = lines_of(here)
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    (died,) = [line for line in lines if "another one starts" in line["message"]]
    assert (died["level"], died["logger"]) == ("WARNING", "web.runtime.workers")
    (failed,) = [line for line in lines if "traceback" in line]
    assert failed["level"] == "ERROR"
    assert failed["traceback"].startswith("Traceback (most recent call last):\n")


def test_people_read_text(environment: Environment) -> None:
    with served(environment | {"LEDGER_LOG": "text"}) as here:
        path = "/nowhere/%0A2026-01-01T00:00:00.000Z%20ERROR%20forged/"
        fetched(here, path, X_Request_ID="r 1")
        wait_until(lambda: "request_id=r 1" in log_of(here))
        lines = log_of(here).splitlines()
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING) ", line) for line in lines)
    (line,) = [each for each in lines if "r 1" in each]
    assert r"GET /nowhere/\u000a2026-01-01T00:00:00.000Z ERROR forged/ 404 " in line


def test_other_forms_are_refused(environment: Environment) -> None:
    done = run(environment | {"LEDGER_LOG": "xml"}, "serve")
    assert (done.returncode, done.stderr) == (1, "Error: LEDGER_LOG: 'xml' is neither json nor text\n")


def test_the_last_lines_are_written_before_a_worker_ends(environment: Environment) -> None:
    with served(environment, "--workers", "1") as here:
        for number in range(20):
            fetched(here, "/healthz", X_Request_ID=f"last-{number}")
        assert here.stop() == 0
        told = [line["request_id"] for line in lines_of(here) if line.get("path") == "/healthz"]
    assert told[-20:] == [f"last-{number}" for number in range(20)]


def test_a_log_that_nobody_reads_keeps_no_request_waiting() -> None:
    reader, writer = os.pipe()
    log = logs.RequestLog("json", writer)
    many = logs.MOST_LINES + 2_000
    thread = Thread(target=log.flush)
    request = Answered("GET", "/healthz", "200", 0.001, "/healthz", "1")
    for number in range(many):
        log.answered(request, {})
        if number == 5_000:
            thread.start()  # it stands still once the pipe is full
    read = bytearray()
    while b"dropped" not in read:
        read += os.read(reader, 65_536)
    thread.join()
    told = [json.loads(line) for line in read.splitlines()]
    dropped = int(told[-1]["message"].split()[0])
    assert 0 < dropped < 7_000
    assert len(told) - 1 + dropped == many
    os.close(writer)
    os.close(reader)


def test_a_log_that_is_gone_harms_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = logs.RequestLog("json", writer)
    log.answered(Answered("GET", "/healthz", "200", 0.001), {})
    log.flush()
    os.close(writer)


def test_lines_are_written_whole() -> None:
    lines = [b"%d%s\n" % (number, b"x" * (number % 700)) for number in range(1, 3_000)]
    pieces = list(logs.pieces(iter(lines)))
    assert b"".join(pieces) == b"".join(lines)
    assert all(len(piece) <= logs.PIECE_BYTES and piece.endswith(b"\n") for piece in pieces)


UNCAUGHT = """
import sys, threading, warnings
from web.telemetry import logs
with logs.configured(sys.argv[1]):
    warnings.warn("mind")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start(), thread.join()
warnings.warn("as before")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_thread_did_not_catch_is_in_the_log(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", UNCAUGHT, form], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert not done.stderr.splitlines()[-1].startswith(("2", "{"))
    if form == "json":
        told = [json.loads(line) for line in done.stderr.splitlines()[:2]]
        assert [line["level"] for line in told] == ["WARNING", "CRITICAL"]
        assert told[1]["traceback"].endswith("ZeroDivisionError: division by zero\n")
    else:
        assert len(re.findall("^20", done.stderr, re.MULTILINE)) == 2
    assert "as before" in done.stderr


def test_a_worker_that_can_not_start_tells_why_in_a_line(environment: Environment, wire: Wire) -> None:
    far = make_conninfo(environment["LEDGER_DATABASE_URL"], host="127.0.0.1", port=wire.port)
    with served(environment | {"LEDGER_DATABASE_URL": far}, "--workers", "1") as here:
        wire.cut()
        os.kill(workers_of(here)[0], signal.SIGKILL)
        wait_until(lambda: "can't start" in log_of(here) or "can't be reached" in log_of(here))
        assert all({"time", "level", "message"} <= line.keys() for line in lines_of(here))
        wire.mend()


class Collector(ThreadingHTTPServer):
    """What takes spans by OTLP, as real collectors do."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        super().__init__(("127.0.0.1", 0), Taking)


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for of_resource in sent.resource_spans:
            for of_scope in of_resource.scope_spans:
                self.server.spans.extend(of_scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_request_is_a_span_of_the_trace_that_it_came_with(
    environment: Environment, collector: Collector
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    with served(environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, "--workers", "1") as here:
        report(here, here.demo_token, 5)
        fetched(here, USAGES, Authorization=f"Token {here.demo_token}", traceparent=TRACEPARENT)
        assert here.stop() == 0  # what was not sent yet is sent then
    spans = {span.name: span for span in collector.spans}
    assert {f"POST {USAGES}set_usage/", f"GET {USAGES}"} <= spans.keys()
    span = spans[f"GET {USAGES}"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == tuple(TRACEPARENT.split("-")[1:3])
    assert span.kind == Span.SPAN_KIND_SERVER
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 20e9
    attributes = {each.key: each.value for each in span.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["http.route"].string_value == USAGES


def test_traces_are_off_by_default_and_where_they_are_not_wanted(
    environment: Environment, collector: Collector
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    off = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "LEDGER_OTEL": "no"}
    with served(environment | off, "--workers", "1") as here:
        assert not mentions_opentelemetry(here)
    assert collector.spans == []


def mentions_opentelemetry(here: Served) -> bool:
    """Whether a worker has the library in its memory: one that sends no traces does not load it."""
    (worker,) = workers_of(here)
    return "google/_upb" in Path(f"/proc/{worker}/maps").read_text()


def test_traces_that_can_not_be_sent_are_told_at_start(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry/__init__.py").write_text("")  # what is there without the extra: nothing of use
    words = [sys.executable, "-c", "from web.commands.main import main; main()", "serve"]
    variables = environment | {"LEDGER_OTEL": "yes", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "LEDGER_OTEL: traces need `pip install 'usage-ledger[otel]'`" in done.stderr
