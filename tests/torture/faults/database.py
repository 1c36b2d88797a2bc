"""PostgreSQL that is killed, shut down, fills its disk, or is replaced by its replica."""

import os
import re
import signal
import time
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import psycopg

from tests.support.waiting import wait_until
from tests.torture.clusters import Cluster, new_disk, remove_disk
from tests.torture.faults.connections import sessions
from tests.torture.service import children_of
from tests.torture.target import NotInjected, Target, alone


def kill_a_session(target: Target, random: Random) -> None:
    """SIGKILL to a process that serves somebody: PostgreSQL ends all others, and recovers."""
    with alone(target.database_guard):
        _send(random.choice(sessions(target)), signal.SIGKILL)
        wait_for(target.primary)


def kill_a_process_behind(target: Target, random: Random) -> None:
    """SIGKILL to any process of PostgreSQL but the first: checkpointer, writers, launchers, sessions."""
    with alone(target.database_guard):
        children = children_of(_first(target))
        if not children:
            raise NotInjected("it has no processes")
        _send(random.choice(children), signal.SIGKILL)
        wait_for(target.primary)


def stop_a_session(target: Target, random: Random) -> None:
    """SIGSTOP to a process that serves somebody, perhaps with a lock, and some seconds later SIGCONT."""
    victim = random.choice(sessions(target))
    _send(victim, signal.SIGSTOP)
    time.sleep(random.uniform(0.05, 5))
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGCONT)


def kill_the_database(target: Target, random: Random) -> None:
    """SIGKILL to the first process, and a start a moment later."""
    with alone(target.database_guard):
        _send(_first(target), signal.SIGKILL)
        time.sleep(random.uniform(0, 2))
        target.primary.start()


def shut_the_database_down(target: Target, random: Random) -> None:
    """An immediate or a fast shutdown, and a start a moment later."""
    with alone(target.database_guard):
        target.primary.stop(random.choice(("immediate", "immediate", "fast")))
        time.sleep(random.uniform(0, 2))
        target.primary.start()


def fill_the_disk(target: Target, random: Random) -> None:
    """The disk of the database has no room for some seconds. PostgreSQL ends, perhaps, and is started."""
    disk = target.primary.folder.parent
    if not os.path.ismount(disk):
        raise NotInjected("the database is on no disk of its own")
    with alone(target.database_guard):
        ballast = disk / "ballast"
        try:
            _fill(ballast)
            time.sleep(random.uniform(0.5, 4))
            ready = target.service.ask("GET", "/healthz", timeout=5)
            if ready.status not in (0, 200):
                target.findings.say(f"/healthz was {ready.status} with a full disk")
        finally:
            ballast.unlink(missing_ok=True)
        if not _answers(target.primary):
            target.primary.stop()
            target.primary.start()
        wait_for(target.primary)


IS_AWAY = re.compile("in recovery mode|starting up|shutting down|Connection refused|closed the connection")
"""What PostgreSQL's programs say of a server that they can't copy at the moment."""


def fail_over(target: Target, random: Random) -> None:
    """The primary is killed, and a replica that has all that was acknowledged takes its place."""
    with alone(target.database_guard, 20), target.replicating():
        replica = new_replica(target)
        with closing(target.primary.session()) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            try:
                wait_until(lambda: _is_synchronous(connection))
            except AssertionError:
                connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
                connection.execute("SELECT pg_reload_conf()")
                raise NotInjected("the replica did not catch up") from None
        time.sleep(random.uniform(0.2, 3))
        take_over(target, replica)


def new_replica(target: Target) -> Cluster:
    """Return a replica of the primary, on a disk of its own where that is possible."""
    place = new_disk(target.folder, target.new_name())
    try:
        return target.cluster(lambda: target.primary.replica(place, "database"))
    except RuntimeError as error:
        if IS_AWAY.search(str(error)):  # as another fault, which goes on, has it
            raise NotInjected("the database is away") from error
        raise


def take_over(target: Target, replica: Cluster) -> None:
    """Kill the primary, and have a replica take its place, and its clients."""
    old = target.primary
    old.kill()
    with closing(replica.session("postgres")) as connection:
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
    replica.promote()
    target.primary = replica
    with alone(target.wire_guard, 60):
        target.wire.point(replica.port)
    old.stop()
    target.clusters.remove(old)
    remove_disk(old.folder.parent)


def wait_for(cluster: Cluster) -> None:
    """Wait until a server takes connections again."""
    wait_until(lambda: _answers(cluster), 60)


def _answers(cluster: Cluster) -> bool:
    try:
        with closing(psycopg.connect(cluster.url("postgres"), connect_timeout=3)):
            return True
    except psycopg.OperationalError:
        return False


def _is_synchronous(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    found = connection.execute("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'").fetchall()
    return bool(found)


def _first(target: Target) -> int:
    try:
        return target.primary.pid
    except OSError:
        raise NotInjected("the database does not run") from None


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        raise NotInjected("it has ended already") from None


def _fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
