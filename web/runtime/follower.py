"""Follows a database that others write, for `serve --read-only`: how far it is, and how far behind.

A standby notifies nobody (LISTEN is refused there), so its position is asked for, some times a second, by one
of the workers for all of them. In the same round it is found out whether the standby has all that its primary
has sent. Its lag is the time since that was so, by this host's clock alone: an idle primary is no lag,
however long ago its last transaction was, and a replay that is paused or a primary that can't be reached is
one from that moment on. A primary, or a standby that was promoted, has none.
"""

import logging
import time

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow

from ledger.journal.ledger import Ledger
from projections.projector import ProjectingFailed, Projector
from web.runtime.listener import BEAT_SECONDS, PositionListener

# To whom statistics are not open pg_stat_wal_receiver has nulls beside the process id, and no row unless it
# is connected. `replayed_for` is by two clocks; it counts where there is nothing better.
SELECT_REPLAY = """
SELECT
    is_standby,
    is_standby AND pg_is_wal_replay_paused() AS is_paused,
    EXISTS (
        SELECT FROM pg_stat_wal_receiver WHERE coalesce(status, 'streaming') = 'streaming'
    ) AS is_streaming,
    pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint AS received,
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS replayed,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float AS replayed_for
FROM (SELECT pg_is_in_recovery() AS is_standby OFFSET 0) AS t"""

log = logging.getLogger(__name__)


class Freshness:
    """Finds out when a database had all that its primary had, from one connection to it."""

    def __init__(self) -> None:
        self._awaited: tuple[int, float] | None = None
        """What had been received at a moment, and was not replayed yet."""

    def fresh_at(self, connection: Connection[DictRow]) -> float:
        """Return the latest moment, of the monotonic clock, of which that is known; 0 if of none."""
        asked = time.monotonic()
        row = connection.execute(SELECT_REPLAY).fetchone()
        assert row is not None
        if not row["is_standby"]:
            return asked
        if row["is_paused"] or not row["is_streaming"] or row["received"] is None:
            self._awaited = None
            return asked - row["replayed_for"] if row["replayed_for"] is not None else 0.0
        if row["replayed"] >= row["received"]:
            self._awaited = None
            return asked
        received, at = self._awaited or (row["received"], asked)
        if row["replayed"] >= received:
            self._awaited = row["received"], asked
            return at
        self._awaited = received, at
        return 0.0


class PositionFollower(PositionListener):
    """A thread that asks for the position every few `seconds`, and for nothing to be mended."""

    def __init__(self, ledger: Ledger, projector: Projector, seconds: float) -> None:
        super().__init__(ledger, projector, mend=lambda: None)
        self._seconds = seconds

    def listen(self) -> None:
        freshness, shared = Freshness(), self._projector.shared_position
        with self._ledger.connect() as connection:
            while True:
                asked = time.monotonic()
                try:
                    with self._ledger.reachability.limited(connection):
                        self._projector.reached_on(connection)
                        shared.fresh_at(freshness.fresh_at(connection))
                except ProjectingFailed as problem:
                    log.error("Nothing is served: %s", problem)
                    time.sleep(BEAT_SECONDS)
                except psycopg.errors.SerializationFailure:  # of the rows that were being replaced
                    time.sleep(self._seconds)
                else:
                    shared.live_until(asked + 3 * max(self._seconds, BEAT_SECONDS))
                    time.sleep(self._seconds)
