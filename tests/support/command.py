"""The command `usage-ledger` as people run it: a process with arguments, an environment and words."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import pytest
from click.testing import CliRunner

from tests.world import CATALOGUE, USAGES
from web.commands.main import main

COMMAND = Path(sys.executable).with_name("usage-ledger")


PATIENCE_SECONDS = 60


DEMO_RESOURCE = "00000000000040008000000000000701"


Environment = dict[str, str]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Environment:
    """That of a shell in which the ledger's own, empty database is named."""
    return {"LEDGER_DATABASE_URL": database_url, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}


class Done(NamedTuple):
    """What came of a command that was run."""

    returncode: int
    stdout: str
    stderr: str


def run(environment: Environment, *arguments: str | Path) -> Done:
    """Run a command in this process, which saves the second that Python takes to load it anew.

    It has no other variables of the ledger than those in `environment`.
    """
    ours: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LEDGER_")}
    words = list(map(str, arguments))
    result = CliRunner().invoke(main, words, env={**ours, **environment}, prog_name=COMMAND.name)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def output_of(environment: Environment, *arguments: str | Path) -> str:
    """What a command prints, all of it, when all goes well."""
    done = run(environment, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def executed(line: str) -> str:
    """What a printed command prints: run by the shell where there is curl, or else read and sent."""
    if shutil.which("curl"):
        words = ["/bin/sh", "-c", line]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout
    words = shlex.split(line)
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    data = words[words.index("-d") + 1].encode() if "-d" in words else None
    with urlopen(Request(words[-1], data, headers), timeout=30) as response:  # noqa: S310 (it is http)
        head = f"HTTP/1.1 {response.status} {response.reason}\n\n" if "-i" in words else ""
        return head + str(response.read().decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Served:
    """A running `usage-ledger serve`."""

    process: "subprocess.Popen[bytes]"
    url: str
    output: Path

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Token {token}"} if token else {}
        return self.send(Request(f"{self.url}{path}", headers=headers))  # noqa: S310 (it is http)

    def send(self, request: Request) -> tuple[int, Any]:
        try:
            with urlopen(request, timeout=10) as response:  # noqa: S310 (it is http)
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    @property
    def greeting(self) -> str:
        return self.output.read_text()

    @property
    def demo_token(self) -> str:
        found = re.search(r"token, valid for a day: ([0-9a-f]{64})$", self.greeting, re.MULTILINE)
        assert found
        return found[1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends the process that was started, and only that. Returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def served(environment: Environment, *options: str, port: int | None = None) -> Iterator[Served]:
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "stdout")
        with output.open("wb") as stdout, Path(folder, "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [COMMAND, "serve", "--bind", f"127.0.0.1:{port}", *options],
                env=environment,
                stdout=stdout,
                stderr=stderr,
            )
        here = Served(process, f"http://127.0.0.1:{port}", output)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not answers(here):
                assert process.poll() is None, Path(folder, "stderr").read_text()
                assert time.monotonic() < deadline, f"{readiness(here)}\n{Path(folder, 'stderr').read_text()}"
                time.sleep(0.05)
            yield here
        finally:
            if process.poll() is None:
                here.stop()


def answers(here: Served) -> bool:
    # The words first: workers of a server that was killed may still answer at this port.
    return here.greeting != "" and readiness(here)[:1] == (200,)


def readiness(here: Served) -> tuple[Any, ...]:
    """Return what the service says of itself, or why it does not answer."""
    try:
        return here.get("/readyz")
    except (URLError, ConnectionError, TimeoutError) as error:
        return (str(error),)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(CATALOGUE))
    return path


def positions(environment: Environment) -> list[int]:
    with psycopg.connect(environment["LEDGER_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT notification_id FROM journal.ledger_events ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def report(here: Served, token: str, amount: int, **said: str) -> None:
    """Report a figure of the current month, unless a `date` is said."""
    body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": amount}], **said}
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    request = Request(f"{here.url}{USAGES}set_usage/", json.dumps(body).encode(), headers)  # noqa: S310
    assert here.send(request) == (201, None)
