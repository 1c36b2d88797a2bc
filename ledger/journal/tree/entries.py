"""Reads the journal as entries, the bytes that the tree hashes: for whoever makes the tree anew elsewhere."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import DictRow

from ledger.proof.entries import entry_of

SELECT_ROWS = """
SELECT originator_id, originator_version, notification_id, topic, state FROM journal.ledger_events
WHERE notification_id <= %(last)s ORDER BY notification_id"""

AT_A_TIME = 250
"""Rows that are held. A few of a journal are megabytes long."""


def entries_up_to(connection: Connection[DictRow], position: int) -> Iterator[bytes]:
    """Yield the entries of all facts up to a position, in the transaction that the connection must be in.

    Raises Malformed for a row that no fact can be.
    """
    with connection.cursor("entries", binary=True) as cursor:
        cursor.itersize = AT_A_TIME
        for row in cursor.execute(SELECT_ROWS, {"last": position}):
            stream, version = row["originator_id"].hex, row["originator_version"]
            yield entry_of(stream, version, row["notification_id"], row["topic"], bytes(row["state"]))
