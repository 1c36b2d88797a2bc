"""Starts and stops the servers that are compared: the ledger's own, and that of the floors."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from tests.benchmarks import floors
from tests.benchmarks.load import Call
from tests.benchmarks.shape import TOKENS

HOST = "127.0.0.1"
PATIENCE_SECONDS = 120
LEDGER = Path(sys.executable).parent / "usage-ledger"


class Answer(Struct, frozen=True):
    """What a server said; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Served(Struct, frozen=True):
    """A running server. `seconds` went by before it answered its first request."""

    port: int
    pid: int
    seconds: float

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def ask(self, call: Call) -> Answer:
        return ask(self.port, call)

    def workers_mib(self) -> list[float]:
        """The resident memory of each process below the first one."""
        return [resident_mib(pid) for pid in descendants(self.pid)]


def ask(port: int, call: Call) -> Answer:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(call.method, call.path, call.body.encode() or None, call.headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def as_(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}", **headers}


@contextmanager
def ledger(database_url: str, log: Path, *options: str, workers: int = floors.WORKERS) -> Iterator[Served]:
    """`usage-ledger serve` on a database."""
    port = free_port()
    command = [
        str(LEDGER),
        "serve",
        "--bind",
        f"{HOST}:{port}",
        "--workers",
        str(workers),
        *(options or ["--no-demo"]),
    ]
    first = Call("/api/marketplace-component-usages/?page_size=1", as_(TOKENS[0]))
    with running(command, port, first, log, LEDGER_DATABASE_URL=database_url) as served:
        yield served


@contextmanager
def floor(database_url: str, log: Path) -> Iterator[Served]:
    """The floors on a database."""
    floors.create(database_url)
    port = free_port()
    command = [sys.executable, "-m", floors.__name__, database_url, str(port)]
    with running(command, port, Call("/empty"), log) as served:
        yield served


@contextmanager
def running(command: Sequence[str], port: int, first: Call, log: Path, **variables: str) -> Iterator[Served]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(process, port, first, log)
            yield Served(port, process.pid, time.monotonic() - began)
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def wait_for(process: "subprocess.Popen[bytes]", port: int, first: Call, log: Path) -> None:
    """Returns once the first request has been answered."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if ask(port, first).status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.01)
    raise RuntimeError(f"a server did not start; {log} says why")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def cpu_seconds(pid: int) -> float:
    """The processor time of a process, with that of its children that have ended."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kib) / 1024
