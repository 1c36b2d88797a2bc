"""Brings every read model up to date, a batch of facts at a time: the only driver of projections.

All read models share one position. It commits in one transaction with the rows that follow from the
facts up to it, so they can't contradict each other, and no fact is projected twice or left out: the
journal is appended to in the order of its positions.
"""

import logging
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files
from threading import Lock
from typing import NamedTuple, Protocol

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from ledger.events import Fact, Report, RequestAnswered
from projections import accounts, allocation, catalogue, component_usage, monthly_summary, user_usage
from projections.board import Board

SCHEMA = "read_models"
BATCH = 5_000

CREATE_TABLES, CREATE_INDEXES = (
    files("projections").joinpath(name).read_text().encode() for name in ("schema.sql", "indexes.sql")
)

REVISION = 2
"""To be raised when projections make other rows of the same facts; changed tables tell by themselves."""

BUILT_BY = sha256(b"%d\n%b%b" % (REVISION, CREATE_TABLES, CREATE_INDEXES)).hexdigest()

HAS_SCHEMA = "SELECT to_regnamespace(%(schema)s) IS NOT NULL AS exists"
CREATE_SCHEMA = SQL("CREATE SCHEMA {schema}")
ENTER_SCHEMA = SQL("SET LOCAL search_path TO {schema}")
SIGN_SCHEMA = "UPDATE read_position SET built_by = %(built_by)s"

# As a document, because tables of another version may lack the column.
SELECT_BUILT_BY = "SELECT to_jsonb(p) ->> 'built_by' AS built_by FROM read_models.read_position p"

SELECT_POSITIONS = """
SELECT position, described, (SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events) AS head
FROM read_position"""

# Whoever comes second waits here, and then finds that the first has projected for both. A lock of its own,
# not that of the row: after it, names are looked up anew, and may lead to tables that were just rebuilt.
LOCK_PROJECTING = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: projecting'))"

SELECT_POSITION = "SELECT position FROM read_position"

# Fails, as a position is never null, unless every fact before the first one is projected, and no other. So
# nobody has to wait for what it says. A copy in another schema tells nobody how far it is.
MOVE_POSITION = """
UPDATE read_position SET
    position = CASE WHEN position = (
        SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events WHERE notification_id < %(first)s
    ) THEN %(last)s::bigint END,
    described = greatest(described, %(described)s)
RETURNING CASE WHEN current_schema() = 'read_models'
    THEN pg_notify('usage_ledger', position || ' ' || described) END"""

CHANNEL = "usage_ledger"
"""Where every move of the position is told: both positions, with a space between."""

SAYS_NOTHING_NEW = (Report, RequestAnswered)
"""Kinds of facts that leave catalogue, accounts and rights as they are."""

# What is lost with a crash of the database is projected again: only the journal has to be durable.
DO_NOT_WAIT_FOR_DISK = "SET LOCAL synchronous_commit TO off"


class ReadModel(Protocol):
    """What every module of a read model offers."""

    def project(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
        """Changes the rows of this read model as a batch of facts, with their positions, demands."""


# Allocation follows what the catalogue is about to change. Usages are placed where their resource is, and
# users come after what they are of.
MODELS: tuple[ReadModel, ...] = (
    allocation,
    catalogue,
    accounts,
    monthly_summary,
    component_usage,
    user_usage,
)

ReadFacts = Callable[[int, int], list[tuple[int, Fact]]]
"""Up to so many facts after a position, with their positions, in order."""

Pool = ConnectionPool[Connection[DictRow]]

log = logging.getLogger(__name__)


class ProjectingFailed(Exception):
    """The read models could not be brought up to date. The journal has every fact all the same."""


class Reached(NamedTuple):
    """How far the read models are: the `position` of the last fact they reflect, and of the last one that
    `described` anything else than usage. `head` is the journal's last."""

    position: int
    described: int
    head: int


def create_read_models(
    connection: Connection[DictRow], schema: str = SCHEMA, *, indexes: bool = True
) -> None:
    """Makes the tables of all read models, empty, unless they are there. No other process may do so now."""
    with connection.transaction():
        row = connection.execute(HAS_SCHEMA, {"schema": schema}).fetchone()
        if row and not row["exists"]:
            name = Identifier(schema)
            connection.execute(CREATE_SCHEMA.format(schema=name))
            connection.execute(ENTER_SCHEMA.format(schema=name))
            connection.execute(CREATE_TABLES)
            if indexes:
                connection.execute(CREATE_INDEXES)
            connection.execute(SIGN_SCHEMA, {"built_by": BUILT_BY})


def are_outdated(connection: Connection[DictRow]) -> bool:
    """Whether another version of this software built the read models that are there."""
    row = connection.execute(SELECT_BUILT_BY).fetchone()
    return row is None or row["built_by"] != BUILT_BY


def project_batch(
    cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], models: Sequence[ReadModel]
) -> tuple[int, int]:
    """Rows and position of a batch, in the transaction and the schema that the cursor is in.

    Returns the positions of its last fact and of the last that described something, 0 if none did. The
    database refuses it if facts before it are not projected yet.
    """
    for model in models:
        model.project(cursor, facts)
    descriptions = (position for position, fact in facts if not isinstance(fact, SAYS_NOTHING_NEW))
    first, last, described = facts[0][0], facts[-1][0], max(descriptions, default=0)
    cursor.execute(MOVE_POSITION, {"first": first, "last": last, "described": described})
    return last, described


def position_of(cursor: Cursor[DictRow]) -> int:
    """The position of the read models in the schema that the cursor is in."""
    row = cursor.execute(SELECT_POSITION).fetchone()
    assert row is not None, "create_read_models makes the row, and nothing deletes it"
    position: int = row["position"]
    return position


class Projector:
    """Catches the read models up with the journal; safe to be called from many threads and processes.

    The connections of `pool` must have the read models' schema first in their search path. `board` is
    shared by the processes of one server.
    """

    def __init__(
        self,
        pool: Pool,
        read_facts: ReadFacts,
        models: Sequence[ReadModel] = MODELS,
        batch: int = BATCH,
        board: Board | None = None,
    ) -> None:
        self._pool, self._read_facts, self._models, self._batch = pool, read_facts, models, batch
        self._turn = Lock()
        self._followed = 0, 0
        self.board = board or Board()

    def refresh(self) -> int:
        """Notices what others have projected, and does what they did not live to. Returns the position."""
        if not self.board.is_watched:
            reached = self.reached()
            if reached.position < reached.head:
                self.show(reached.head)
        return self.board.position

    def catch_up(self, position: int | None = None) -> int:
        """Returns once every read model reflects the facts up to `position`; None: all that are committed.

        Callers who wait for each other are served by the first of them. Returns the position reached.
        Raises ProjectingFailed, with nothing of the failed batch in any read model; the next call tries
        again.
        """
        try:
            at, target = self.board.position, position
            if target is None:
                at, _, target = self.reached()  # the board may tell of more, if a database was put back
            while at < target:
                with self._turn:
                    at = self._project(target)
        except Exception as error:
            raise ProjectingFailed(reason_of(error)) from error
        return self.board.position

    def follow(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
        """Projects facts in the very transaction that appends them; `show` is called once it is committed.

        Raises what a read model or the database says to it.
        """
        cursor.execute(LOCK_PROJECTING)
        self._followed = project_batch(cursor, facts, self._models)

    def show(self, position: int) -> None:
        """Makes sure that the read models reflect the facts up to a position, which are committed.

        A failure is not the reporter's: the facts are stored. It is logged, `/readyz` tells of it, and
        the next request tries again.
        """
        if position <= self._followed[0]:
            self.board.rise(*self._followed)
            return
        try:
            self.catch_up(position)
        except ProjectingFailed:
            log.exception("Facts are stored, but the read models are behind the journal")

    def reached(self) -> Reached:
        """How far the read models are now, whoever projected."""
        with self._pool.connection() as connection:
            return self.reached_on(connection)

    def reached_on(self, connection: Connection[DictRow]) -> Reached:
        """The same, asked on a connection of the caller's."""
        row = connection.execute(SELECT_POSITIONS).fetchone()
        assert row is not None
        reached = Reached(**row)
        self.board.rise(reached.position, reached.described)
        return reached

    def _project(self, target: int) -> int:
        """Projects a batch, unless somebody else just did. Returns the position reached."""
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(DO_NOT_WAIT_FOR_DISK)
            cursor.execute(LOCK_PROJECTING)
            moved = position_of(cursor), 0
            if moved[0] < target:
                facts = self._read_facts(moved[0], self._batch)
                moved = project_batch(cursor, facts, self._models)
        self.board.rise(*moved)
        return moved[0]


def reason_of(error: Exception) -> str:
    """What happened, without the rows that PostgreSQL tells it with: this is shown to anybody."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}: {told or error}"
