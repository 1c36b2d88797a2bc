"""Clients of one service, many in one process: reporters, readers, and those that are slow."""

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

USAGES = "/api/marketplace-component-usages/"
BULK = "/api/ledger/reports/"

PATIENCE_SECONDS = 60
"""How long a client waits for an answer, as agents do."""

EXPECTED = {200, 201, 304, 409, 503}
LATER = {409, 503}
"""Too many at once: the same may be sent again."""


class Answer(NamedTuple):
    """A status, 0 where none came, and after how many seconds it was whole."""

    status: int
    seconds: float
    headers: dict[str, str]
    body: bytes


@dataclass
class Tally:
    """What clients were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    ended: int = 0
    """Connections that ended before there was an answer."""
    wrong: list[str] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        self.seconds.append(answer.seconds)
        if answer.status and answer.status not in EXPECTED:
            self.wrong.append(f"a request was answered {answer.status}: {answer.body[:200]!r}")
        if answer.status in LATER and "retry-after" not in answer.headers:
            self.wrong.append(f"a {answer.status} does not say when to come again: {answer.body[:200]!r}")

    def quantile(self, part: float) -> float:
        """Return how many seconds this part of the answers took at most."""
        ordered = sorted(self.seconds)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Connection:
    """A connection that is kept between requests, and opened anew where the server has ended it."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Return the answer; status 0 if the connection ends before it, or nothing comes in time."""
        data = b"" if body is None else orjson.dumps(body)
        known = {"Host": "here", "Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        lines = [f"{name}: {value}" for name, value in (known | headers).items()]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, f"Content-Length: {len(data)}", "", ""])
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, told, content = await self._exchange(head.encode() + data)
        except (OSError, EOFError, TimeoutError):
            self.close()
            return Answer(0, time.monotonic() - began, {}, b"")
        return Answer(status, time.monotonic() - began, told, content)

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines if line)
        told = {name.lower(): value for name, _, value in pairs}
        if told.get("transfer-encoding") == "chunked":
            content = b"".join([chunk async for chunk in _chunks(reader)])
        else:
            content = await reader.readexactly(int(told.get("content-length", 0)))
        if told.get("connection") == "close":
            self.close()
        return int(first.split()[1]), told, content

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


class Reporter:
    """Reports ever larger amounts of figures that are its own; what was `acknowledged` has to be shown."""

    def __init__(self, connection: Connection, figures: Sequence[tuple[str, str]]) -> None:
        """Take resources and months (YYYY-MM), one of each or thousands."""
        self._connection, self._figures = connection, figures
        self.amount = self.acknowledged = 0

    async def run(self, end: float, tally: Tally, pause: float = 0) -> None:
        """Report until the clock of the loop says `end`."""
        while time.monotonic() < end:
            self.amount += 1
            answer = await self._connection.ask("POST", *self._request())
            tally.add(answer)
            if answer.status in {200, 201}:
                self.acknowledged = self.amount
            await rest(answer, pause)

    def _request(self) -> tuple[str, Any]:
        usage = {"type": "cpu", "amount": str(self.amount)}
        items = [{"resource": where, "date": f"{month}-01T00:00:00Z"} for where, month in self._figures]
        if len(items) == 1:
            return f"{USAGES}set_usage/", items[0] | {"usages": [usage]}
        return BULK, [item | usage for item in items]

    async def check(self, tally: Tally) -> None:
        """Read the figure, and say where it is less than was acknowledged, or more than was sent."""
        resource, month = self._figures[-1]
        path = f"{USAGES}?type=cpu&resource_uuid={resource}&billing_period={month}-01"
        answer = await self._connection.ask("GET", path)
        shown = (
            [int(float(row["usage"])) for row in orjson.loads(answer.body)] if answer.status == 200 else []
        )
        figure = shown[0] if shown else 0
        if not self.acknowledged <= figure <= self.amount:
            tally.wrong.append(f"{resource} {month} shows {figure}, not {self.acknowledged}")


class Reader:
    """Asks for the same addresses again and again."""

    def __init__(self, connection: Connection, *paths: str) -> None:
        self._connection, self._paths = connection, paths
        self._tags: dict[str, str] = {}

    async def run(self, end: float, tally: Tally, pause: float = 0) -> None:
        """Ask until the clock of the loop says `end`."""
        while time.monotonic() < end:
            path = random.choice(self._paths)  # noqa: S311 (chosen, not secret)
            condition = {"If-None-Match": self._tags[path]} if path in self._tags else {}
            answer = await self._connection.ask("GET", path, **condition)
            tally.add(answer)
            if tag := answer.headers.get("etag"):
                self._tags[path] = tag
            await rest(answer, pause)


async def rest(answer: Answer, pause: float) -> None:
    """Wait as long as a refusal asks to, and somewhat longer, so that not all come again at once."""
    asked = float(answer.headers.get("retry-after", 0)) if answer.status in LATER else pause
    await asyncio.sleep(asked * (1 + random.random()))  # noqa: S311 (chosen, not secret)


Slow = Callable[[int, str, float, Tally], Awaitable[None]]
"""A client that takes its time, until the server ends it or the clock of the loop says so."""


async def slow_head(port: int, token: str, end: float, tally: Tally) -> None:
    """Send a byte of a request's headers each second."""
    await _dribble(port, b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Long: ", end, tally)


async def slow_body(port: int, token: str, end: float, tally: Tally) -> None:
    """Send a byte of a report each second."""
    head = f"POST {BULK} HTTP/1.1\r\nHost: here\r\nAuthorization: Token {token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n["
    await _dribble(port, head.encode(), end, tally)


async def _dribble(port: int, first: bytes, end: float, tally: Tally) -> None:
    while time.monotonic() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError):
            writer.write(first)
            while time.monotonic() < end and not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await reader.read(65_536)
        tally.ended += 1
        writer.close()


async def slow_reader(port: int, token: str, end: float, tally: Tally) -> None:
    """Take a kilobyte of an answer each second."""
    request = f"GET {USAGES}?page_size=100 HTTP/1.1\r\nHost: here\r\nAuthorization: Token {token}\r\n\r\n"
    while time.monotonic() < end:
        probe = socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        probe.setblocking(False)
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            await loop.sock_connect(probe, ("127.0.0.1", port))
            await loop.sock_sendall(probe, request.encode())
            while time.monotonic() < end and await loop.sock_recv(probe, 1024):
                await asyncio.sleep(1)
        tally.ended += 1
        probe.close()
