"""Connections to PostgreSQL that are cut, or fall silent."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event, Lock, Thread

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.world import World

AWAY = {"detail": "The database is not available at the moment. Try again."}


class Link:
    """One connection through a wire, which can be cut or fall silent by itself."""

    def __init__(self, near: socket.socket, far: socket.socket, speaks: Event) -> None:
        self._ends, self._wire_speaks = (near, far), speaks
        self._speaks = Event()
        self._speaks.set()
        self._left: int | None = None

    def run(self, forget: Callable[["Link"], None]) -> None:
        """Relay in both directions, in threads, until an end is closed; then have it forgotten."""
        near, far = self._ends
        for source, sink in ((near, far), (far, near)):
            Thread(target=self._relay, args=(source, sink, forget), daemon=True).start()

    def cut(self, after: int = 0) -> None:
        """Cut the connection, after so many more bytes in either direction."""
        self._left = after
        if not after:
            for end in self._ends:
                shut(end)
            self._speaks.set()

    def silence(self) -> None:
        """Take what is sent, and let nothing arrive."""
        self._speaks.clear()

    def speak(self) -> None:
        """Let arrive what was held back, and what comes."""
        self._speaks.set()

    def _relay(self, source: socket.socket, sink: socket.socket, forget: Callable[["Link"], None]) -> None:
        with closing(source), suppress(OSError):
            while data := source.recv(65536):
                self._wire_speaks.wait()
                self._speaks.wait()
                if self._left is not None:
                    data, self._left = data[: self._left], max(0, self._left - len(data))
                sink.sendall(data)
                if self._left == 0:
                    self.cut()
        shut(sink)
        forget(self)


class Wire:
    """A TCP relay to a server that can be cut, with every connection through it, and mended.

    Or it falls silent: what is sent is taken, and nothing of it arrives until it speaks again.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._links: set[Link] = set()
        self._guard = Lock()
        self._port = 0
        self._speaks = Event()
        self._speaks.set()
        self.mend()

    @property
    def port(self) -> int:
        return self._port

    @property
    def links(self) -> list[Link]:
        """The connections that are open."""
        with self._guard:
            return list(self._links)

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener:
            shut(self._listener)
            self._listener.close()
            self._listener = None
        for link in self.links:
            link.cut()

    def point(self, port: int) -> None:
        """Leads to another server from now on, as a name that follows the primary does."""
        self.cut()
        self._target = (self._target[0], port)
        self.mend()

    def silence(self) -> None:
        self._speaks.clear()

    def speak(self) -> None:
        self._speaks.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            link = Link(near, far, self._speaks)
            with self._guard:
                self._links.add(link)
            link.run(self._forget)

    def _forget(self, link: Link) -> None:
        with self._guard:
            self._links.discard(link)


def shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(world_url: str) -> Iterator[Wire]:
    parameters = conninfo_to_dict(world_url)
    if str(parameters.get("host", "")).startswith("/"):
        pytest.skip("the relay speaks TCP, and LEDGER_DATABASE_URL names a Unix socket")
    wire = Wire(str(parameters.get("host") or "127.0.0.1"), int(parameters.get("port") or 5432))
    yield wire
    wire.cut()


def end_connections(world: World) -> None:
    """What an administrator's restart does to everybody who is connected."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
