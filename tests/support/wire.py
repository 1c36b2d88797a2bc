"""Connections to PostgreSQL that are cut, or fall silent."""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.world import World

AWAY = {"detail": "The database is not available at the moment. Try again."}


class Wire:
    """A TCP relay to PostgreSQL that can be cut, with every connection through it, and mended.

    Or it falls silent: what is sent is taken, and nothing of it arrives until it speaks again.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._port = 0
        self._speaks = Event()
        self._speaks.set()
        self.mend()

    @property
    def port(self) -> int:
        return self._port

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener:
            shut(self._listener)
            self._listener.close()
            self._listener = None
        for end in self._ends:
            shut(end)
        self._ends = []

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
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                Thread(target=relay, args=(source, sink, self._speaks), daemon=True).start()


def relay(source: socket.socket, sink: socket.socket, speaks: Event) -> None:
    with closing(source), suppress(OSError):
        while data := source.recv(65536):
            speaks.wait()
            sink.sendall(data)
    shut(sink)


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
