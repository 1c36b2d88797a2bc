"""The service that is tortured: its processes, and what it answers."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import orjson

from tests.torture.clusters import free_port

PROJECT = Path(__file__).parent.parent.parent
WORKERS = 3
USAGES = "/api/marketplace-component-usages/"
RESOURCE = "00000000000040008000000000000701"


class Answer(NamedTuple):
    """Status, body and headers of an answer; 0 if there was none, or not in time."""

    status: int
    body: bytes = b""
    headers: HTTPMessage = HTTPMessage()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Service:
    """`usage-ledger serve`, in a process group of its own. `token` is one of staff."""

    def __init__(self, url: str, log: Path) -> None:
        self.port, self.token = free_port(), ""
        self._environment = {"PATH": os.environ["PATH"], "LEDGER_DATABASE_URL": url, "HOME": "/nonexistent"}
        self._log = log.open("ab")
        self.start()

    def start(self) -> None:
        command = [str(Path(sys.executable).parent / "usage-ledger"), "serve", f"--workers={WORKERS}"]
        self._process = subprocess.Popen(
            [*command, f"--bind=127.0.0.1:{self.port}"],
            cwd=PROJECT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(rb"Staff token.*: (\w+)", line):
                self.token = self.token or found[1].decode()
            if b"Read it back" in line:
                break
        Thread(target=self._process.stdout.read, daemon=True).start()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                _, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == self._process.pid:
                    found.append(int(process.name))
        return found

    @property
    def peak_memory(self) -> int:
        """That of the worker with the largest one, in MiB."""
        statuses = [Path(f"/proc/{worker}/status").read_text() for worker in self.workers]
        return max(int(re.search(r"VmHWM:\s+(\d+)", each)[1]) // 1024 for each in statuses)  # type: ignore[index]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(40)
        finally:
            self._process.kill()

    def ask(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 10, **headers: str
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        known = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, known | headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers)
        except (OSError, HTTPException):
            return Answer(0)
        finally:
            connection.close()

    def report(self, month: str, amount: int, timeout: float = 10) -> Answer:
        usage = {"type": "cpu", "amount": str(amount)}
        body = {"resource": RESOURCE, "date": f"{month}-02T00:00:00Z", "usages": [usage]}
        return self.ask("POST", f"{USAGES}set_usage/", orjson.dumps(body), timeout)

    def usages(self, month: str) -> Answer:
        return self.ask("GET", f"{USAGES}?type=cpu&resource_uuid={RESOURCE}&billing_period={month}-01")
