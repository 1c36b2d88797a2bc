"""The service that is tortured: its processes, its commands, and what it answers."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import orjson

from tests.torture.clusters import free_port

PROJECT = Path(__file__).parent.parent.parent
COMMAND = str(Path(sys.executable).parent / "usage-ledger")
WORKERS = 2
START_SECONDS = 60
COMMAND_SECONDS = 120
USAGES = "/api/marketplace-component-usages/"
CLOCK = Path(__file__).with_name("clock")


class Answer(NamedTuple):
    """Status, body and headers of an answer; 0 if there was none, or not in time."""

    status: int
    body: bytes = b""
    headers: HTTPMessage = HTTPMessage()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Service:
    """`usage-ledger serve`, each time in a process group of its own. `token` is one of staff.

    `port` is where it listens; `front` is where its clients connect, which may be a wire to that port.
    """

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.folder, self.port, self.token = folder, free_port(), ""
        self.front = self.port
        self.keys: list[str] = []
        """The lines of the keys that it ever signed with."""
        self._log = (folder / "service.log").open("ab")
        self._clock = folder / "clock"
        self.step_clock(0)
        self._groups: list[int] = []
        self.start_new(url, name)

    def move_to(self, url: str, name: str) -> None:
        """Have what starts next use a database, under a name that it never had, with a new key."""
        key = self.folder / f"key-{name}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LEDGER_DATABASE_URL": url,
            "LEDGER_DATA_DIR": str(self.folder / "files"),
            "LEDGER_SIGNING_KEY": str(key),
            "LEDGER_ORIGIN": f"torture.example/{name}",
            "LEDGER_PLACES": "4",
            "LEDGER_FOUR_EYES": "no",
            "LEDGER_LOG": "text",
        }
        self._has_key = False

    def go_to(self, url: str) -> None:
        """Have what starts next use another database, under its name and with its key."""
        self.environment["LEDGER_DATABASE_URL"] = url

    def start_new(self, url: str, name: str) -> None:
        """Go to an empty database, and get a token for it."""
        self.token = ""
        self.move_to(url, name)
        self.start()

    def start(self) -> None:
        """Start it, again and again as systemd does, until it serves. Raises TimeoutError."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self._has_key and self.run("key", "create").returncode == 0:
                self.keys.append(self.run("key", "show").stdout.strip())
                self._has_key = True
            if self._has_key and self._started():
                return
            time.sleep(0.5)
        raise TimeoutError("the service did not start")

    def _started(self) -> bool:
        clock = {"PYTHONPATH": str(CLOCK), "TORTURE_CLOCK": str(self._clock)}
        words = [f"--workers={WORKERS}", f"--bind=127.0.0.1:{self.port}"]
        if self.token:  # each demo's token is another fact
            words.append("--no-demo")
        self._process = subprocess.Popen(
            [COMMAND, "serve", *words],
            cwd=PROJECT,
            env=self.environment | clock,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self._groups.append(self._process.pid)
        greeted = Event()
        Thread(target=self._read, args=(self._process, greeted), daemon=True).start()
        end = time.monotonic() + START_SECONDS
        while not greeted.wait(0.05) and self.is_running:
            if time.monotonic() > end:
                raise TimeoutError("the service did not say that it serves")
        return greeted.is_set()

    def _read(self, process: "subprocess.Popen[bytes]", greeted: Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(rb"Staff token.*: (\w+)", line):
                self.token = found[1].decode()
            if self.token:
                greeted.set()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return children_of(self._process.pid)

    @property
    def peak_memory(self) -> int:
        """That of the worker with the largest one, in MiB."""
        peaks = [0]
        for worker in self.workers:
            with suppress(OSError, TypeError):
                status = Path(f"/proc/{worker}/status").read_text()
                peaks.append(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024)  # type: ignore[index]
        return max(peaks)

    def step_clock(self, seconds: int) -> None:
        """Have the service's clock be so many seconds ahead of this machine's."""
        unfinished = self._clock.with_suffix(".unfinished")
        unfinished.write_text(f"{seconds:+d}")
        unfinished.replace(self._clock)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as one should."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(40)
        finally:
            self.end()

    def end(self) -> None:
        """Kill all that was ever started, workers of processes that were killed among them."""
        for worker in self.workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._process.wait()
        self._groups.clear()

    def run(self, *words: str, url: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run one of its commands, by default on its own database, by its way there."""
        return subprocess.run(
            [COMMAND, *words],
            env=self.environment | ({"LEDGER_DATABASE_URL": url} if url else {}),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 10, **headers: str
    ) -> Answer:
        """Ask, with `_` for `-` in the names of headers."""
        connection = HTTPConnection("127.0.0.1", self.front, timeout=timeout)
        known = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, known | named)
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers)
        except (OSError, HTTPException):
            return Answer(0)
        finally:
            connection.close()


def children_of(parent: int) -> list[int]:
    """Return the processes that a process started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            _, its_parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent:
                found.append(int(process.name))
    return found
