"""The ledger: an open journal. `ledger/handler.py` is the way to append facts to it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import tzinfo
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, Notification, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment, EnvType, get_topic
from psycopg import Connection
from psycopg.rows import DictRow

from ledger.domain.people import Entropy, Person, new_person
from ledger.events import Fact
from ledger.journal.connections import LOCK_SECONDS, Pool, Reachability, bounded, parameters_of
from ledger.journal.mapper import FactMapper
from ledger.journal.recorder import SCHEMA, JournalRecorder
from ledger.journal.transaction import JournalTransaction, open_transaction


class Ledger(Application[UUID]):
    """An open journal in a PostgreSQL database, with its connections.

    `zone` decides the month of reports that don't say their own; `entropy` makes the ids and salts of
    people; `create` makes the journal's tables where they are missing; `is_read_only` has the
    database refuse to write. Statements wait for a lock for `lock_seconds`, and those of pools take no
    longer than `statement_seconds`, if that is told. Its methods raise a LedgerError for what is refused,
    and eventsourcing's or psycopg's OperationalError while the database is away.
    """

    name = "ledger"

    def __init__(
        self,
        conninfo: str,
        *,
        zone: tzinfo,
        entropy: Entropy,
        connections: int = 10,
        longest_use: float | None = None,
        create: bool = False,
        is_read_only: bool = False,
        lock_seconds: float = LOCK_SECONDS,
        statement_seconds: float | None = None,
    ) -> None:
        self.zone, self.is_read_only = zone, is_read_only
        self._entropy = entropy
        self._connections = connections
        self._parameters = parameters_of(conninfo, is_read_only=is_read_only, lock_seconds=lock_seconds)
        self.reachability = Reachability(self._parameters, longest_use)
        # For the read side; the journal has connections of its own, no more of both than there are callers.
        self._of_pools = bounded(self._parameters, statement_seconds)
        self.pool: Pool = Pool(self._of_pools, self.reachability, most=connections)
        super().__init__(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "APPLICATION_RECORDER_TOPIC": get_topic(JournalRecorder),
                "CREATE_TABLE": "yes" if create else "no",
                "POSTGRES_DBNAME": "",
                "POSTGRES_HOST": "",
                "POSTGRES_USER": "",
                "POSTGRES_PASSWORD": "",
                "POSTGRES_SCHEMA": SCHEMA,
            }
        )
        self.pool.open()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Leave the process environment out: only `web/runtime/config.py` reads it."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Put our pool in place of the library's, whose variables know five parameters of a conninfo."""
        factory = super().construct_factory(env)
        assert isinstance(factory, PostgresFactory)
        parameters = self._of_pools | {"prepare_threshold": None}  # for PreparedBatch
        # The library's class is another, of which it needs no more than ours has.
        factory.datastore.pool = cast(Any, Pool(parameters, self.reachability, most=self._connections))
        return factory

    def construct_mapper(self) -> Mapper[UUID]:
        return FactMapper()

    @property
    def journal(self) -> JournalRecorder:
        return cast(JournalRecorder, self.recorder)

    def check_connections(self) -> None:
        """Replace connections that are dead, unless the database is away and there are no others to have."""
        if not self.reachability.is_away:
            self.pool.check()
            self.journal.datastore.pool.check()

    def connect(self) -> Connection[DictRow]:
        """Open a connection for somebody who keeps it. Raises psycopg's OperationalError."""
        try:
            return psycopg.connect(**self._parameters)
        except psycopg.OperationalError:
            self.reachability.lost()
            raise

    def close(self) -> None:
        self.reachability.close()
        self.pool.close()
        super().close()

    def transaction(
        self, *, is_bulk: bool = False, is_locked: bool = False
    ) -> AbstractContextManager[JournalTransaction]:
        """Open a transaction on the journal, see `open_transaction`."""
        return open_transaction(
            self.journal, cast(FactMapper, self.mapper), is_bulk=is_bulk, is_locked=is_locked
        )

    def new_people(self, usernames: Iterable[str]) -> dict[str, Person]:
        """Make a person for each username, with a random id and salt. Nothing is stored."""
        return {name: new_person(name, self._entropy) for name in usernames}

    def stored_after(self, position: int, limit: int) -> Sequence[Notification]:
        """Return up to `limit` facts behind a position, as they are stored, in order."""
        return self.recorder.select_notifications(start=position, limit=limit, inclusive_of_start=False)

    @property
    def fact(self) -> Callable[[str, bytes, int], Fact]:
        """Return what decodes a fact of a topic from its text with the envelope, and names its position."""
        return cast(FactMapper, self.mapper).fact

    def fact_of(self, event: StoredEvent, position: int) -> Fact:
        """Return the fact that the journal has at a position in this form. Raises UnreadableFact."""
        return cast(FactMapper, self.mapper).to_domain_event(event, position)

    def facts_after(self, position: int, limit: int) -> list[tuple[int, Fact]]:
        """Return up to `limit` facts behind a position, each with its own, in order.

        Raises UnreadableFact.
        """
        decode = self.fact
        return [
            (at, decode(topic, text, at)) for at, topic, text in self.journal.select_texts(position, limit)
        ]
