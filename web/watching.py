"""Listens for what other servers and commands do, so that no request has to ask the database for it.

Within one server the board is exact: a worker puts its position there before it answers. What others do comes
as a notification of the database, a moment after their commit. Whenever the listening has not been proved for
a while, requests ask for themselves again.
"""

import logging
import time
from threading import Thread

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from projections.projector import CHANNEL, Projector

BEAT_SECONDS = 1.0
"""How often the listening is proved, by a question on its own connection."""

LISTEN = SQL("LISTEN {channel}").format(channel=Identifier(CHANNEL))

log = logging.getLogger(__name__)


class Watch:
    """Keeps a projector's board up to date, in a thread of its own, for as long as the process lives."""

    def __init__(self, conninfo: str, projector: Projector) -> None:
        self._conninfo, self._projector = conninfo, projector
        self._proved_until = 0.0
        projector.is_watched = self.is_proved

    def is_proved(self) -> bool:
        return time.monotonic() < self._proved_until

    def start(self) -> None:
        Thread(target=self._run, daemon=True, name="watch").start()

    def _run(self) -> None:
        while True:
            try:
                with psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row) as connection:
                    connection.execute(LISTEN)
                    while True:
                        self._beat(connection)
            except (psycopg.Error, ValueError) as error:  # the latter if others use the channel, too
                self._proved_until = 0.0
                log.warning("Not listening to the database: %s", error)
            time.sleep(BEAT_SECONDS)

    def _beat(self, connection: Connection[DictRow]) -> None:
        asked = time.monotonic()
        reached = self._projector.reached_on(connection)
        if reached.position < reached.head:
            self._projector.show(reached.head)
        self._proved_until = asked + 3 * BEAT_SECONDS
        for notify in connection.notifies(timeout=BEAT_SECONDS):
            position, described = map(int, notify.payload.split())
            self._projector.board.rise(position, described)
