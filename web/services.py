"""What the views work with, put together once by `create_app`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.application import Ledger
from projections.projector import ProjectingFailed, Projector

Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The write side, the read side, and the clock."""

    ledger: Ledger
    projector: Projector
    clock: Clock

    @contextmanager
    def reading(self) -> Iterator[Cursor[DictRow]]:
        """A cursor on the read models, as they are."""
        with self.ledger.pool.connection() as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def deciding(self) -> Iterator[Cursor[DictRow]]:
        """A cursor on the read models, caught up with the journal. Raises ProjectingFailed."""
        self.projector.catch_up()
        with self.reading() as cursor:
            yield cursor

    def show(self, position: int | None) -> None:
        """Catches the read models up with what was just appended.

        A failure is not the reporter's: the facts are stored. It is logged, `/readyz` tells of it, and
        the next request tries again.
        """
        try:
            self.projector.catch_up(position)
        except ProjectingFailed:
            log.exception("Facts are stored, but the read models are behind the journal")


def services() -> Services:
    return cast(Services, current_app.extensions["usage-ledger"])


def refresh() -> None:
    """Before every request: projects what another process may have appended and not lived to project."""
    services().show(None)
