"""When each token was last used, for whoever wants to know which of them still are.

No request waits for it: each worker notes the time, and a thread writes what came in half a minute to a table
that no rebuild touches and no backup has. A worker that is killed forgets its last half minute, and one that
may not write, on a standby, notes nothing.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from ledger.journal.ledger import Ledger
from ledger.journal.scripts import ensure_table
from web.request.authentication import TOKEN
from web.telemetry.ending import at_end
from web.telemetry.requests import Answered

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WRITE_SECONDS = 30
"""How often it is written who was there."""

CREATE_TABLE = """
CREATE SCHEMA IF NOT EXISTS operations;
CREATE TABLE IF NOT EXISTS operations.token_use (
    token_uuid uuid PRIMARY KEY,
    used_at timestamptz NOT NULL
)"""

UPSERT = """
INSERT INTO operations.token_use AS t (token_uuid, used_at)
SELECT * FROM unnest(%(tokens)s::uuid[], %(times)s::timestamptz[])
ON CONFLICT (token_uuid) DO UPDATE SET used_at = greatest(t.used_at, EXCLUDED.used_at)"""

ARE_KEPT = "SELECT to_regclass('operations.token_use') IS NOT NULL AS are_kept"
SELECT = "SELECT token_uuid, used_at FROM operations.token_use"

log = logging.getLogger(__name__)


def ensure_uses(connection: Connection[DictRow]) -> None:
    """Make the table of last uses where it is missing. The caller holds LOCK_CREATION."""
    ensure_table(connection, "operations", "token_use", CREATE_TABLE)


def last_uses(cursor: Cursor[DictRow]) -> Mapping[UUID, datetime]:
    """Return when each token was last used, as far as it is written."""
    kept = cursor.execute(ARE_KEPT).fetchone()
    if not (kept and kept["are_kept"]):  # a database that an older version serves
        return {}
    return {row["token_uuid"]: row["used_at"] for row in cursor.execute(SELECT)}


class Uses:
    """The uses of tokens by the requests of a worker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._used: dict[UUID, datetime] = {}
        self._turn = threading.Lock()

    def start(self) -> None:
        """Write from now on, in a thread of its own, and what is left when this process ends."""
        threading.Thread(target=self._write_for_ever, daemon=True, name="uses").start()
        at_end(self.write)

    def answered(self, _request: Answered, environ: "WSGIEnvironment") -> None:
        """Note that the token of a request was used now."""
        if token := environ.get(TOKEN):
            self._used[token] = datetime.now(UTC)

    def _write_for_ever(self) -> None:
        while True:
            time.sleep(WRITE_SECONDS)
            self.write()

    def write(self) -> None:
        """Write what was noted. What can't be written now is written the next time."""
        with self._turn:
            used = {}
            while self._used:  # others note meanwhile
                token, at = self._used.popitem()
                used[token] = at
            tokens = sorted(used)  # in one order: else two workers could wait for each other
            times = [used[token] for token in tokens]
            try:
                if used:
                    with self._ledger.pool.connection() as connection:
                        connection.execute(UPSERT, {"tokens": tokens, "times": times})
            except psycopg.Error as error:
                log.warning("It could not be noted which tokens were used: %s", type(error).__name__)
                for token, at in used.items():
                    self._used.setdefault(token, at)
