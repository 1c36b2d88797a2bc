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
from ledger.journal.digests import FACT_DIGEST
from projections.fast.position import BeingReplaced, End, KnownPosition, SharedPosition
from projections.writers import accounts, allocation, carry_over, catalogue, component_usage, user_usage

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

SELECT_TABLES = """
SELECT
    to_regclass('journal.ledger_events') IS NOT NULL AS journal,
    to_regclass('read_models.read_position') IS NOT NULL AS read_models"""

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) AS head FROM journal.ledger_events"

# Both digests are of what is in the journal now: that of the fact that the read models end at, and that of
# the fact that was known to be there.
SELECT_POSITIONS = (
    SQL("""
SELECT position, digest, described, ({head}) AS head,
    digest = coalesce((
        SELECT {digest} FROM journal.ledger_events WHERE notification_id = position), 0) AS follows,
    coalesce((
        SELECT {digest} FROM journal.ledger_events WHERE notification_id = %(known)s), 0) AS known_digest
FROM read_position""")
    .format(head=SQL(SELECT_HEAD), digest=FACT_DIGEST)
    .as_string()
)

# Whoever comes second waits here, and then finds that the first has projected for both. A lock of its own,
# not that of the row: after it, names are looked up anew, and may lead to tables that were just rebuilt.
LOCK_PROJECTING = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: projecting'))"

SELECT_POSITION = "SELECT position FROM read_position"
SELECT_END = "SELECT position, digest, described FROM read_position"

# Fails, as a position is never null, unless every fact before the first one is projected, and no other. So
# nobody has to wait for what it says. A copy in another schema tells nobody how far it is.
MOVE_POSITION = (
    SQL("""
UPDATE read_position SET
    position = CASE WHEN position = (
        SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events WHERE notification_id < %(first)s
    ) THEN %(last)s::bigint END,
    digest = (SELECT {digest} FROM journal.ledger_events WHERE notification_id = %(last)s),
    described = greatest(described, %(described)s)
RETURNING CASE WHEN current_schema() = 'read_models'
    THEN pg_notify('usage_ledger', position || ' ' || digest || ' ' || described) END""")
    .format(digest=FACT_DIGEST)
    .as_string()
)

CHANNEL = "usage_ledger"
"""Where every move of the position is told: position, digest and `described`, with spaces between."""

SAYS_NOTHING_NEW = (Report, RequestAnswered)
"""Kinds of facts that leave catalogue, accounts and rights as they are."""

# What is lost with a crash of the database is projected again: only the journal has to be durable.
DO_NOT_WAIT_FOR_DISK = "SET LOCAL synchronous_commit TO off"


class ReadModel(Protocol):
    """What every module of a read model offers."""

    def project(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
        """Changes the rows of this read model as a batch of facts, with their positions, demands."""


class Projection(NamedTuple):
    """A read model, or a part of one, that is a function."""

    project: Callable[[Cursor[DictRow], Sequence[tuple[int, Fact]]], None]


# Allocation follows what the catalogue is about to change, and then the components that it has. Usages are
# placed where their resource is, and users come after what they are of.
MODELS: tuple[ReadModel, ...] = (
    allocation,
    catalogue,
    accounts,
    Projection(allocation.project_component_limits),
    component_usage,
    user_usage,
    carry_over,
)

ReadFacts = Callable[[int, int], list[tuple[int, Fact]]]
"""Up to so many facts after a position, with their positions, in order."""

Pool = ConnectionPool[Connection[DictRow]]

log = logging.getLogger(__name__)


class ProjectingFailed(Exception):
    """The read models could not be brought up to date. The journal has every fact all the same."""


class OtherHistory(ProjectingFailed):
    """The read models end at a fact that is not in the journal: one of both was put back, or replaced.

    Nothing is served or decided until they are rebuilt.
    """


class Reached(NamedTuple):
    """How far the read models are in the database, as `SELECT_POSITIONS` says it."""

    position: int
    digest: int
    described: int
    head: int
    """Position of the journal's last fact."""
    follows: bool
    """Is the fact that the read models end at in the journal?"""
    known_digest: int

    @property
    def end(self) -> End:
        return End(self.position, self.digest)


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


def reason_to_rebuild(connection: Connection[DictRow]) -> str | None:
    """What is wrong with the read models that are there, if anything is: the end of a sentence."""
    row = connection.execute(SELECT_BUILT_BY).fetchone()
    if row is None or row["built_by"] != BUILT_BY:
        return "were built by another version"
    reached = connection.execute(SELECT_POSITIONS, {"known": 0}).fetchone()
    if reached is None or not reached["follows"]:
        return "end at a fact that is not in the journal"
    return None


def position_without_journal(connection: Connection[DictRow]) -> int:
    """The position of read models whose journal has no fact, or is not even there; 0 if all is well."""
    tables = connection.execute(SELECT_TABLES).fetchone()
    if not tables or not tables["read_models"]:
        return 0
    head = connection.execute(SELECT_HEAD).fetchone() if tables["journal"] else None
    return 0 if head and head["head"] else position_of(connection.cursor())


def project_batch(
    cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], models: Sequence[ReadModel]
) -> int:
    """Rows and position of a batch, in the transaction and the schema that the cursor is in.

    Returns the position of its last fact that described something, 0 if none did. The database refuses it if
    facts before it are not projected yet.
    """
    for model in models:
        model.project(cursor, facts)
    descriptions = (position for position, fact in facts if not isinstance(fact, SAYS_NOTHING_NEW))
    first, last, described = facts[0][0], facts[-1][0], max(descriptions, default=0)
    cursor.execute(MOVE_POSITION, {"first": first, "last": last, "described": described})
    return described


def position_of(cursor: Cursor[DictRow]) -> int:
    """The position of the read models in the schema that the cursor is in."""
    row = cursor.execute(SELECT_POSITION).fetchone()
    assert row is not None, "create_read_models makes the row, and nothing deletes it"
    position: int = row["position"]
    return position


class Projector:
    """Catches the read models up with the journal; safe to be called from many threads and processes.

    The connections of `pool` must have the read models' schema first in their search path. `shared_position`
    is shared by the processes of one server.
    """

    def __init__(
        self,
        pool: Pool,
        read_facts: ReadFacts,
        models: Sequence[ReadModel] = MODELS,
        batch: int = BATCH,
        shared_position: SharedPosition | None = None,
    ) -> None:
        self._pool, self._read_facts, self._models, self._batch = pool, read_facts, models, batch
        self._turn = Lock()
        self.shared_position = shared_position or SharedPosition()

    def refresh(self) -> KnownPosition:
        """Notices what others have projected, and does what they did not live to. Returns what is known.

        Raises OtherHistory.
        """
        known = self.shared_position.known()
        if known.end.position == 0 or not self.shared_position.is_live:
            reached = self.reached()
            if reached.position < reached.head:
                self.show(reached.head)
            known = self.shared_position.known()
        return known

    def catch_up(self, position: int | None = None) -> int:
        """Returns once every read model reflects the facts up to `position`; None: all that are committed.

        Callers who wait for each other are served by the first of them. Returns the position reached.
        Raises ProjectingFailed, with nothing of the failed batch in any read model; the next call tries
        again.
        """
        try:
            reached = self.reached()  # the shared position may be ahead
            at, target = reached.position, reached.head if position is None else position
            while at < target:
                with self._turn:
                    at = self._project(target)
        except ProjectingFailed:
            raise
        except Exception as error:
            raise ProjectingFailed(reason_of(error)) from error
        return at

    def follow(
        self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], digest: int
    ) -> KnownPosition:
        """Projects facts in the very transaction that appends them; `digest` is that of the last one.

        Returns what is known once it is committed. Raises what a read model or the database says to it.
        """
        generation = self.shared_position.known().generation
        cursor.execute(LOCK_PROJECTING)
        described = project_batch(cursor, facts, self._models)
        return KnownPosition(generation, End(facts[-1][0], digest), described)

    def show(self, position: int) -> None:
        """Makes sure that the read models reflect the facts up to a position, which are committed.

        A failure is not the reporter's: the facts are stored. It is logged, `/readyz` tells of it, and
        the next request tries again.
        """
        try:
            self.catch_up(position)
        except ProjectingFailed:
            log.exception("Facts are stored, but the read models are behind the journal")

    def reached(self) -> Reached:
        """How far the read models are now, whoever projected. Raises OtherHistory."""
        with self._pool.connection() as connection:
            return self.reached_on(connection)

    def reached_on(self, connection: Connection[DictRow]) -> Reached:
        """The same, asked on a connection of the caller's.

        What is known is held against the database: where that went back, all that was known is forgotten.
        """
        known = self.shared_position.known()  # before the database is asked, which never is behind of it
        row = connection.execute(SELECT_POSITIONS, {"known": known.end.position}).fetchone()
        if row is None:
            raise BeingReplaced
        reached, generation = Reached(**row), known.generation
        if reached.position < known.end.position or reached.known_digest != known.end.digest:
            log.warning("The database is not where it was known to be: position %d", known.end.position)
            generation = self.shared_position.forget(known.generation)
        if not reached.follows:
            self.shared_position.forget(generation)
            raise OtherHistory(
                f"the read models end at position {reached.position}, with a fact that is not in the"
                f" journal, which ends at {reached.head}: they are to be rebuilt"
            )
        self.shared_position.advance(KnownPosition(generation, reached.end, reached.described))
        return reached

    def _project(self, target: int) -> int:
        """Projects a batch, unless somebody else just did. Returns the position reached."""
        generation = self.shared_position.known().generation
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(DO_NOT_WAIT_FOR_DISK)
            cursor.execute(LOCK_PROJECTING)
            position = position_of(cursor)
            if position < target:
                facts = self._read_facts(position, self._batch)
                if not facts:
                    raise ProjectingFailed(f"the journal ends before position {target}")
                project_batch(cursor, facts, self._models)
            row = cursor.execute(SELECT_END).fetchone()
        assert row is not None
        end = End(row["position"], row["digest"])
        self.shared_position.advance(KnownPosition(generation, end, row["described"]))
        return end.position


def reason_of(error: Exception) -> str:
    """What happened, without the rows that PostgreSQL tells it with: this is shown to anybody."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}: {told or error}"
