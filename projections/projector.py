"""Brings every read model up to date, a batch of facts at a time: the only driver of projections.

Of a batch facts are taken, dispatched to the read models that handle them, step by step
(`projections/history/steps.py`), and the position is moved, all in one transaction. So the rows of all read
models can't contradict each other, and no fact is projected twice or left out: the journal is appended to in
the order of its positions.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Lock

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from ledger.events import Fact
from projections import read_position
from projections.fast import plans
from projections.fast.position import End, KnownPosition, SharedPosition
from projections.history.steps import steps
from projections.read_models import READ_MODELS, ReadModels, dispatch
from projections.read_position import MOVE_POSITION, SELECT_END, Reached, position_of
from projections.schema import is_of_this_version

BATCH = 5_000

# Who comes second waits here, and then finds that the first has projected for both. It is a lock of its own
# and not that of the row: tables are looked up by name after it, and may have just been rebuilt.
LOCK_PROJECTING = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: projecting'))"

# What a crash of the database loses is projected again: only the journal has to be durable.
SYNCHRONOUS_COMMIT_OFF = "SET LOCAL synchronous_commit TO off"

Facts = Sequence[tuple[int, Fact]]
"""Facts with their positions, in order."""

ReadFacts = Callable[[int, int], list[tuple[int, Fact]]]
"""Returns up to so many facts after a position, with their positions, in order."""

Pool = ConnectionPool[Connection[DictRow]]

log = logging.getLogger(__name__)


class ProjectingFailed(Exception):
    """The read models could not be brought up to date. The journal has every fact all the same."""


class OtherHistory(ProjectingFailed):
    """The read models end at a fact that is not in the journal: one of both was put back, or replaced.

    Nothing is served or decided until they are rebuilt.
    """


class OtherTables(ProjectingFailed):
    """The read models are those of another version of this software, and nobody here may rebuild them."""


def project_batch(cursor: Cursor[DictRow], facts: Facts, models: ReadModels = READ_MODELS) -> int:
    """Write the rows and the position of a batch, in the transaction and the schema that the cursor is in.

    Returns the position of its last fact that described something, 0 if none did. The database refuses it if
    facts before it are not projected yet.
    """
    described, parts = 0, [facts]
    if len(facts) > plans.MANY and plans.are_unknown(cursor):
        parts = [facts[: plans.MANY], facts[plans.MANY :]]
    for place, part in enumerate(parts):
        if place:
            plans.analyze(cursor)
        described = max(described, *[dispatch(cursor, step, models) for step in steps(part)])
    first, last = facts[0][0], facts[-1][0]
    cursor.execute(MOVE_POSITION, {"first": first, "last": last, "described": described})
    return described


class Projector:
    """Catches the read models up with the journal; safe to be called from many threads and processes.

    The connections of `pool` must have the read models' schema first in their search path. `shared_position`
    is shared by the processes of one server. `is_read_only`: others project, and here it is followed.
    """

    def __init__(
        self,
        pool: Pool,
        read_facts: ReadFacts,
        models: ReadModels = READ_MODELS,
        batch: int = BATCH,
        shared_position: SharedPosition | None = None,
        *,
        is_read_only: bool = False,
    ) -> None:
        self._pool, self._read_facts, self.models, self._batch = pool, read_facts, models, batch
        self._turn, self._is_read_only = Lock(), is_read_only
        self.shared_position = shared_position or SharedPosition()

    def refresh(self) -> KnownPosition:
        """Refresh the known position; project facts whose writer died before projecting them.

        Raises OtherHistory.
        """
        known = self.shared_position.known()
        if known.end.position == 0 or not self.shared_position.is_live:
            reached = self.reached()
            if reached.position < reached.head:
                self.recover(reached.head)
            known = self.shared_position.known()
        return known

    def catch_up(self, position: int | None = None) -> int:
        """Return once every read model reflects the facts up to `position`; None: all that are committed.

        Callers who wait for each other are served by the first of them. Returns the position reached.
        Raises ProjectingFailed, with nothing of the failed batch in any read model; the next call tries
        again.
        """
        try:
            reached = self.reached()  # the shared position may be ahead of a database that was put back
            at, target = reached.position, reached.head if position is None else position
            if at < target and self._is_read_only:
                raise ProjectingFailed(
                    f"the read models are at position {at}, and at {target} once the primary has caught up"
                )
            while at < target:
                with self._turn:
                    at = self._project(target)
        except ProjectingFailed:
            raise
        except Exception as error:
            raise ProjectingFailed(reason_of(error)) from error
        return at

    def project_appended(self, cursor: Cursor[DictRow], facts: Facts, digest: int) -> KnownPosition:
        """Project facts in the very transaction that appends them; `digest` is that of the last one.

        Returns what is known once it is committed. Raises what a read model or the database says to it.
        """
        generation = self.shared_position.known().generation
        cursor.execute(LOCK_PROJECTING)
        described = project_batch(cursor, facts, self.models)
        return KnownPosition(generation, End(facts[-1][0], digest), described)

    def recover(self, position: int) -> None:
        """Make sure that the read models reflect the facts up to a position, which are committed.

        A failure is not the reporter's: the facts are stored. It is logged, `/readyz` tells of it, and
        the next request tries again. Where nothing may be written it is left to those who may.
        """
        if self._is_read_only:
            return
        try:
            self.catch_up(position)
        except ProjectingFailed:
            log.exception("Facts are stored, but the read models are behind the journal")

    def reached(self) -> Reached:
        """Return how far the read models are now, whoever projected. Raises OtherHistory."""
        with self._pool.connection() as connection:
            return self.reached_on(connection)

    def reached_on(self, connection: Connection[DictRow]) -> Reached:
        """Return how far the read models are now, asked on a connection of the caller's.

        The known position is compared with the database: where that went back, all that was known is
        forgotten. Raises OtherHistory, and OtherTables where nobody here may rebuild them.
        """
        known = self.shared_position.known()  # read first: the database is never behind what is known
        if self._is_read_only and not is_of_this_version(connection):
            self.shared_position.forget(known.generation)
            raise OtherTables("the read models were built by another version: install the primary's here")
        reached, generation = read_position.reached(connection, known), known.generation
        if (
            reached.position < known.end.position
            or reached.known_digest != known.end.digest
            or reached.edition < known.edition
        ):
            log.warning("The database is not where it was known to be: position %d", known.end.position)
            generation = self.shared_position.forget(known.generation)
        if not reached.follows:
            self.shared_position.forget(generation)
            raise OtherHistory(
                f"the read models end at position {reached.position}, with a fact that is not in the"
                f" journal, which ends at {reached.head}: they are to be rebuilt"
            )
        self.shared_position.advance(
            KnownPosition(generation, reached.end, reached.described, reached.edition)
        )
        return reached

    def _project(self, target: int) -> int:
        """Project a batch, unless another process just did. Returns the position reached."""
        generation = self.shared_position.known().generation
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(SYNCHRONOUS_COMMIT_OFF)
            cursor.execute(LOCK_PROJECTING)
            position = position_of(cursor)
            if position < target:
                facts = self._read_facts(position, self._batch)
                if not facts:
                    raise ProjectingFailed(f"the journal ends before position {target}")
                project_batch(cursor, facts, self.models)
            row = cursor.execute(SELECT_END).fetchone()
        assert row is not None
        end = End(row["position"], row["digest"])
        self.shared_position.advance(KnownPosition(generation, end, row["described"], row["edition"]))
        return end.position


def reason_of(error: Exception) -> str:
    """Return what happened, without the rows that PostgreSQL tells it with: this is shown to anybody."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}: {told or error}"
