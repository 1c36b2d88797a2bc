"""Listens for what other servers and commands do, so that no request has to ask the database for it.

Within one server the shared position is exact: a worker advances it before it answers. What others do comes
as a notification of the database, a moment after their commit, to one of the workers; when that one dies the
next takes over. While the listening is not proved for some seconds, requests ask the database themselves.
"""

import logging
import time
from collections.abc import Callable
from threading import Thread

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.journal.ledger import Ledger
from projections.fast.position import End, KnownPosition
from projections.projector import OtherHistory, Projector
from projections.read_position import CHANNEL

BEAT_SECONDS = 1.0
"""The listening is proved so often, by a question on its own connection."""

LISTEN = SQL("LISTEN {channel}").format(channel=Identifier(CHANNEL))

log = logging.getLogger(__name__)


class PositionListener:
    """A thread that keeps a projector's shared position current as long as the process lives.

    It calls `mend` where the journal is there and the read models do not follow from it.
    """

    def __init__(self, ledger: Ledger, projector: Projector, mend: Callable[[], object]) -> None:
        self._ledger, self._projector, self._mend = ledger, projector, mend

    def start(self) -> None:
        """Start the thread."""
        Thread(target=self._run, daemon=True, name="watch").start()

    def _run(self) -> None:
        failures = 0
        while True:
            try:
                with self._projector.shared_position.listening() as is_ours:
                    if is_ours:
                        self.listen()
            except BaseException as error:  # nobody would miss this thread until something is not seen
                failures += 1
                name = type(error).__name__
                log.warning("Not listening to the database, failure %d: %s: %s", failures, name, error)
            time.sleep(BEAT_SECONDS)

    def listen(self) -> None:
        with self._ledger.connect() as connection:
            connection.execute(LISTEN)
            while True:
                self._beat(connection)

    def _beat(self, connection: Connection[DictRow]) -> None:
        asked, shared = time.monotonic(), self._projector.shared_position
        self.look(connection)
        shared.live_until(asked + 3 * BEAT_SECONDS)
        generation = shared.known().generation
        for notify in connection.notifies(timeout=BEAT_SECONDS):
            position, digest, *rest = map(int, notify.payload.split())
            shared.advance(KnownPosition(generation, End(position, digest), *rest))

    def look(self, connection: Connection[DictRow]) -> None:
        """Compare the known position with the database's; have read models mended that do not follow."""
        try:
            with self._ledger.reachability.limited(connection):
                reached = self._projector.reached_on(connection)
        except OtherHistory as problem:
            log.error("Nothing is served: %s", problem)
            self._mend()
        else:
            if reached.position < reached.head:
                self._projector.recover(reached.head)
