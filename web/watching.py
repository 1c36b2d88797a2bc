"""Listens for what other servers and commands do, so that no request has to ask the database for it.

Within one server the board is exact: a worker puts its position there before it answers. What others do comes
as a notification of the database, a moment after their commit, to one of the workers; when that one dies the
next takes over. Whenever the listening has not been proved for a while, requests ask for themselves again.
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

    def start(self) -> None:
        Thread(target=self._run, daemon=True, name="watch").start()

    def _run(self) -> None:
        while True:
            try:
                with self._projector.board.watching():
                    self._listen()
            except (psycopg.Error, ValueError) as error:  # the latter if others use the channel, too
                log.warning("Not listening to the database: %s", error)
            time.sleep(BEAT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row) as connection:
            connection.execute(LISTEN)
            while True:
                self._beat(connection)

    def _beat(self, connection: Connection[DictRow]) -> None:
        asked = time.monotonic()
        reached = self._projector.reached_on(connection)
        if reached.position < reached.head:
            self._projector.show(reached.head)
        self._projector.board.watched_until(asked + 3 * BEAT_SECONDS)
        for notify in connection.notifies(timeout=BEAT_SECONDS):
            position, described = map(int, notify.payload.split())
            self._projector.board.rise(position, described)
