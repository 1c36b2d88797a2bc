"""Connections that end, fall silent, or are taken away, and sessions that stand in the way."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from random import Random

import psycopg

from tests.support.wire import Link, Wire
from tests.torture.target import NotInjected, Target, alone

SELECT_SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()"""

LOCKED = (
    "LOCK TABLE read_models.component_usage IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE journal.ledger_events IN EXCLUSIVE MODE",
    "LOCK TABLE journal.ledger_events IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE read_models.read_position IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE read_models.user_usage IN EXCLUSIVE MODE",
)


def _session(target: Target) -> psycopg.Connection[tuple[int]]:
    """Return a connection of an administrator. Raises NotInjected."""
    try:
        return psycopg.connect(target.direct_url, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        raise NotInjected("the database is away") from error


def sessions(target: Target) -> list[int]:
    """Return the processes of PostgreSQL that serve somebody. Raises NotInjected where there is none."""
    with _session(target) as connection:
        try:
            found = [pid for (pid,) in connection.execute(SELECT_SESSIONS)]
        except psycopg.OperationalError as error:
            raise NotInjected("the database went away") from error
    if not found:
        raise NotInjected("nobody is connected")
    return found


def _told(target: Target, statement: str, pids: list[int]) -> None:
    with _session(target) as connection:
        try:
            done = connection.execute(statement.encode(), {"pids": pids}).fetchall()
        except psycopg.OperationalError as error:
            raise NotInjected("the database went away") from error
    if not any(each for (each,) in done):
        raise NotInjected("they have ended already")


def end_a_session(target: Target, random: Random) -> None:
    """One connection, ended by an administrator."""
    _told(target, "SELECT pg_terminate_backend(unnest(%(pids)s))", [random.choice(sessions(target))])


def end_all_sessions(target: Target, random: Random) -> None:
    """All of them at once."""
    _told(target, "SELECT pg_terminate_backend(unnest(%(pids)s))", sessions(target))


def cancel_statements(target: Target, random: Random) -> None:
    """What up to ten connections wait for, or do, is cancelled.

    Not while a standby is waited for: PostgreSQL has committed then, and says so with a warning.
    """
    if target.is_replicating:
        raise NotInjected("a standby is waited for")
    found = sessions(target)
    some = random.sample(found, min(len(found), random.randint(1, 10)))
    _told(target, "SELECT pg_cancel_backend(unnest(%(pids)s))", some)


def _link(wire: Wire, random: Random) -> Link:
    links = wire.links
    if not links:
        raise NotInjected("nobody is connected")
    return random.choice(links)


def cut_a_connection(target: Target, random: Random) -> None:
    """One connection to the database, after a random byte."""
    _link(target.wire, random).cut(random.choice((0, 1, 7, 50, 300, 2_000)))


def cut_a_client(target: Target, random: Random) -> None:
    """One connection of a client: after a byte of its request, or of the answer."""
    _cut_next(target.front, random)


def _cut_next(wire: Wire, random: Random) -> None:
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if links := wire.links:
            return random.choice(links).cut(random.choice((0, 1, 100, 300, 400, 500, 700, 1_500)))
        time.sleep(0.002)
    raise NotInjected("nobody is connected")


def _silence(link: Link, random: Random, most: float) -> None:
    link.silence()
    time.sleep(random.uniform(0.1, most))
    link.speak()


def silence_a_connection(target: Target, random: Random) -> None:
    """One connection to the database swallows what is sent, and delivers it late."""
    _silence(_link(target.wire, random), random, 7)


def silence_a_client(target: Target, random: Random) -> None:
    """One connection of a client does, for longer than the client waits, perhaps."""
    _silence(_link(target.front, random), random, 10)


def cut_the_wire(target: Target, random: Random) -> None:
    """All connections to the database are cut, and there are no new ones for some seconds."""
    with alone(target.wire_guard):
        target.wire.cut()
        time.sleep(random.uniform(0.1, 4))
        target.wire.mend()


def silence_the_wire(target: Target, random: Random) -> None:
    """Nothing arrives from the database for some seconds, and nothing there."""
    with alone(target.wire_guard):
        target.wire.silence()
        time.sleep(random.uniform(0.5, 8))
        target.wire.speak()


def cut_the_clients(target: Target, random: Random) -> None:
    """No client gets through for a moment."""
    with alone(target.wire_guard):
        target.front.cut()
        time.sleep(random.uniform(0.05, 1))
        target.front.mend()


def lock_a_table(target: Target, random: Random) -> None:
    """Somebody else holds a lock, so that all connections of the pools wait, and then requests."""
    with _session(target) as connection, suppress(psycopg.OperationalError), connection.transaction():
        try:
            connection.execute("SET LOCAL lock_timeout = '5s'")
            connection.execute(random.choice(LOCKED).encode())
        except psycopg.Error as error:
            raise NotInjected("the lock was not to be had") from error
        time.sleep(random.uniform(0.2, 6))


def take_all_connections(target: Target, random: Random) -> None:
    """`max_connections` is reached, and those of the service's that end are not to be had again."""
    with ExitStack() as stack:
        taken = _taken(target.primary.url("postgres"), stack)
        if not taken:
            raise NotInjected("there was no connection to take")
        with suppress(NotInjected):  # which has no connection itself now, but for a moment
            found = _pids(taken[0], target)
            _end(taken[0], random.sample(found, len(found) // 2))
        end = time.monotonic() + random.uniform(0.3, 4)
        while time.monotonic() < end:
            _taken(target.primary.url("postgres"), stack)
            time.sleep(0.02)


def _taken(url: str, stack: ExitStack) -> list[psycopg.Connection[tuple[int]]]:
    taken = []
    with suppress(psycopg.OperationalError):
        while True:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=3)
            taken.append(stack.enter_context(closing(connection)))
    return taken


def _pids(connection: psycopg.Connection[tuple[int]], target: Target) -> list[int]:
    try:
        return [
            pid
            for (pid,) in connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %(name)s", {"name": target.database}
            )
        ]
    except psycopg.OperationalError as error:
        raise NotInjected("the database went away") from error


def _end(connection: psycopg.Connection[tuple[int]], pids: list[int]) -> None:
    with suppress(psycopg.OperationalError):
        connection.execute("SELECT pg_terminate_backend(unnest(%(pids)s::int[]))", {"pids": pids})


Action = Callable[[Target, Random], None]
