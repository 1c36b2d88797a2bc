"""Ends connections that take too long, so that others find room. On Linux, whose kernel says how long.

granian limits the time that a client has for its headers, and neither for its body nor for taking the answer.
It does not tell which connection a request came on either. So every connection is judged by the kernel's
figures: when something came, and when something went out. It is ended for reading first, so that a thread
that waits for a body goes on, and the client is told.

Where half of a worker's connections are in use, or half of the bodies are waited for, the silent ones end
after SHORT_SECONDS, and so do requests from an address that has a quarter of all connections.
"""

import logging
import os
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0

REQUEST_SECONDS = 60
"""How long a request may take, from its first byte to the first of its answer ..."""

SLOWEST_BYTES = 16_384
"""... and a second longer for so many bytes of it."""

SILENT_SECONDS = 90
"""How long nothing may come and nothing go, as with answers that nobody takes; granian ends others sooner."""

SHORT_SECONDS = 5
"""Instead of these, where there are too many: for idle ones, and for requests of who has many connections."""

MANY = 0.25
"""Of all connections, in one worker, from one address."""

INFO = struct.Struct("=B43x 3I 72x Q 20x I")
"""Of the kernel's `tcp_info`: the state, the times since something was sent, acknowledged and received in ms,
how many bytes came, and in how many pieces something was sent."""

OPEN = {1, 8}
"""ESTABLISHED and CLOSE_WAIT."""


class State(NamedTuple):
    """The kernel's figures of a connection: seconds since something was sent and received, and amounts."""

    sent: float
    received: float
    bytes_in: int
    pieces_out: int

    @property
    def is_in_request(self) -> bool:
        """Return whether a request, or a part of one, came and was not answered.

        One that comes within 4 ms of an answer may look answered; then it counts as silence.
        """
        return self.bytes_in > 0 and (self.pieces_out == 0 or self.received < self.sent)

    @property
    def silent(self) -> float:
        return min(self.sent, self.received)


class Request(NamedTuple):
    """A request that is under way: when it began, the bytes that had come by then, and the answers before."""

    began: float
    bytes_in: int
    pieces_out: int


Address = tuple[str, int]


class Sweep:
    """A thread that looks at a process's connections to a port every second, and ends late ones."""

    def __init__(self, port: int, room: int, is_pressed: Callable[[], bool]) -> None:
        self._port, self._room, self._is_pressed = port, room, is_pressed
        self._requests: dict[Address, Request] = {}
        self._ended: set[Address] = set()

    def start(self) -> None:
        """Start the thread, on Linux."""
        if sys.platform == "linux":
            Thread(target=self._run, daemon=True, name="sweep").start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look()
            except Exception as error:  # a look may fail where there are too many files; the next will do
                log.warning("Connections could not be looked at: %s", error)

    def look(self) -> int:
        """End connections that take too long; return how many."""
        states = {peer: state for _, peer, state in connections(self._port)}
        now = time.monotonic()
        self._requests = {
            peer: self._request(peer, state, now) for peer, state in states.items() if state.is_in_request
        }
        is_full = len(states) > self._room / 2
        hosts = Counter(host for host, _ in states) if is_full or self._is_pressed() else Counter()
        many = {host for host, count in hosts.items() if count >= MANY * len(states)}
        late = {peer for peer, state in states.items() if self._is_late(peer, state, now, is_full, many)}
        if late:
            self._end(late)
        self._ended = late
        return len(late)

    def _request(self, peer: Address, state: State, now: float) -> Request:
        seen = self._requests.get(peer)
        if seen and seen.pieces_out == state.pieces_out and seen.bytes_in <= state.bytes_in:
            return seen
        return Request(now - state.received, state.bytes_in, state.pieces_out)

    def _is_late(self, peer: Address, state: State, now: float, is_full: bool, many: set[str]) -> bool:
        if not state.is_in_request:
            return state.silent > (SHORT_SECONDS if is_full or peer[0] in many else SILENT_SECONDS)
        request = self._requests[peer]
        limit = REQUEST_SECONDS + (state.bytes_in - request.bytes_in) / SLOWEST_BYTES
        return now - request.began > (SHORT_SECONDS if peer[0] in many else limit)

    def _end(self, late: set[Address]) -> None:
        for connection, peer, _ in connections(self._port):
            if peer in late:
                with suppress(OSError):  # it may be gone by itself
                    connection.shutdown(socket.SHUT_RDWR if peer in self._ended else socket.SHUT_RD)
        log.warning("Ended %d connections that took too long", len(late))


def connections(port: int) -> Iterator[tuple[socket.socket, Address, State]]:
    """Yield the connections that this process has accepted on a port, each open only until the next one."""
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError), closing(_duplicate(int(file.name))) as connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.getsockname()[1] == port:
                info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO.size)
                state, sent, _, received, bytes_in, pieces_out = INFO.unpack(info)
                if state in OPEN:
                    peer: Address = connection.getpeername()[:2]
                    yield connection, peer, State(sent / 1000, received / 1000, bytes_in, pieces_out)


def _duplicate(descriptor: int) -> socket.socket:
    """Return a socket for a descriptor of this process. Raises OSError if it is no socket."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
