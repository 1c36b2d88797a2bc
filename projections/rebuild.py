"""Makes every read model anew from the journal, beside the live ones, and puts the new ones in their place.

The live read models serve reads and reports all the while. The copy is filled in bulk: rows first, then their
owners, the counters that follow from them, and the indexes, each for all rows at once. It is compared with
the live read models at one position, and takes over in one short transaction in which both are at one
position again. A rebuild that ends early, however it ends, leaves nothing but a schema that nobody reads; the
next rebuild removes it.

While PostgreSQL works on one batch the next one is read. Statements name tables without their schema, so the
same code fills the live tables and the copy. Statements that come when the copy takes over wait for the last
few facts only. At start the read models of another version are rebuilt before anything is served. Price:
twice the space meanwhile.
"""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import Identifier

from projections import comparison
from projections.comparison import Difference
from projections.forgotten_names import count_forgotten, forget_names
from projections.projector import (
    BATCH,
    LOCK_PROJECTING,
    SYNCHRONOUS_COMMIT_OFF,
    Pool,
    ReadFacts,
    project_batch,
)
from projections.read_models import READ_MODELS
from projections.read_position import SELECT_HEAD, position_of
from projections.schema import (
    CREATE_INDEXES,
    ENTER_SCHEMA,
    SCHEMA,
    create_read_models,
    drop_read_models,
    rename_read_models,
)
from projections.writers import counters

SHADOW, OLD = f"{SCHEMA}_shadow", f"{SCHEMA}_old"

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('usage-ledger: rebuilding')) AS locked"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('usage-ledger: rebuilding'))"

BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# As long as a crash would only lead to another rebuild.
BULKY = ("component_usage", "component_usage_past", "user_usage", "user_usage_past")
DO_NOT_LOG, LOG = (
    "; ".join(f"ALTER TABLE {table} SET {logged}" for table in BULKY) for logged in ("UNLOGGED", "LOGGED")
)

# For this transaction: most of the time goes into indexes.
USE_MEMORY = "SET LOCAL maintenance_work_mem TO '256MB'; SET LOCAL work_mem TO '64MB'"

ANALYZE = f"ANALYZE {', '.join(BULKY)}, silence"

LOADED_MODELS = tuple(replace(model, project=model.load or model.project) for model in READ_MODELS)
"""The read models as they are written while there are neither counters nor indexes."""

Progress = Callable[[int, int], None]
"""Told after every batch how many facts it had, and how many positions the journal has in all."""


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
        self._pool, self._read_facts, self._batch = pool, read_facts, batch
        self._progress = progress

    def run(self, *, compare: bool = True, accept: bool = False) -> Rebuilt:
        """Rebuild the read models, which take over unless they differ from the live ones.

        Names of people who were removed from `journal.person` are no difference. `accept`: also if they
        differ. `compare=False`: there is nothing to compare with, as the live ones are of another schema, or
        of another journal. Raises AlreadyRebuilding.
        """
        with self._pool.connection() as connection, exclusive_rebuild(connection):
            self._drop_copies(connection)
            create_read_models(connection, SHADOW, indexes=False)
            self._load()
            self._complete()
            differences, forgotten = self._compare() if compare else ((), 0)
            if is_live := accept or not differences:
                self._swap()
                self._forget()
            self._drop_copies(connection)
            return Rebuilt(is_live, differences, forgotten)

    def _drop_copies(self, connection: Connection[DictRow]) -> None:
        for schema in (SHADOW, OLD):
            drop_read_models(connection, schema)

    def _load(self) -> None:
        """Write the rows. The next batch is read and decoded while PostgreSQL works on the one before."""
        with self._in_shadow() as cursor:
            cursor.execute(DO_NOT_LOG)
        with ThreadPoolExecutor(1) as reader, gc_disabled():
            facts = self._read_facts(0, self._batch)
            while facts:
                next_facts = reader.submit(self._read_facts, facts[-1][0], self._batch)
                with self._in_shadow() as cursor:
                    project_batch(cursor, facts, LOADED_MODELS)
                    self._progress(len(facts), self._head(cursor))
                facts = next_facts.result()

    def _complete(self) -> None:
        """Add what follows from all the rows: the models' own ends, counters and indexes."""
        with self._in_shadow() as cursor:
            cursor.execute(USE_MEMORY)
            for model in READ_MODELS:
                if model.complete:
                    model.complete(cursor)
            cursor.execute(LOG)
            counters.count_all(cursor)
            cursor.execute(CREATE_INDEXES)
            cursor.execute(ANALYZE)

    @contextmanager
    def _in_shadow(self) -> Iterator[Cursor[DictRow]]:
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(ENTER_SCHEMA.format(schema=Identifier(SHADOW)))
            cursor.execute(SYNCHRONOUS_COMMIT_OFF)
            yield cursor

    def _fill(self, target: int | None = None) -> None:
        """Project into the copy: up to `target`, or until there is less than a batch to do."""
        while True:
            with self._in_shadow() as cursor:
                facts = self._read_facts(position_of(cursor), self._batch)
                if target is not None:
                    facts = [(position, fact) for position, fact in facts if position <= target]
                if facts:
                    project_batch(cursor, facts)
                    self._progress(len(facts), self._head(cursor))
            if not facts or (target is None and len(facts) < self._batch):
                return

    def _head(self, cursor: Cursor[DictRow]) -> int:
        row = cursor.execute(SELECT_HEAD).fetchone()
        assert row is not None
        head: int = row["head"]
        return head

    @contextmanager
    def _at_one_position(self) -> Iterator[Connection[DictRow]]:
        """Yield a transaction in which the live read models stand still and the copy is where they are."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(LOCK_PROJECTING)
            self._fill(position_of(connection.cursor()))
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

    def _swap(self) -> None:
        self._fill()
        with self._at_one_position() as connection:
            for schema, name in ((SCHEMA, OLD), (SHADOW, SCHEMA)):
                rename_read_models(connection, schema, name)

    def _forget(self) -> None:
        """Delete the names of people who were removed after the copy had met them."""
        with self._pool.connection() as connection:
            forget_names(connection)


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disable cyclic GC: facts form no cycles, and looking for some took half of the CPU time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def exclusive_rebuild(connection: Connection[DictRow]) -> Iterator[None]:
    """Hold the lock of rebuilds, which keeps others out. Raises AlreadyRebuilding."""
    row = connection.execute(TRY_LOCK).fetchone()
    if not row or not row["locked"]:
        raise AlreadyRebuilding("another rebuild is running")
    try:
        yield
    finally:
        connection.execute(UNLOCK)
