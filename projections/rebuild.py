"""Makes every read model anew from the journal, beside the live ones, and puts the new ones in their place.

The live read models serve reads and reports all the while. The copy is filled in bulk: rows first, with what
they were before, then the counters that follow from them, and the indexes, each for all rows at once. It is
compared with the live read models at one position, and takes over in one short transaction in which both are
at one position again. A rebuild that ends early, however it ends, leaves nothing but a schema that nobody
reads; the next rebuild removes it.

Statements that come when the copy takes over wait for the last few facts only. At start the read models of
another version are rebuilt before anything is served. Price: twice the space meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from psycopg import Connection, Cursor
from psycopg.errors import LockNotAvailable
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.journal.scripts import run_script
from projections import comparison
from projections.comparison import Difference
from projections.fast.plans import BULKY
from projections.forgotten_names import count_forgotten, forget_names
from projections.projector import BATCH, LOCK_PROJECTING, SYNCHRONOUS_COMMIT_OFF, Pool, ReadFacts
from projections.read_position import TELL, position_of
from projections.replay import Progress, Replay
from projections.schema import (
    ENTER_SCHEMA,
    SCHEMA,
    create_read_models,
    drop_read_models,
    rename_read_models,
)

SHADOW, OLD = f"{SCHEMA}_shadow", f"{SCHEMA}_old"

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('usage-ledger: rebuilding')) AS locked"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('usage-ledger: rebuilding'))"

BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# As long as a crash would only lead to another rebuild.
DO_NOT_LOG, LOG = (
    "; ".join(f"ALTER TABLE {table} SET {logged}" for table in BULKY) for logged in ("UNLOGGED", "LOGGED")
)


# Clients have answers that were made from the rows before. An edition is told by the clock, as none may come
# again where a database is put back; the last one as a document, as tables of another version may lack it.
TAKE_EDITION = f"""
UPDATE {SHADOW}.read_position SET edition = CASE WHEN %(differs)s
    THEN greatest(live.edition + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    ELSE live.edition END
FROM (
    SELECT coalesce((to_jsonb(p) ->> 'edition')::bigint, 0) AS edition FROM {SCHEMA}.read_position p
) live"""  # noqa: S608 - of constants

TELL_EDITION = SQL("SELECT {} FROM {}.read_position").format(TELL, Identifier(SCHEMA))


class AlreadyRebuilding(Exception):
    """Another process rebuilds the read models at the moment."""


class Rebuilt(NamedTuple):
    """The result of a rebuild: whether its rows took over, in what they differ from those that were live, and
    how many removed people the live ones still named."""

    is_live: bool
    differences: tuple[Difference, ...] = ()
    forgotten: int = 0


class Rebuild:
    """One rebuild."""

    def __init__(
        self,
        pool: Pool,
        read_facts: ReadFacts,
        *,
        batch: int = BATCH,
        progress: Progress = lambda _facts, _head: None,
    ) -> None:
        self._pool = pool
        self._replay = Replay(self._in_shadow, read_facts, batch=batch, progress=progress)

    def run(self, *, compare: bool = True, accept: bool = False) -> Rebuilt:
        """Rebuild the read models, which take over unless they differ from the live ones.

        Names of people who were removed from `journal.person` are no difference. `accept`: also if they
        differ. `compare=False`: there is nothing to compare with, as the live ones are of another schema, or
        of another journal. Raises AlreadyRebuilding.
        """
        with self._pool.connection() as connection, exclusive_rebuild(connection):
            _drop_copies(connection)
            create_read_models(connection, SHADOW, indexes=False)
            with self._in_shadow() as cursor:
                run_script(cursor, DO_NOT_LOG)
            self._replay.load()
            self._replay.complete(LOG)
            differences, forgotten = self._compare() if compare else ((), 0)
            if is_live := accept or not differences:
                self._swap(differs=bool(differences or forgotten) or not compare)
                self._forget()
            with suppress(LockNotAvailable):  # an export reads what was replaced: it is dropped the next time
                _drop_copies(connection)
            return Rebuilt(is_live, differences, forgotten)

    @contextmanager
    def _in_shadow(self) -> Iterator[Cursor[DictRow]]:
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(ENTER_SCHEMA.format(schema=Identifier(SHADOW)))
            cursor.execute(SYNCHRONOUS_COMMIT_OFF)
            yield cursor

    @contextmanager
    def _at_one_position(self) -> Iterator[Connection[DictRow]]:
        """Yield a transaction in which the live read models stand still and the copy is where they are.

        What came while the copy was made is filled in before, as reports wait from here on.
        """
        self._replay.fill()
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(LOCK_PROJECTING)
            self._replay.fill(position_of(connection.cursor()))
            yield connection

    def _compare(self) -> tuple[tuple[Difference, ...], int]:
        """Return in what the copy differs, and how many removed people the live read models still name."""
        with self._pool.connection() as reader:
            with self._at_one_position():
                reader.execute(BEGIN_SNAPSHOT)
                tables = comparison.tables_of(reader, SHADOW)
            try:
                return comparison.differences(reader, SCHEMA, SHADOW, tables), count_forgotten(reader)
            finally:
                reader.execute("ROLLBACK")

    def _swap(self, *, differs: bool) -> None:
        with self._at_one_position() as connection:
            connection.execute(TAKE_EDITION, {"differs": differs})
            for schema, name in ((SCHEMA, OLD), (SHADOW, SCHEMA)):
                rename_read_models(connection, schema, name)
            if differs:
                connection.execute(TELL_EDITION)

    def _forget(self) -> None:
        """Delete the names of people who were removed after the copy had met them."""
        with self._pool.connection() as connection:
            forget_names(connection)


@contextmanager
def exclusive_rebuild(connection: Connection[DictRow]) -> Iterator[None]:
    """Hold the lock of rebuilds, which keeps others out. Raises AlreadyRebuilding."""
    row = connection.execute(TRY_LOCK).fetchone()
    if not row or not row["locked"]:
        raise AlreadyRebuilding("another rebuild is running, or a verification compares rows")
    try:
        yield
    finally:
        connection.execute(UNLOCK)


def drop_leftovers(connection: Connection[DictRow]) -> None:
    """Drop what a rebuild that was killed has left behind, unless one is running, which does so itself."""
    with suppress(AlreadyRebuilding), exclusive_rebuild(connection):
        _drop_copies(connection)


def _drop_copies(connection: Connection[DictRow]) -> None:
    for schema in (SHADOW, OLD):
        drop_read_models(connection, schema)
