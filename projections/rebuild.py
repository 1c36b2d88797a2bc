"""Makes every read model anew from the journal, beside the live ones, and puts the new ones in their place.

The live read models serve reads and reports all the while. The copy is filled in bulk: rows first, then where
they belong, the figures that follow from them, and the indexes, each for all rows at once. It is compared
with the live read models at one position, and takes over in one short transaction in which both are at one
position again. A rebuild that ends early, however it ends, leaves nothing but a schema that nobody reads; the
next rebuild removes it.
"""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

from projections.projector import (
    BATCH,
    CREATE_INDEXES,
    DO_NOT_WAIT_FOR_DISK,
    ENTER_SCHEMA,
    LOCK_PROJECTING,
    MODELS,
    SCHEMA,
    SELECT_HEAD,
    Pool,
    Projection,
    ReadFacts,
    ReadModel,
    create_read_models,
    position_of,
    project_batch,
)
from projections.writers import accounts, allocation, carry_over, catalogue, component_usage, user_usage
from projections.writers import counters as figures

SHADOW, OLD = f"{SCHEMA}_shadow", f"{SCHEMA}_old"

TRY_TO_BE_THE_ONLY_ONE = "SELECT pg_try_advisory_lock(hashtext('usage-ledger: rebuilding')) AS alone"
LET_OTHERS = "SELECT pg_advisory_unlock(hashtext('usage-ledger: rebuilding'))"

DROP = SQL("DROP SCHEMA IF EXISTS {schema} CASCADE")
RENAME = SQL("ALTER SCHEMA {schema} RENAME TO {name}")

SELECT_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s AND tablename <> 'read_position'
ORDER BY tablename"""

BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Order and duplicates apart: most of the time all there is to know, and quickly.
DIGEST = SQL("SELECT count(*) AS rows, sum(hash_record_extended(t, 0)) AS hash FROM {table} t")

COMPARE = SQL("""
WITH only_live AS MATERIALIZED ({live} EXCEPT ALL {shadow}), only_rebuilt AS MATERIALIZED (
    {shadow} EXCEPT ALL {live}
)
SELECT
    (SELECT count(*) FROM only_live) AS only_live,
    (SELECT count(*) FROM only_rebuilt) AS only_rebuilt,
    (SELECT to_jsonb(a)::text FROM only_live a LIMIT 1) AS live_example,
    (SELECT to_jsonb(b)::text FROM only_rebuilt b LIMIT 1) AS rebuilt_example""")

NAMING = ("account", "offering_user", "user_usage")
"""Tables that have the `username` of a `person`, null once the person has been forgotten."""

ROWS = SQL("SELECT {columns} FROM {table} t")

FORGET = SQL("""
UPDATE {table} SET username = NULL
WHERE username IS NOT NULL AND NOT EXISTS (SELECT FROM journal.person p WHERE p.uuid = person)""")

SELECT_COLUMNS = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

# Of those who are known. To name somebody who was removed is as good as not to name them.
SHOWN_NAME = SQL(
    "CASE WHEN EXISTS (SELECT FROM journal.person p WHERE p.uuid = t.person) THEN t.username END AS username"
)

COUNT_FORGOTTEN = """
SELECT count(DISTINCT person) AS forgotten FROM (
    SELECT person, username FROM read_models.account
    UNION ALL SELECT person, username FROM read_models.offering_user
    UNION ALL SELECT person, username FROM read_models.user_usage
) named
WHERE username IS NOT NULL AND NOT EXISTS (SELECT FROM journal.person p WHERE p.uuid = named.person)"""

# As long as a crash would only lead to another rebuild.
DO_NOT_LOG = "ALTER TABLE component_usage SET UNLOGGED; ALTER TABLE user_usage SET UNLOGGED"
LOG = "ALTER TABLE component_usage SET LOGGED; ALTER TABLE user_usage SET LOGGED"

# For this transaction: most of the time goes into indexes.
USE_MEMORY = "SET LOCAL maintenance_work_mem TO '256MB'; SET LOCAL work_mem TO '64MB'"

ANALYZE = "ANALYZE component_usage, user_usage"


LOADING: tuple[ReadModel, ...] = (
    allocation,
    catalogue,
    accounts,
    Projection(allocation.project_component_limits),
    Projection(component_usage.load),
    Projection(user_usage.load),
    carry_over,
)
"""The MODELS, as long as there are neither figures nor indexes."""

Progress = Callable[[int, int], None]
"""Told after every batch how many facts it had, and how many positions the journal has in all."""


class AlreadyRebuilding(Exception):
    """Another process rebuilds the read models at the moment."""


class Difference(NamedTuple):
    """A table in which live and rebuilt rows differ: how many rows only one of them has, and one each."""

    table: str
    only_live: int
    only_rebuilt: int
    live_example: str | None
    rebuilt_example: str | None


class Rebuilt(NamedTuple):
    """What a rebuild came to: whether its rows took over, in what they differ from those that were live, and
    how many people have been forgotten, whose names it left out."""

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
        """Rebuilds the read models, which take over unless they differ from the live ones.

        Names of people who were removed from `journal.person` are no difference. `accept`: also if they
        differ. `compare=False`: there is nothing to compare with, as the live ones are of another schema, or
        of another journal. Raises AlreadyRebuilding.
        """
        with self._pool.connection() as connection, alone(connection):
            self._clear(connection)
            create_read_models(connection, SHADOW, indexes=False)
            self._load()
            self._complete()
            differences, forgotten = self._compare() if compare else ((), 0)
            if is_live := accept or not differences:
                self._swap()
                self._forget()
            self._clear(connection)
            return Rebuilt(is_live, differences, forgotten)

    def _clear(self, connection: Connection[DictRow]) -> None:
        for schema in (SHADOW, OLD):
            connection.execute(DROP.format(schema=Identifier(schema)))

    def _load(self) -> None:
        """Fills in the rows. The next batch is read and decoded while PostgreSQL works on the one before."""
        with self._in_shadow() as cursor:
            cursor.execute(DO_NOT_LOG)
        with ThreadPoolExecutor(1) as reader, uncollected():
            facts = self._read_facts(0, self._batch)
            while facts:
                following = reader.submit(self._read_facts, facts[-1][0], self._batch)
                with self._in_shadow() as cursor:
                    project_batch(cursor, facts, LOADING)
                    self._progress(len(facts), self._head(cursor))
                facts = following.result()

    def _complete(self) -> None:
        """Adds what follows from the rows."""
        with self._in_shadow() as cursor:
            cursor.execute(USE_MEMORY)
            component_usage.place(cursor)
            user_usage.count(cursor)
            cursor.execute(LOG)
            figures.count(cursor)
            cursor.execute(CREATE_INDEXES)
            cursor.execute(ANALYZE)

    @contextmanager
    def _in_shadow(self) -> Iterator[Cursor[DictRow]]:
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(ENTER_SCHEMA.format(schema=Identifier(SHADOW)))
            cursor.execute(DO_NOT_WAIT_FOR_DISK)
            yield cursor

    def _fill(self, target: int | None = None) -> None:
        """Projects into the copy: up to `target`, or until there is less than a batch to do."""
        while True:
            with self._in_shadow() as cursor:
                facts = self._read_facts(position_of(cursor), self._batch)
                if target is not None:
                    facts = [(position, fact) for position, fact in facts if position <= target]
                if facts:
                    project_batch(cursor, facts, MODELS)
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
        """A transaction during which the live read models stand still, and the copy is where they are."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(LOCK_PROJECTING)
            self._fill(position_of(connection.cursor()))
            yield connection

    def _compare(self) -> tuple[tuple[Difference, ...], int]:
        """In what the copy differs, and how many people the live read models still name."""
        with self._pool.connection() as reader:
            with self._at_one_position():
                reader.execute(BEGIN_SNAPSHOT)
                tables = reader.execute(SELECT_TABLES, {"schema": SHADOW}).fetchall()
            try:
                names = [row["tablename"] for row in tables if not self._is_same(reader, row["tablename"])]
                found = [self._compare_table(reader, name) for name in names]
                forgotten = self._count_forgotten(reader)
            finally:
                reader.execute("ROLLBACK")
        return tuple(each for each in found if each.only_live or each.only_rebuilt), forgotten

    def _forget(self) -> None:
        """Takes out the names of people who were removed after the copy had met them."""
        with self._pool.connection() as connection:
            for table in NAMING:
                connection.execute(FORGET.format(table=Identifier(table)))

    def _count_forgotten(self, reader: Connection[DictRow]) -> int:
        row = reader.execute(COUNT_FORGOTTEN).fetchone()
        assert row is not None
        forgotten: int = row["forgotten"]
        return forgotten

    def _is_same(self, reader: Connection[DictRow], table: str) -> bool:
        live, shadow = (
            reader.execute(DIGEST.format(table=Identifier(schema, table))).fetchone()
            for schema in (SCHEMA, SHADOW)
        )
        return live == shadow

    def _compare_table(self, reader: Connection[DictRow], table: str) -> Difference:
        columns = self._columns(reader, table)
        live, shadow = (
            ROWS.format(columns=columns, table=Identifier(schema, table)) for schema in (SCHEMA, SHADOW)
        )
        row = reader.execute(COMPARE.format(live=live, shadow=shadow)).fetchone()
        assert row is not None
        return Difference(table, **row)

    def _columns(self, reader: Connection[DictRow], table: str) -> Composable:
        if table not in NAMING:
            return SQL("*")
        names = [row["name"] for row in reader.execute(SELECT_COLUMNS, {"table": f"{SCHEMA}.{table}"})]
        return SQL(", ").join([SHOWN_NAME if name == "username" else Identifier(name) for name in names])

    def _swap(self) -> None:
        self._fill()
        with self._at_one_position() as connection:
            for schema, name in ((SCHEMA, OLD), (SHADOW, SCHEMA)):
                connection.execute(RENAME.format(schema=Identifier(schema), name=Identifier(name)))


@contextmanager
def uncollected() -> Iterator[None]:
    """Lets the garbage collector be. Facts are no cycles, and it takes half of Python's time to find that."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def alone(connection: Connection[DictRow]) -> Iterator[None]:
    """Keeps other rebuilds out. Raises AlreadyRebuilding."""
    row = connection.execute(TRY_TO_BE_THE_ONLY_ONE).fetchone()
    if not row or not row["alone"]:
        raise AlreadyRebuilding("another rebuild is running")
    try:
        yield
    finally:
        connection.execute(LET_OTHERS)
