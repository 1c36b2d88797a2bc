"""The service in processes of its own, on a database of the tests."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.paths import ROOT

SERVE = """
import json, logging, sys
from functools import partial
from projections.fast.position import SharedPosition
from tests.world import settings_of
from web.runtime import server
from web.runtime.database import prepare_database

url, workers, change, variables = sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
logging.basicConfig(level=logging.ERROR)
exec(change)
settings = settings_of(url, **variables)
load = partial(server.application, prepare_database(url, settings), settings, SharedPosition(workers + 1))
with server.bound("127.0.0.1", 0) as holder:
    server.serve(load, holder, workers, lambda: print(holder.getsockname()[1], flush=True))
"""


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served(NamedTuple):
    """A running service."""

    process: "subprocess.Popen[str]"
    port: int

    def post(self, path: str, body: bytes, **headers: str) -> Reply:
        """Sends a request on a connection of its own, with `_` for `-` in the names of headers."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", path, body, {"Content-Type": "application/json"} | named)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    @property
    def workers(self) -> list[int]:
        """Their process ids."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def peak(self, unit: int = 1024) -> int:
        """The most memory that a worker ever had, in MiB."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self.workers]
        return max(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) // unit


@contextmanager
def served(url: str, workers: int = 1, change: str = "", **variables: str) -> Iterator[Served]:
    """The service on a database; `change` is what Python does before it starts, to bounds for instance.

    `variables` are those of the environment.
    """
    command = [sys.executable, "-c", SERVE, url, str(workers), change, json.dumps(variables)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process, int(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(40)
