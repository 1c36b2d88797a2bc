"""What requests are worked on with: the services of the application, and what is known of a request so far.

Only the pipeline and views ask for these; all else is passed what it needs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, cast
from uuid import UUID

from flask import current_app, g
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.idempotency import IdempotentRequest
from ledger.domain.access import Caller, TokenUses
from ledger.domain.metering import MeteredResource
from ledger.handler import CommandHandler
from ledger.journal.guard import ledger_id
from ledger.journal.ledger import Ledger
from ledger.journal.tree.keys import KeyFile
from ledger.journal.tree.signing import Signing
from ledger.ports import Observer
from projections.fast.cache import VersionedCache
from projections.fast.position import End, KnownPosition
from projections.history.moments import Past
from projections.lookups import accounts, catalogue, people
from projections.lookups.accounts import Credentials
from projections.lookups.decision_state import PostgresReadModels
from projections.projector import Projector
from web.limits.deadline import pulse
from web.limits.guesses import Attempts
from web.limits.memory import Gates
from web.request.validators.kept import Kept
from web.wire.exports.forms import Form

Clock = Callable[[], datetime]

CHECKPOINT_SECONDS = 1.0
"""How old a checkpoint gets before another one is signed, unless the operator says otherwise."""


class Meter(Observer, Protocol):
    """Counts what comes of reports, too."""

    def reported(self, accepted: int, refused: int, unchanged: int, providers: Iterable[UUID]) -> None:
        """Take note of what came of the reports of a request, and which providers they were of."""


class Replica(NamedTuple):
    """What a server that writes nothing tells: where to write, and when it is too far behind."""

    primary_url: str | None = None
    max_lag_seconds: float = 30.0

    @property
    def refusal(self) -> str:
        """Return what is said to a write."""
        told = "This server is read-only."
        return f"{told} Write to {self.primary_url}." if self.primary_url else told


class Services:
    """The write side, where reports are handed in, the read side, who signs, and the clock.

    The ledger is called `origin`, or goes by its id. Where there is a `meter`, it is told of reports.
    A `replica` writes nothing.
    """

    def __init__(
        self,
        ledger: Ledger,
        projector: Projector,
        clock: Clock,
        *,
        origin: str = "",
        key_file: KeyFile | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        meter: Meter | None = None,
        replica: Replica | None = None,
    ) -> None:
        self.ledger, self.projector, self.clock, self._origin = ledger, projector, clock, origin
        self.meter, self.replica = meter, replica
        self.signing = Signing(ledger.pool.connection, key_file, self.origin, checkpoint_seconds)
        self._cache, self.attempts, self.gates = VersionedCache(), Attempts(), Gates()
        self.kept = Kept()
        self.handler = CommandHandler(ledger, PostgresReadModels(projector, self._cache), observer=meter)

    @contextmanager
    def reading(self) -> Iterator[Cursor[DictRow]]:
        """Yield a cursor on the read models, as they are."""
        with self.ledger.pool.connection() as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def deciding(self) -> Iterator[Cursor[DictRow]]:
        """Yield a cursor on the read models, caught up with the journal. Raises ProjectingFailed."""
        self.projector.catch_up()
        with self.reading() as cursor:
            yield cursor

    def origin(self) -> str:
        """Return the name of the ledger: what the operator calls it, or its id."""
        if self._origin:
            return self._origin
        with self.reading() as cursor:
            return f"usage-ledger/{ledger_id(cursor.connection).hex}"

    def credentials(self, token_hash: str) -> Credentials | None:
        """Return what the token with this hash stands for, None if it is unknown or revoked."""

        def read(_: object) -> dict[str, Credentials]:
            with self.reading() as cursor:
                found = accounts.credentials(cursor, token_hash)
            return {token_hash: found} if found else {}

        version = self.projector.shared_position.known().version
        return self._cache.get_many(version, [token_hash], read).get(token_hash)

    def credentials_now(self, token_uuid: UUID) -> Credentials | None:
        """Return what a token stands for, asked of the database, None if it is unknown or revoked."""
        with self.reading() as cursor:
            return accounts.credentials_of(cursor, token_uuid)

    def last_forgotten(self) -> int:
        """Return the position of the last fact that forgot somebody: answers from before may name them."""

        def read(_: object) -> dict[str, int]:
            with self.reading() as cursor:
                return {"last forgotten": people.last_forgotten(cursor)}

        version = self.projector.shared_position.known().version
        return self._cache.get_many(version, ["last forgotten"], read)["last forgotten"]

    def resources(self, uuids: Collection[UUID]) -> tuple[tuple[int, ...], dict[UUID, MeteredResource]]:
        """Return those of the resources that exist, behind the cache's version at which they were read."""

        def read(missing: Collection[UUID]) -> dict[UUID, MeteredResource]:
            with self.reading() as cursor:
                return catalogue.metered_resources(cursor, missing)

        version = self.projector.shared_position.known().version
        return version, self._cache.get_many(version, uuids, read)


UNKNOWN = KnownPosition()


@dataclass(slots=True)
class Current:
    """What is known of the request that is worked on. Its steps fill it in, one after the other."""

    known: KnownPosition = UNKNOWN
    """Where the read models were known to be when it came, and of which database they are."""
    end: End | None = None
    """The last fact that the answer is sure to show."""
    past: Past | None = None
    """The fact that is taken for the journal's last, where an earlier state is asked for."""
    diff_from: Past | None = None
    """The fact that a diff begins with."""
    caller: Caller | None = None
    is_strict: bool = False
    """Whether names that nobody knows here are refused, and not ignored."""
    token_uuid: UUID | None = None
    uses: TokenUses = "all"
    """What the token is for."""
    credentials: Credentials | None = None
    """What the token stands for."""
    identified: KnownPosition = UNKNOWN
    """As of when it does: no later fact was seen by who found that out."""
    day: str = ""
    """Today in the ledger's zone, or the moment, where the answer depends on it."""
    etag: str = ""
    form: Form | None = None
    """Of the list that is asked for, None for JSON."""
    received: float | None = None
    """When the whole request was there, by the clock of `web/limits/deadline.py`."""
    idempotent: IdempotentRequest | None = None
    release: Callable[[], None] | None = None
    """Gives back the room that a large body took."""

    def note_received(self) -> float:
        """Return when the request was received: the first time that this is asked."""
        if self.received is None:
            self.received = pulse().earliest()
        return self.received


def services() -> Services:
    """Return the services of the application."""
    return cast(Services, current_app.extensions["usage-ledger"])


def current() -> Current:
    """Return what is known of the request that is worked on."""
    try:
        return cast(Current, g.current)
    except AttributeError:  # the first time; asking before would take longer than all the others together
        g.current = Current()
        return cast(Current, g.current)


def refresh() -> End:
    """Note and return up to which fact the read models are, whichever process took them there."""
    known, now = services().projector.refresh(), current()
    now.known, now.end = known, known.end
    return known.end
