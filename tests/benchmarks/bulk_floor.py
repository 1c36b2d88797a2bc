"""The bulk floor: COPY of facts that are there, into a table like the journal's."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import psycopg
from psycopg.rows import TupleRow

from tests.benchmarks.database import head_of
from tests.benchmarks.load import Played
from tests.benchmarks.reported import BULK_CLIENTS, VALUES
from tests.benchmarks.sets import TYPES_OF_FACTS

SELECT_FACTS = """
SELECT originator_id, originator_version, topic, state FROM journal.ledger_events
WHERE notification_id > %(head)s"""

CREATE_BULK_FLOOR = """
DROP TABLE IF EXISTS journal.bulk_floor;
CREATE TABLE journal.bulk_floor (LIKE journal.ledger_events INCLUDING ALL);
"""
COPY_BULK_FLOOR = """
COPY journal.bulk_floor (originator_id, originator_version, topic, state) FROM STDIN (FORMAT binary)"""


class BulkFloor:
    """COPY of the facts that the last play appended: a thousand and a commit at a time, as many clients."""

    def __init__(self, url: str, head: int) -> None:
        self._url, self._head = url, head
        with psycopg.connect(url) as connection:
            connection.execute(CREATE_BULK_FLOOR)

    def play(self, _seconds: float) -> Played:
        batches = self._new_facts()
        with psycopg.connect(self._url) as connection:
            connection.execute("TRUNCATE journal.bulk_floor")
        with ThreadPoolExecutor(BULK_CLIENTS) as pool:
            began = time.monotonic()
            list(pool.map(self._copy, [batches[client::BULK_CLIENTS] for client in range(BULK_CLIENTS)]))
            took = time.monotonic() - began
        return Played(calls=len(batches), seconds=took, bytes=0, p50=0, p99=0, refused=0, lost=0)

    def _new_facts(self) -> list[list[TupleRow]]:
        with psycopg.connect(self._url) as connection:
            rows = iter(connection.execute(SELECT_FACTS, {"head": self._head}).fetchall())
        self._head = head_of(self._url)
        return list(iter(lambda: list(islice(rows, VALUES)), []))

    def _copy(self, batches: list[list[TupleRow]]) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection, connection.cursor() as cursor:
            for batch in batches:
                with cursor.copy(COPY_BULK_FLOOR) as copy:
                    copy.set_types(TYPES_OF_FACTS)
                    for row in batch:
                        copy.write_row(row)
