"""The production server, with an application that says what reaches it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from tests.paths import ROOT
from tests.support.processes import Process, answer, worker_of
from tests.support.waiting import wait_until
from web.runtime import server

EVERYWHERE = "0.0.0.0"  # noqa: S104 - bound, and never listened on

SERVED = """
import os, sys
from flask import Flask, request
from web.limits.admission import admitting
from web.runtime import server

def load(places):
    app = Flask("served")
    app.config["MAX_CONTENT_LENGTH"] = 5 * 1024 * 1024
    app.add_url_rule("/pid", "pid", lambda: str(os.getpid()))
    app.add_url_rule("/url", "url", lambda: f"{request.url} {request.remote_addr}")
    app.add_url_rule("/length", "length", lambda: str(len(request.get_data())), methods=["POST"])
    return admitting(app, places)

with server.bound(sys.argv[1], int(sys.argv[2])) as holder:
    server.serve(load, holder, int(sys.argv[3]), lambda: print("ready", flush=True))
"""


@contextmanager
def serving(host: str = "127.0.0.1", workers: int = 1) -> Iterator[tuple[Process, tuple[str, int]]]:
    """A running server and its address. Its output ends when its last process has ended."""
    with closing(server.bound(host, 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVED, host, str(port), str(workers)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process, (host, port)
        finally:
            process.terminate()
            process.wait(40)


def test_an_ipv6_address_can_be_served() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving("::1") as (_, address):
        assert answer(address, "GET /url HTTP/1.1") == ("200 OK", "http://here/url ::1")


def test_an_address_may_be_a_name() -> None:
    with serving("localhost") as (_, address):
        assert answer(address, "GET /url HTTP/1.1") == ("200 OK", "http://here/url 127.0.0.1")


def test_what_a_proxy_says_of_the_client_is_not_believed() -> None:
    forwarded = [f"X-Forwarded-{name}: 192.0.2.1" for name in ("For", "Host", "Proto", "Prefix")]
    with serving() as (_, address):
        assert answer(address, "GET /url HTTP/1.1", *forwarded) == ("200 OK", "http://here/url 127.0.0.1")


def test_a_port_that_is_served_can_not_be_taken_by_a_second_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORT_TIMEOUT_SECONDS", 0)
    with serving() as (_, address), pytest.raises(OSError, match="Address already in use"):
        server.bound(*address)


RACING = """
import sys
from tests.paths import ROOT
from web.runtime import server

server.PORT_TIMEOUT_SECONDS = 0
for line in sys.stdin:
    host, port = line.split()
    try:
        holder = server.bound(host, int(port))
        print("has it", flush=True)
    except OSError as error:
        holder = None
        print(error, flush=True)
    sys.stdin.readline()
    if holder:
        holder.close()
    print("let it go", flush=True)
"""


@contextmanager
def racing() -> Iterator[Process]:
    """A process that takes and lets go of an address, line by line."""
    with subprocess.Popen(
        [sys.executable, "-c", RACING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process


def told(processes: list[Process], line: str) -> list[str]:
    """What each says to a line that all get at once."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(line)
    return [process.stdout.readline() for process in processes if process.stdout is not None]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two can not be bound to one address")
@pytest.mark.parametrize("hosts", [["127.0.0.1"], [EVERYWHERE], ["127.0.0.1", EVERYWHERE, "127.0.0.2"]])
def test_of_those_who_start_at_once_on_a_port_one_gets_it(hosts: list[str]) -> None:
    with closing(server.bound("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with ExitStack() as stack:
        processes = [stack.enter_context(racing()) for _ in range(4)]
        for number in range(20):
            host = hosts[number % len(hosts)]
            answers = told(processes, f"{host} {port}\n")
            assert sorted(answers) == [f"{host}:{port}: Address already in use\n"] * 3 + ["has it\n"]
            assert told(processes, "\n") == ["let it go\n"] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two can not be bound to one address")
def test_a_port_is_held_for_one_who_starts_and_then_only_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORT_TIMEOUT_SECONDS", 0)
    with closing(server.bound("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with closing(server.bound("127.0.0.1", port)) as first:
        for host in ("127.0.0.1", EVERYWHERE, "127.0.0.2"):
            with pytest.raises(OSError, match=f"^{host}:{port}: Address already in use$"):
                server.bound(host, port)
        first.started()
        server.bound("127.0.0.2", port).close()
    server.bound("127.0.0.1", port).close()


def test_who_serves_lets_another_address_of_the_port_be_served() -> None:
    with serving() as (_, (_, port)), closing(server.bound("127.0.0.2", port)):
        pass


@pytest.mark.parametrize("workers", [1, 2])
def test_the_workers_of_a_killed_server_end_and_leave_its_port(workers: int) -> None:
    with serving(workers=workers) as (process, address):
        process.kill()
        assert process.stdout is not None
        assert process.stdout.read() == ""  # nobody is left who could write
        server.bound(*address).close()


def test_a_worker_that_dies_is_replaced() -> None:
    with serving() as (_, address):
        first = worker_of(address)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: worker_of(address) not in (None, first))


def test_ctrl_c_reaches_every_process_and_ends_the_server_with_0() -> None:
    with serving(workers=2) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0


def test_a_signal_right_after_the_start_ends_the_server_at_once() -> None:
    with serving(workers=4) as (process, _):
        process.terminate()
        assert process.wait(server.DRAIN_SECONDS / 2) == 0


def test_a_body_arrives_whole_with_and_without_a_length() -> None:
    large = b"x" * (5 * 1024 * 1024)
    with serving() as (_, address):
        post = "POST /length HTTP/1.1"
        assert answer(address, post, f"Content-Length: {len(large)}", body=large) == ("200 OK", "5242880")
        chunks = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
        assert answer(address, post, "Transfer-Encoding: chunked", body=chunks) == ("200 OK", "6")
        assert (
            answer(address, post, f"Content-Length: {len(large) + 1}", body=b"x")[0]
            == "413 Payload Too Large"
        )


def test_a_body_that_was_cut_off_is_not_taken_for_a_whole_one() -> None:
    with serving() as (_, address):
        head = ["POST /length HTTP/1.1", "Content-Length: 10"]
        status, _ = answer(address, *head, body=b"amount=1", leave=True)
        assert status == "400 Bad Request"
