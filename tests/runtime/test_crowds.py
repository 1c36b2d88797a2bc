"""Clients that are slow, silent, or too many: the others are served all the same."""

import json
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.command import DEMO_RESOURCE, served
from tests.support.processes import answer
from tests.support.waiting import wait_until
from tests.world import USAGES
from web.limits import admission
from web.limits.admission import Place, Places, RequestStream
from web.runtime import server
from web.wire.errors import Overloaded

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a connection did when")

SERVED = """
import os, sys, time
from flask import Flask, request
from web.limits import admission
from web.runtime import server
from web.runtime import silent_clients

admission.QUEUE_SECONDS = float(sys.argv[4])
admission.SLOW_BODY_SECONDS = 1
silent_clients.SHORT_SECONDS = float(sys.argv[5])
silent_clients.REQUEST_SECONDS = float(sys.argv[2])
silent_clients.SILENT_SECONDS = 6
server.CONNECTIONS = int(sys.argv[3])

def wait():
    time.sleep(float(request.args["seconds"]))
    return "waited"

def hold():
    while not os.path.exists(request.args["until"]):
        time.sleep(0.05)
    return "held"

def load(places):
    app = Flask("served")
    app.add_url_rule("/hold", "hold", hold)
    app.add_url_rule("/healthz", "health", lambda: "well")
    app.add_url_rule("/pid", "pid", lambda: str(os.getpid()))
    app.add_url_rule("/wait", "wait", wait)
    app.add_url_rule("/unread", "unread", lambda: "unread", methods=["POST"])
    app.add_url_rule("/length", "length", lambda: str(len(request.get_data())), methods=["POST"])
    app.add_url_rule("/large", "large", lambda: b"x" * 50_000_000)
    return admission.admitting(app, places)

with server.bound("127.0.0.1", int(sys.argv[1])) as holder:
    server.serve(load, holder, 1, lambda: print("ready", flush=True))
"""

Address = tuple[str, int]


@contextmanager
def serving(
    request_seconds: float = 60, connections: int = 2048, patience: float = 1, short: float = 2
) -> Iterator[Address]:
    """One worker, with the limits in time of a patient tester."""
    with closing(server.bound("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVED, *map(str, (port, request_seconds, connections, patience, short))]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait(40)


def sending(address: Address, *head: str, body: bytes = b"") -> socket.socket:
    client = socket.create_connection(address, timeout=20)
    client.sendall("".join(f"{line}\r\n" for line in (*head, "Host: here", "")).encode() + body)
    return client


def hanging(stack: ExitStack, address: Address, count: int, *head: str) -> list[socket.socket]:
    return [stack.enter_context(closing(sending(address, *head))) for _ in range(count)]


def status(client: socket.socket) -> str:
    """What a client is told, or nothing where its connection is ended."""
    try:
        return client.recv(12).decode()[9:]
    except ConnectionResetError:
        return ""


def health(address: Address) -> tuple[str, str]:
    return answer(address, "GET /healthz HTTP/1.1")


BODY = ["POST /length HTTP/1.1", "Content-Length: 10"]


def test_more_clients_than_there_are_places_that_never_send_their_bodies_keep_nobody_waiting() -> None:
    with serving() as address, ExitStack() as stack:
        hanging(stack, address, 3 * admission.PLACES, *BODY)
        assert health(address) == ("200 OK", "well")
        assert answer(address, *BODY, body=b"0123456789") == ("200 OK", "10")


def test_a_body_that_comes_late_is_taken_and_its_request_answered() -> None:
    with serving() as address, closing(sending(address, *BODY, body=b"01234")) as client:
        time.sleep(0.5)
        client.sendall(b"56789")
        assert status(client) == "200"


@linux_only
def test_a_body_that_does_not_come_in_time_is_a_408() -> None:
    with serving(request_seconds=2) as address, closing(sending(address, *BODY)) as client:
        assert status(client) == "408"


@linux_only
def test_a_body_that_comes_byte_by_byte_is_a_408_too() -> None:
    head = ["POST /length HTTP/1.1", "Content-Length: 1000"]
    with serving(request_seconds=2) as address, closing(sending(address, *head)) as client:
        client.settimeout(0.3)
        for _ in range(60):
            client.sendall(b"x")
            try:
                assert status(client) == "408"
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("it was read for ever")


@linux_only
def test_where_many_bodies_are_waited_for_the_next_is_told_to_come_again_and_soon_can() -> None:
    # Long enough for a slow machine to find all of them waiting. Those that began a little later than the
    # first have until the longer limit: there are no longer too many of them.
    with serving(request_seconds=15, short=12) as address, ExitStack() as stack:
        waiting = hanging(stack, address, admission.READERS, *BODY)
        wait_until(lambda: answer(address, *BODY, body=b"0123456789")[0] == "503 Service Unavailable")
        assert health(address) == ("200 OK", "well")
        assert Counter(map(status, waiting)) == {"408": admission.READERS}
        assert answer(address, *BODY, body=b"0123456789") == ("200 OK", "10")


def test_who_waits_too_long_for_a_place_is_told_when_to_come_again_and_health_needs_none() -> None:
    with serving() as address, ExitStack() as stack:
        hanging(stack, address, admission.PLACES, "GET /wait?seconds=3 HTTP/1.1")
        time.sleep(0.5)
        with closing(sending(address, "GET /pid HTTP/1.1")) as client:
            assert health(address) == ("200 OK", "well")
            told = client.recv(65_536).decode()
        assert told.startswith("HTTP/1.1 503 Service Unavailable\r\n")
        assert "\r\nretry-after: 1\r\n" in told
        assert told.partition("\r\n\r\n")[2] == json.dumps(
            {"detail": Overloaded.description}, separators=(",", ":")
        )
        wait_until(lambda: answer(address, "GET /pid HTTP/1.1")[0] == "200 OK")


def test_of_those_who_wait_for_a_place_there_are_so_many_and_no_more(tmp_path: Path) -> None:
    end = tmp_path / "end"
    with serving(patience=600) as address, ExitStack() as stack:
        number = admission.PLACES + admission.QUEUE + 20
        clients = hanging(stack, address, number, f"GET /hold?until={end} HTTP/1.1")
        wait_until(lambda: len(select.select(clients, [], [], 0)[0]) == 20)
        told = select.select(clients, [], [], 0)[0]
        assert health(address) == ("200 OK", "well")
        assert {status(client) for client in told} == {"503"}
        end.touch()
        assert Counter(status(client) for client in clients if client not in told) == {
            "200": admission.PLACES + admission.QUEUE
        }


@linux_only
def test_clients_that_say_nothing_make_room_where_they_are_too_many() -> None:
    with serving(connections=200) as address, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address)) for _ in range(250)]
        assert health(address) == ("200 OK", "well")
        assert {status(client) for client in silent[:200]} == {""}


@linux_only
def test_clients_that_begin_to_say_something_make_room_where_one_address_has_too_many() -> None:
    with serving(connections=200) as address, ExitStack() as stack:
        begun = [stack.enter_context(socket.create_connection(address)) for _ in range(250)]
        for client in begun:
            client.sendall(b"GET / HTTP/1.1\r\nHos")
        assert health(address) == ("200 OK", "well")
        assert {status(client) for client in begun[:200]} <= {"", "400", "408"}


@linux_only
def test_a_few_idle_connections_stay() -> None:
    with serving(connections=200) as address, ExitStack() as stack:
        idle = hanging(stack, address, 20, "GET /pid HTTP/1.1")
        assert {client.recv(65_536)[9:12] for client in idle} == {b"200"}
        time.sleep(4)
        for client in idle:
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: here\r\n\r\n")
        assert {client.recv(65_536)[9:12] for client in idle} == {b"200"}


@linux_only
def test_an_answer_that_is_not_taken_ends() -> None:
    with serving() as address, closing(sending(address, "GET /large HTTP/1.1")) as client:
        client.settimeout(30)
        time.sleep(10)
        received = 0
        try:
            while data := client.recv(1 << 20):
                received += len(data)
        except ConnectionResetError:
            pass
        assert received < 50_000_000


@pytest.mark.parametrize("head", [["Content-Length: 10"], ["Transfer-Encoding: chunked"]])
def test_an_answer_before_the_body_was_read_says_that_the_connection_ends(head: list[str]) -> None:
    body = b"0123456789" if head == ["Content-Length: 10"] else b"1\r\n!\r\n0\r\n\r\n"
    with serving() as address:
        with closing(sending(address, "POST /unread HTTP/1.1", *head, body=body)) as client:
            assert b"\r\nconnection: close\r\n" in client.recv(65_536)
            assert client.recv(1) == b""
        with closing(sending(address, "POST /length HTTP/1.1", *head, body=body)) as client:
            for _ in range(2):
                told = client.recv(65_536)
                assert told.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"\r\nconnection:" not in told
                client.sendall(b"GET /pid HTTP/1.1\r\nHost: here\r\n\r\n")


@linux_only
def test_with_few_files_allowed_a_worker_takes_fewer_connections() -> None:
    limited = ["/bin/sh", "-c", 'ulimit -n 400; exec "$@"', "sh", sys.executable, "-c"]
    program = "from web.runtime import server; print(server.room_for_connections())"
    told = subprocess.run([*limited, program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(told.stdout) == 400 - server.OTHER_FILES


def test_a_place_is_given_back_once_whatever_happens_while_it_is_left() -> None:
    places = Places(count=1, queue=0)
    first, second = Place(places), Place(places)
    first.take()
    with pytest.raises(Overloaded):
        second.take()
    with pytest.raises(Overloaded), first.left():
        second.take()
    first.leave()
    second.leave()
    second.take()
    with pytest.raises(Overloaded):
        first.take()


def test_no_more_bodies_are_waited_for_than_there_are_readers() -> None:
    place = Place(Places(readers=0))
    with pytest.raises(Overloaded):
        RequestStream(None, 1, place).read()


def test_many_who_wait_for_a_position_keep_nobody_waiting(database_url: str, tmp_path: Path) -> None:
    environment = {"LEDGER_DATABASE_URL": database_url, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with served(environment, "--workers", "1") as here, ExitStack() as stack:
        address = ("127.0.0.1", int(here.url.rpartition(":")[2]))
        head = [f"GET {USAGES}?min_position=100000000 HTTP/1.1", f"Authorization: Token {here.demo_token}"]
        waiting = hanging(stack, address, 64, *head)
        assert here.get("/healthz") == (200, {"status": "ok"})
        assert here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}", here.demo_token) == (200, [])
        assert {status(client) for client in waiting} == {"503"}


def test_who_guesses_tokens_is_told_to_wait_and_loses_the_connection(
    database_url: str, tmp_path: Path
) -> None:
    environment = {"LEDGER_DATABASE_URL": database_url, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with served(environment, "--workers", "1") as here:
        address = ("127.0.0.1", int(here.url.rpartition(":")[2]))
        head = [f"GET {USAGES} HTTP/1.1", "Authorization: Token wrong"]
        told = b"HTTP/1.1 401"
        while told.startswith(b"HTTP/1.1 401"):
            with closing(sending(address, *head)) as client:
                told = client.recv(65_536)
        assert told.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"\r\nconnection: close\r\n" in told
        assert here.get(f"{USAGES}?resource_uuid={DEMO_RESOURCE}", here.demo_token) == (200, [])
