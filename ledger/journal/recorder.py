"""The journal in PostgreSQL: eventsourcing's recorder, with what ours needs on top.

UPDATE, DELETE and TRUNCATE are refused by the database itself, and gaps in a stream: see
`ledger/journal/guard.py`. People who are named for the first time are stored in the transaction of the facts
that name them: see `ledger/journal/transaction.py`.

The SQL of the write side is in this room; all other SQL is in `projections/`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from eventsourcing.persistence import InterfaceError, Notification, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg import Connection
from psycopg.abc import Query
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg.rows import DictRow, tuple_row

from ledger.journal.guard import ensure_journal
from ledger.journal.mapper import FactMapper
from ledger.journal.roles import LOCK_FACTS, SELECT_MAY_LOCK
from ledger.journal.transaction import open_transaction

SCHEMA = "journal"

# With the envelope put back: as bytes, which binary results leave as they are.
SELECT_TEXTS = """
SELECT notification_id, topic, convert_to(
    '{"originator_id":"' || originator_id || '","originator_version":' || originator_version || ',', 'UTF8'
) || substr(state, 2)
FROM journal.ledger_events WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s"""

# Of the kinds `searched` only facts in whose state one of the texts is found; with no kinds named, all facts.
# strpos takes a third of the time that LIKE or position() take.
SELECT_STORED = """
SELECT originator_id, originator_version, topic, state, notification_id FROM journal.ledger_events
WHERE notification_id > %(after)s AND notification_id <= %(last)s AND (
    %(kinds)s::text[] IS NULL OR topic = ANY(%(kinds)s)
    OR (topic = ANY(%(searched)s) AND EXISTS (
        SELECT FROM unnest(%(texts)s::text[]) AS t(part) WHERE strpos(convert_from(state, 'UTF8'), part) > 0))
)
ORDER BY notification_id LIMIT %(limit)s"""


class Search(NamedTuple):
    """Some of the facts: all of these kinds, and those of other kinds in whose state one of the texts is.

    Without `kinds` it is all facts.
    """

    kinds: list[str] | None
    searched: list[str]
    texts: list[str]


@contextmanager
def ended_waits() -> Iterator[None]:
    """Raise psycopg's own error where a wait was ended in the block: it is not to be tried ten times."""
    try:
        yield
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable | QueryCanceled):
            raise error.__cause__ from None
        raise


class JournalRecorder(PostgresApplicationRecorder):
    """Appends facts, all or nothing, in an order that is the order of their commits.

    Takes the library's table lock: without it a reader that tails the journal would pass over facts that are
    committed late. Never turn POSTGRES_ENABLE_DB_FUNCTIONS on.
    """

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.lock_table_statements = self.lock_table_statements[1:]  # the timeout is each connection's
        self._knows_how_to_lock = False

    def lock_statements(self, connection: Connection[DictRow]) -> list[Query]:
        """Return what locks the journal: for a role that may only append, the owner's function."""
        if not self._knows_how_to_lock:
            row = connection.execute(SELECT_MAY_LOCK).fetchone()
            if row and not row["may_lock"]:
                self.lock_table_statements = [LOCK_FACTS]
            self._knows_how_to_lock = True
        return self.lock_table_statements

    def create_table(self) -> None:
        """Make what the journal lacks in its database. The caller holds LOCK_CREATION."""
        with self.datastore.get_connection() as connection:
            ensure_journal(connection, super().create_table)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append facts that are in their stored form: the library's way in.

        Returns their positions. Takes `people` whom they name for the first time. Raises eventsourcing's
        IntegrityError where a version in a stream is taken.
        """
        with open_transaction(self, FactMapper()) as transaction:
            return transaction.append_stored(stored_events, **kwargs)

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_texts(self, after: int, limit: int) -> list[tuple[int, str, bytes]]:
        """Return position, topic and text of up to `limit` facts after a position, in order.

        Quicker than the library's notifications, which have more in them.
        """
        with (
            ended_waits(),
            self.datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            return cursor.execute(SELECT_TEXTS, {"after": after, "limit": limit}).fetchall()

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_stored(
        self, after: int, last: int, limit: int, search: Search | None = None
    ) -> list[Notification]:
        """Return up to `limit` facts after a position and up to `last`, as they are stored, in order.

        Quicker than the library's notifications, which have states written in hexadecimal.
        """
        looked_for = search or Search(None, [], [])
        values = {"after": after, "last": last, "limit": limit, **looked_for._asdict()}
        with (
            ended_waits(),
            self.datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            return [Notification(*row) for row in cursor.execute(SELECT_STORED, values)]
