"""Clients: each plays its own calls again and again, the next when the last is answered.

By wrk where it is there, else by a process for each client. One run uses one of them for both sides of
every comparison, and the table names it.
"""

import http.client
import math
import shutil
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

WRK = shutil.which("wrk")
TOOL = "wrk" if WRK else "http.client in processes (wrk is not there)"
SCRIPT = Path(__file__).parent / "play.lua"
PATIENCE_SECONDS = 30

plays = count(1)
"""A number for every play, from which reported amounts are made, so that each of them is new."""


class Call(msgspec.Struct, frozen=True):
    """A request. "@" in the body stands for an amount that no other call has."""

    path: str
    headers: dict[str, str] = {}
    body: str = ""
    method: str = "GET"

    def line(self) -> str:
        headers = "|".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method}\t{self.path}\t{headers}\t{self.body}\n"


Plan = Sequence[Sequence[Call]]
"""What each client calls."""


class Played(msgspec.Struct, frozen=True):
    """What came of one play. Latencies in ms; `refused` answers had a status of 400 or more, `lost` none."""

    calls: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    refused: int
    lost: int

    @property
    def errors(self) -> int:
        return self.refused + self.lost


def play(folder: Path, url: str, plan: Plan, seconds: float) -> Played:
    """Lets every client call for so long."""
    write(folder, plan)
    number = next(plays)
    if WRK is None:
        return play_without_wrk(url, plan, number, seconds)
    clients = str(len(plan))
    command = [WRK, "-t", clients, "-c", clients, "-d", f"{max(1, round(seconds))}s"]
    command += ["--timeout", f"{PATIENCE_SECONDS}s", "-s", str(SCRIPT), url, "--", str(folder), str(number)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return msgspec.json.decode(output[output.index("{") :], type=Played)


def write(folder: Path, plan: Plan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, calls in enumerate(plan):
        (folder / str(number)).write_text("".join(call.line() for call in calls))


class Heard(msgspec.Struct):
    """What one client of ours has heard."""

    latencies: list[float] = []
    bytes: int = 0
    refused: int = 0
    lost: int = 0


def play_without_wrk(url: str, plan: Plan, number: int, seconds: float) -> Played:
    began = time.monotonic()
    with ProcessPoolExecutor(len(plan)) as pool:
        offsets = [number * 100_000 + client * 1_000 for client in range(len(plan))]
        heard = list(pool.map(partial(listen, url, seconds), offsets, plan))
    took = min(seconds, time.monotonic() - began)
    latencies = sorted(latency for each in heard for latency in each.latencies)
    return Played(
        calls=len(latencies),
        seconds=took,
        bytes=sum(each.bytes for each in heard),
        p50=percentile(latencies, 50),
        p99=percentile(latencies, 99),
        refused=sum(each.refused for each in heard),
        lost=sum(each.lost for each in heard),
    )


def listen(url: str, seconds: float, offset: int, calls: Sequence[Call]) -> Heard:
    heard, connection = Heard(), http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_SECONDS)
    deadline = time.monotonic() + seconds
    for played in count():
        began = time.perf_counter()
        if time.monotonic() >= deadline:
            return heard
        amount = f"{offset + played // 100}.{played % 100:02d}"
        try:
            status, length = answer(connection, calls[played % len(calls)], amount)
        except (OSError, http.client.HTTPException):
            heard.lost += 1
            connection.close()
            continue
        heard.latencies.append((time.perf_counter() - began) * 1000)
        heard.bytes += length
        heard.refused += status >= 400
    raise AssertionError("count() does not end")


def answer(connection: http.client.HTTPConnection, call: Call, amount: str) -> tuple[int, int]:
    body = call.body.replace("@", amount).encode() or None
    connection.request(call.method, call.path, body, call.headers)
    response = connection.getresponse()
    return response.status, len(response.read())


def percentile(ascending: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    if not ascending:
        return math.nan
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]
