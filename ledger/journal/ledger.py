"""The ledger: an open journal, and the general way to append facts to it; `ledger/handler.py` takes reports.

Every command decides on a fresh read of the past and appends all of its facts, or none. When another
writer was faster, the database refuses the append, because the version in a stream is taken; then the
whole command is done again.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, cast
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, Mapper, Notification, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment, EnvType, get_topic
from psycopg import Connection
from psycopg.rows import DictRow

from ledger.domain.people import Entropy, Person, new_person
from ledger.errors import Contended
from ledger.events import Fact
from ledger.journal.connections import Pool, Reachability, parameters_of
from ledger.journal.recorder import SCHEMA, Appending, FactMapper, JournalRecorder

ATTEMPTS = 10
"""How often a command is decided anew before it is refused as contended."""


class Decision(NamedTuple):
    """Facts to append, and the people among those they name whom the ledger does not know yet."""

    facts: list[Fact]
    people: Iterable[Person] = ()


class Ledger(Application[UUID]):
    """Appends facts to the journal in a PostgreSQL database.

    `zone` decides the month of reports that don't say their own; `entropy` makes the ids and salts of
    people; `create` makes the journal's tables where they are missing. Its methods raise a LedgerError
    for what is refused, and eventsourcing's or psycopg's OperationalError while the database is away.
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
    ) -> None:
        self.zone = zone
        self._entropy = entropy
        self._connections = connections
        self._parameters = parameters_of(conninfo)
        self.reachability = Reachability(self._parameters, longest_use)
        # For the read side; the journal has connections of its own, no more of both than there are callers.
        self.pool: Pool = Pool(self._parameters, self.reachability, most=connections)
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
        """Leaves the process environment out: only `web/runtime/config.py` reads it."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Puts our pool in place of the library's, whose variables know five parameters of a conninfo."""
        factory = super().construct_factory(env)
        assert isinstance(factory, PostgresFactory)
        parameters = self._parameters | {"prepare_threshold": None}  # for BatchCursor
        # The library's class is another, of which it needs no more than ours has.
        factory.datastore.pool = cast(Any, Pool(parameters, self.reachability, most=self._connections))
        return factory

    def construct_mapper(self) -> Mapper[UUID]:
        return FactMapper()

    @property
    def journal(self) -> JournalRecorder:
        return cast(JournalRecorder, self.recorder)

    def check_connections(self) -> None:
        """Replaces those that are dead. While the database is away there is nothing to replace them with."""
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

    def append(self, decide: Callable[[], Decision]) -> int | None:
        """Appends what `decide` returns, all or nothing; calls it again when another writer was faster.

        Returns the position of the last fact, None if there was none. Raises Contended after ATTEMPTS lost
        races, and what `decide` raises.
        """
        for _ in range(ATTEMPTS):
            facts, people = decide()
            if not facts:
                return None
            try:
                return self.journal.insert_events(self.stored(facts), people=people)[-1]
            except IntegrityError:
                continue
        raise Contended

    def people(self, usernames: Iterable[str]) -> tuple[dict[str, Person], dict[str, Person]]:
        """The people behind usernames: those whom the ledger knows, and new ones for the others."""
        with self.journal.transaction() as appending:
            return self.people_in(appending, usernames)

    def people_in(
        self, appending: Appending, usernames: Iterable[str]
    ) -> tuple[dict[str, Person], dict[str, Person]]:
        """The same in a transaction that goes on."""
        names = list(dict.fromkeys(usernames))
        known = appending.people(names) if names else {}
        return known, {name: new_person(name, self._entropy) for name in names if name not in known}

    def stored(self, facts: Iterable[Fact]) -> list[StoredEvent]:
        """Facts as the journal stores them."""
        return [self.mapper.to_stored_event(fact) for fact in facts]

    def stored_after(self, position: int, limit: int) -> Sequence[Notification]:
        """Up to `limit` facts that were recorded after a position, as they are stored, in order."""
        return self.recorder.select_notifications(start=position, limit=limit, inclusive_of_start=False)

    def facts_after(self, position: int, limit: int) -> list[tuple[int, Fact]]:
        """The same as facts, with their positions."""
        decode = cast(FactMapper, self.mapper).fact
        return [(at, decode(topic, text)) for at, topic, text in self.journal.select_facts(position, limit)]
