"""A primary with a ledger that is served, and a streaming standby of it that is served read-only."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.clusters import make_open_folder, remove
from tests.support.command import DEMO_RESOURCE, Environment, Served, served
from tests.torture.clusters import Cluster
from tests.world import USAGES

MAX_LAG_SECONDS = 1


class Answer(NamedTuple):
    """The answer of a server to a request."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def position(self) -> int:
        return int(self.headers["Ledger-Position"])


def ask(here: Served, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Send a request, with `_` for `-` in the names of headers, and without following redirects."""
    connection = HTTPConnection(here.url.removeprefix("http://"), timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Pair:
    """A primary and its standby, each with a server, and a token of the demo's staff."""

    def __init__(self, primary: Cluster, standby: Cluster, folder: Path) -> None:
        self.primary, self.standby, self._folder = primary, standby, folder
        self.writer: Served
        self.reader: Served
        self.token = ""
        self._amount = 0

    def environment(self, cluster: Cluster) -> Environment:
        """The environment of a command that works on a cluster, with the files of the one ledger."""
        return {
            "LEDGER_DATABASE_URL": cluster.url(),
            "LEDGER_DATA_DIR": str(self._folder / "files"),
            "LEDGER_MAX_LAG_SECONDS": str(MAX_LAG_SECONDS),
            "LEDGER_POLL_SECONDS": "0.05",
            "LEDGER_METRICS": "open",
            "HOME": "/nonexistent",
            "PATH": "/usr/bin:/bin",
        }

    def get(self, path: str, **headers: str) -> Answer:
        """Ask the standby's server as staff."""
        return ask(self.reader, "GET", path, None, Authorization=f"Token {self.token}", **headers)

    def get_from_primary(self, path: str) -> Answer:
        return ask(self.writer, "GET", path, Authorization=f"Token {self.token}")

    def report(self, here: Served | None = None) -> tuple[int, str]:
        """Report another figure, by default to the primary's server. Returns its position, and the figure."""
        self._amount += 1
        body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": self._amount}]}
        headers = {"Authorization": f"Token {self.token}", "Content_Type": "application/json"}
        answer = ask(here or self.writer, "POST", f"{USAGES}set_usage/", json.dumps(body).encode(), **headers)
        assert answer.status == 201, answer.body
        return answer.position, f"{self._amount}.00"

    def shown(self, position: int) -> str:
        """The figure that the standby's server shows, once it is at a position."""
        path = f"{USAGES}?resource_uuid={DEMO_RESOURCE}&type=cpu&min_position={position}"
        answer = self.get(path)
        assert answer.status == 200, answer.body
        (row,) = answer.json
        return str(row["usage"])


@contextmanager
def pair() -> Iterator[Pair]:
    """Yield a primary with the demo's year and its standby, both served."""
    folder = make_open_folder()
    primary = Cluster.new(folder)
    standby = None
    try:
        standby = primary.replica(folder, "standby")
        here = Pair(primary, standby, folder)
        with served(here.environment(primary), "--workers=1") as here.writer:
            here.token = here.writer.demo_token
            with served(here.environment(standby), "--read-only") as here.reader:
                yield here
    finally:
        for each in filter(None, (standby, primary)):
            each.stop()
        remove(folder)


def readiness(here: Served, status: int, seconds: float = 20) -> Any:
    """Wait until a server says this of its readiness, and return what it says."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask(here, "GET", "/readyz")
        if answer.status == status:
            return answer.json
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def seconds_in(reason: str) -> float:
    """The seconds that a server says it is behind."""
    found = re.fullmatch(r"this server is ([\d.]+) s behind its primary, and may be 1 s", reason)
    assert found, reason
    return float(found[1])
