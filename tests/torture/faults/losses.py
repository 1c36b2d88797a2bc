"""Histories that are lost: replicas that are behind, and backups that are put back.

What was known before the copy was begun has to be there for ever. What came after that may be gone, as a
whole, and the ledger has to go on with what is there, and to sign nothing that contradicts what it signed.
"""

import time
from contextlib import closing
from pathlib import Path
from random import Random

import psycopg
from psycopg.sql import SQL, Identifier

from tests.support.dumps import SCHEMAS, dump, restore
from tests.torture.faults.database import new_replica, take_over
from tests.torture.target import NotInjected, Target, alone


def promote_a_replica_that_is_behind(target: Target, random: Random) -> None:
    """The primary is killed, and what its replica has not got is lost, though it was acknowledged."""
    with alone(target.commands_guard, 120), alone(target.database_guard, 60):
        replica = new_replica(target)
        with target.losses.period():
            with closing(replica.session("postgres")) as connection:
                _wait_for_all(target, connection)
                connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
                connection.execute("SELECT pg_reload_conf()")
            time.sleep(random.uniform(0.5, 3))  # of which the replica learns nothing
            take_over(target, replica)
            target.go_on_elsewhere()
        target.backups.clear()


def _wait_for_all(target: Target, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Wait until a replica has all that was known when it is asked."""
    with closing(target.primary.session()) as primary:
        row = primary.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    assert row
    for _ in range(400):
        found = connection.execute(
            "SELECT pg_last_wal_replay_lsn() >= %(reached)s::pg_lsn", {"reached": row[0]}
        ).fetchone()
        if found and found[0]:
            return
        time.sleep(0.05)
    raise NotInjected("the replica did not catch up")


def put_a_dump_back(target: Target, random: Random) -> None:
    """Everything is as it was some seconds ago, under the feet of the service."""
    with alone(target.commands_guard, 120), alone(target.database_guard, 60), target.losses.period():
        _put_back(target, random, (*SCHEMAS, "read_models_as_of", "read_models_near"))
    target.backups.clear()


def put_the_journal_back(target: Target, random: Random) -> None:
    """The journal is, and the read models are ahead of it then."""
    with alone(target.commands_guard, 120), alone(target.database_guard, 60), target.losses.period():
        _put_back(target, random, ("journal",))
    target.backups.clear()


def _put_back(target: Target, random: Random, schemas: tuple[str, ...]) -> None:
    try:
        dumped = dump(target.direct_url, *(f"--schema={each}" for each in schemas))
    except AssertionError as error:
        raise NotInjected("it could not be dumped") from error
    time.sleep(random.uniform(0.5, 3))
    for _ in range(40):  # whoever restores beside a running service meets its locks, and deadlocks
        try:
            restore(target.direct_url, dumped, *schemas)
            break
        except AssertionError:
            time.sleep(0.2)
    else:
        raise NotInjected("it could not be put back")
    target.go_on_elsewhere()


def restore_an_older_backup(target: Target, random: Random) -> None:
    """The database is gone, and the last backup, or an earlier one, is restored into a new one."""
    if not target.backups:
        raise NotInjected("there is no backup yet")
    with alone(target.commands_guard, 120), alone(target.database_guard, 60):
        began, file = random.choice(target.backups)
        name = f"restored_{target.new_name().replace('-', '_')}"
        with target.losses.period(began):
            _restore(target, file, name)
            target.go_on_elsewhere()
        target.backups[:] = [each for each in target.backups if each[0] <= began]


def _restore(target: Target, file: Path, name: str) -> None:
    with target.service_guard:
        target.service.stop()
        with closing(target.primary.session("postgres")) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        target.database = name
        target.service.go_to(target.url)
        done = target.service.run("restore", str(file), url=target.direct_url)
        if done.returncode:
            target.findings.say(f"restore ended with {done.returncode}: {done.stderr[-1_000:]}")
        target.service.start()
