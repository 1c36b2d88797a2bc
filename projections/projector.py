"""Brings every read model up to date, a batch of facts at a time: the only driver of projections.

All read models share one position. It commits in one transaction with the rows that follow from the
facts up to it, so they can't contradict each other, and no fact is projected twice or left out: the
journal is appended to in the order of its positions.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files
from threading import Lock
from typing import Protocol

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from ledger.events import Fact
from projections import accounts, catalogue, component_usage, user_usage

SCHEMA = "read_models"
BATCH = 5_000

SCHEMA_SQL = files("projections").joinpath("schema.sql").read_text()

HAS_SCHEMA = "SELECT to_regnamespace(%(schema)s) IS NOT NULL AS exists"
CREATE_SCHEMA = SQL("CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}")

SELECT_POSITIONS = """
SELECT position, (SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events) AS head
FROM read_position"""

# Whoever comes second waits here, and then finds that the first has projected for both.
LOCK_POSITION = "SELECT position FROM read_position FOR UPDATE"

MOVE_POSITION = "UPDATE read_position SET position = %(position)s"

# What is lost with a crash of the database is projected again: only the journal has to be durable.
DO_NOT_WAIT_FOR_DISK = "SET LOCAL synchronous_commit TO off"


class ReadModel(Protocol):
    """What every module of a read model offers."""

    def project(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
        """Changes the rows of this read model as a batch of facts, with their positions, demands."""


# The catalogue comes first: usages are placed where their resource is.
MODELS: tuple[ReadModel, ...] = (catalogue, accounts, component_usage, user_usage)

ReadFacts = Callable[[int, int], list[tuple[int, Fact]]]
"""Up to so many facts after a position, with their positions, in order."""


def create_read_models(connection: Connection[DictRow]) -> None:
    """Makes the tables of all read models, empty, unless they are there. No other process may do so now."""
    with connection.transaction():
        row = connection.execute(HAS_SCHEMA, {"schema": SCHEMA}).fetchone()
        if row and not row["exists"]:
            connection.execute(CREATE_SCHEMA.format(schema=Identifier(SCHEMA)))
            connection.execute(SCHEMA_SQL.encode())


class ProjectingFailed(Exception):
    """The read models could not be brought up to date. The journal has every fact all the same."""


def reason_of(error: Exception) -> str:
    """What happened, without the rows that PostgreSQL tells it with: this is shown to anybody."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}: {told or error}"


class Projector:
    """Catches the read models up with the journal; safe to be called from many threads and processes.

    The connections of `pool` must have the read models' schema first in their search path.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        read_facts: ReadFacts,
        models: Sequence[ReadModel] = MODELS,
        batch: int = BATCH,
    ) -> None:
        self._pool, self._read_facts, self._models, self._batch = pool, read_facts, models, batch
        self._turn = Lock()
        self._reached = 0

    def catch_up(self, position: int | None = None) -> int:
        """Returns once every read model reflects the facts up to `position`; None: all that are committed.

        Callers who wait for each other are served by the first of them. Returns the position reached.
        Raises ProjectingFailed, with nothing of the failed batch in any read model; the next call tries
        again.
        """
        try:
            target = self._head() if position is None else position
            while self._reached < target:
                with self._turn:
                    if self._reached < target:
                        self._project_batch(target)
        except Exception as error:
            raise ProjectingFailed(reason_of(error)) from error
        return self._reached

    def _head(self) -> int:
        """The position of the last fact. Also notices what other processes have projected."""
        with self._pool.connection() as connection:
            row = connection.execute(SELECT_POSITIONS).fetchone()
        assert row is not None, "create_read_models makes the row, and nothing deletes it"
        self._reached = max(self._reached, row["position"])
        head: int = row["head"]
        return head

    def _project_batch(self, target: int) -> None:
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(DO_NOT_WAIT_FOR_DISK)
            row = cursor.execute(LOCK_POSITION).fetchone()
            assert row is not None
            position: int = row["position"]
            if position < target:
                facts = self._read_facts(position, self._batch)
                for model in self._models:
                    model.project(cursor, facts)
                position = facts[-1][0]
                cursor.execute(MOVE_POSITION, {"position": position})
        self._reached = position
