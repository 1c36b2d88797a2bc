"""Connections to a database that may go away or fall silent: nobody waits long for it, nor when it is back.

* A network that swallows packets is noticed by TCP on both sides within seconds, and a connection that is in
  use for longer than anything here takes is cut, so that its thread comes back.
* While the database is away everybody is told at once. One thread looks for it twice a second, however long
  it has been gone, where the pool would double its pauses.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

CONNECT_TIMEOUT_SECONDS = 3
LOOK_SECONDS = 0.5
"""How often it is looked for a database that is away."""

DECIDING_TIMEOUT_SECONDS = 20
"""How long a transaction may stand still between a read and the append that is decided on it."""

LONGEST_USE_SECONDS = 20
"""How long a request may use a connection: what takes longer has met a database that says nothing."""

# In seconds; unacknowledged data in milliseconds. A lost network is noticed within ten.
KEEPALIVES = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}

# The same on the other side: else a backend whose client is out of reach keeps its locks.
OPTIONS = (
    f"-c idle_in_transaction_session_timeout={DECIDING_TIMEOUT_SECONDS}s"
    " -c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
)

LOCK_SECONDS = 10.0
"""How long a statement waits for a lock."""

READ_ONLY = "-c default_transaction_read_only=on"

log = logging.getLogger(__name__)


def parameters_of(
    conninfo: str, *, is_read_only: bool = False, lock_seconds: float = LOCK_SECONDS
) -> dict[str, Any]:
    """Return what psycopg connects with. What the conninfo says itself counts.

    Statements give up when they have waited for a lock for `lock_seconds`.
    `is_read_only`: the database refuses to write on these connections, be it a standby or not.
    """
    given = conninfo_to_dict(conninfo)
    options = f"-c lock_timeout={milliseconds(lock_seconds)} {OPTIONS}"
    if is_read_only:
        options = f"{options} {READ_ONLY}"
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **KEEPALIVES,
        **given,
        "options": f"{given.get('options') or ''} {options}".strip(),
        "row_factory": dict_row,
        "autocommit": True,
    }


def milliseconds(seconds: float) -> int:
    """Return seconds as PostgreSQL's settings have them: at least one, as 0 is for ever."""
    return max(1, round(seconds * 1000))


def bounded(parameters: Mapping[str, Any], statement_seconds: float | None) -> dict[str, Any]:
    """Return what a pool connects with, whose statements are cancelled after so long. None is never.

    A commit that waits for a synchronous standby is not: PostgreSQL would take it for done, and ends the
    timeout before. A report is never acknowledged by that.
    """
    if statement_seconds is None:
        return dict(parameters)
    timeout = f"-c statement_timeout={milliseconds(statement_seconds)}"
    return {**parameters, "options": f"{parameters['options']} {timeout}"}


class Reachability:
    """Tells everybody in this process whether a database can be reached.

    `longest_use`, in seconds, is how long a connection may be used at a time; None is for ever.
    """

    def __init__(self, parameters: Mapping[str, Any], longest_use: float | None = None) -> None:
        self._parameters, self._longest_use = dict(parameters), longest_use
        self._is_away, self._is_over = Event(), Event()
        self._guard = Lock()
        self._in_use: dict[int, tuple[Connection[DictRow], float]] = {}
        self._pools: list[Pool] = []
        if longest_use is not None:
            Thread(target=self._cut_for_ever, daemon=True, name="cutter").start()

    @property
    def is_away(self) -> bool:
        return self._is_away.is_set()

    def check(self) -> None:
        """Raise psycopg's OperationalError while the database is known to be away."""
        if self.is_away:
            raise psycopg.OperationalError("the database can't be reached")

    def lost(self) -> None:
        """Told that the database does not answer: from now on it is looked for."""
        with self._guard:
            if self.is_away or self._is_over.is_set():
                return
            self._is_away.set()
        log.warning("The database can't be reached; looking for it twice a second")
        Thread(target=self._look_for_it, daemon=True, name="looking for the database").start()

    def add(self, pool: "Pool") -> None:
        self._pools.append(pool)

    def close(self) -> None:
        """Nobody asks any more."""
        self._is_over.set()

    @contextmanager
    def limited(self, connection: Connection[DictRow]) -> Iterator[None]:
        """Cut a connection, so that its user gets an error, when it is used for too long."""
        self.begin(connection)
        try:
            yield
        finally:
            self.end(connection)

    def begin(self, connection: Connection[DictRow]) -> None:
        self._in_use[id(connection)] = connection, time.monotonic()

    def end(self, connection: Connection[DictRow]) -> None:
        with self._guard:  # not while it is being cut: its file's number may be another's then
            self._in_use.pop(id(connection), None)

    def _look_for_it(self) -> None:
        while not self._is_over.is_set():
            try:
                psycopg.connect(**self._parameters).close()
                for pool in self._pools:
                    pool.drain()  # what is left in it is dead
            except Exception:  # whatever it is: without this thread the database would stay away
                self._is_over.wait(LOOK_SECONDS)
            else:
                self._is_away.clear()
                log.warning("The database is back")
                return

    def _cut_for_ever(self) -> None:
        assert self._longest_use is not None
        while not self._is_over.wait(self._longest_use / 10):
            before = time.monotonic() - self._longest_use
            late = [used for used, since in list(self._in_use.values()) if since < before]
            if late:
                log.error(
                    "The database said nothing for %g s: %d connections cut", self._longest_use, len(late)
                )
                self.lost()
            for connection in late:
                self._cut(connection)

    def _cut(self, connection: Connection[DictRow]) -> None:
        """Shut the socket: whoever waits for it wakes up, and finds the connection dead."""
        with self._guard, suppress(psycopg.Error, OSError):
            if id(connection) in self._in_use:
                with socket.socket(fileno=os.dup(connection.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)


class Pool(ConnectionPool[Connection[DictRow]]):
    """Connections to a database whose reachability is known."""

    def __init__(self, parameters: Mapping[str, Any], reachability: Reachability, *, most: int) -> None:
        self._reachability = reachability
        super().__init__(
            kwargs=dict(parameters),
            min_size=1,
            max_size=most,
            timeout=CONNECT_TIMEOUT_SECONDS,
            # One more attempt at once. What comes after it is not for the pool, whose pauses double.
            reconnect_timeout=0,
            reconnect_failed=lambda _: reachability.lost(),
            open=False,
        )
        reachability.add(self)

    def getconn(self, timeout: float | None = None) -> Connection[DictRow]:
        self._reachability.check()
        try:
            connection = super().getconn(timeout)
        except PoolTimeout:
            self._reachability.check()  # nobody was before us: there was no database to connect to
            raise
        self._reachability.begin(connection)
        return connection

    def putconn(self, conn: Connection[DictRow]) -> None:
        self._reachability.end(conn)
        super().putconn(conn)
