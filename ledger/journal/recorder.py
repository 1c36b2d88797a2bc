"""The journal in PostgreSQL: eventsourcing's recorder, with what ours needs on top.

UPDATE, DELETE and TRUNCATE are refused by the database itself, and gaps in a stream: see
`ledger/journal/guard.py`. People who are named for the first time are stored in the transaction of the facts
that name them: see `ledger/journal/transaction.py`.

The SQL of the write side is in this room; all other SQL is in `projections/`.
"""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import InterfaceError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg.rows import tuple_row

from ledger.journal.guard import ensure_journal
from ledger.journal.mapper import FactMapper
from ledger.journal.transaction import open_transaction

SCHEMA = "journal"

# With the envelope put back: as bytes, which binary results leave as they are.
SELECT_TEXTS = """
SELECT notification_id, topic, convert_to(
    '{"originator_id":"' || originator_id || '","originator_version":' || originator_version || ',', 'UTF8'
) || substr(state, 2)
FROM journal.ledger_events WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s"""


class JournalRecorder(PostgresApplicationRecorder):
    """Appends facts, all or nothing, in an order that is the order of their commits.

    Takes the library's table lock: without it a reader that tails the journal would pass over facts that are
    committed late. Never turn POSTGRES_ENABLE_DB_FUNCTIONS on.
    """

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.lock_table_statements = self.lock_table_statements[1:]  # the timeout is each connection's

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
            self.datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            return cursor.execute(SELECT_TEXTS, {"after": after, "limit": limit}).fetchall()
