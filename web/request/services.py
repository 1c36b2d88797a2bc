"""What the views work with, put together once by `create_app`."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import cast
from uuid import UUID

from flask import current_app
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.metering import MeteredResource
from ledger.handler import CommandHandler
from ledger.journal.ledger import Ledger
from projections.fast.cache import VersionedCache
from projections.lookups import accounts, catalogue
from projections.lookups.accounts import Credentials
from projections.lookups.decision_state import PostgresReadModels
from projections.projector import Projector
from web.request.guesses import Attempts

Clock = Callable[[], datetime]


class Services:
    """The write side, where reports are handed in, the read side, and the clock."""

    def __init__(self, ledger: Ledger, projector: Projector, clock: Clock) -> None:
        self.ledger, self.projector, self.clock = ledger, projector, clock
        self._cache, self.attempts = VersionedCache(), Attempts()
        self.handler = CommandHandler(ledger, PostgresReadModels(projector, self._cache))

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

    def credentials(self, token_hash: str) -> Credentials | None:
        """What the token with this hash stands for, None if it is unknown or revoked."""

        def read(_: object) -> dict[str, Credentials]:
            with self.reading() as cursor:
                found = accounts.credentials(cursor, token_hash)
            return {token_hash: found} if found else {}

        version = self.projector.shared_position.known().version
        return self._cache.get_many(version, [token_hash], read).get(token_hash)

    def resources(self, uuids: Collection[UUID]) -> tuple[tuple[int, int], dict[UUID, MeteredResource]]:
        """Return those of the resources that exist, behind the cache's version at which they were read."""

        def read(missing: Collection[UUID]) -> dict[UUID, MeteredResource]:
            with self.reading() as cursor:
                return catalogue.metered_resources(cursor, missing)

        version = self.projector.shared_position.known().version
        return version, self._cache.get_many(version, uuids, read)


def services() -> Services:
    return cast(Services, current_app.extensions["usage-ledger"])
