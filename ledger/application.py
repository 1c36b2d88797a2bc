"""The ledger: an open journal, and the general way to append facts to it; `ledger/desk.py` takes reports.

Every command decides on a fresh read of the past and appends all of its facts, or none. When another
writer was faster, the database refuses the append, because the version in a stream is taken; then the
whole command is done again.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, Mapper, Notification, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment, EnvType, get_topic
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from ledger.errors import Contended
from ledger.events import Fact
from ledger.journal import SCHEMA, Appending, FactMapper, JournalRecorder
from ledger.people import Entropy, Person, new_person

ATTEMPTS = 10
"""How often a command is decided anew before it is refused as contended."""

CONNECT_TIMEOUT_SECONDS = 3
DECIDING_TIMEOUT_SECONDS = 60
"""How long a transaction may stand still between a read and the append that is decided on it."""

TIMEOUTS = f"-c lock_timeout=10s -c idle_in_transaction_session_timeout={DECIDING_TIMEOUT_SECONDS}s"


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
        self, conninfo: str, *, zone: tzinfo, entropy: Entropy, connections: int = 10, create: bool = False
    ) -> None:
        self.zone = zone
        self._entropy = entropy
        given = conninfo_to_dict(conninfo)
        self._connecting: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **given,
            "options": f"{given.get('options') or ''} {TIMEOUTS}".strip(),
            "row_factory": dict_row,
            "autocommit": True,
        }
        # For the read side; the journal has connections of its own, no more of both than there are callers.
        self.pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            kwargs=self._connecting,
            min_size=1,
            max_size=connections,
            timeout=CONNECT_TIMEOUT_SECONDS,
            open=False,
        )
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
                "POSTGRES_POOL_SIZE": "1",
                "POSTGRES_MAX_OVERFLOW": str(connections - 1),
                "POSTGRES_CONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS),
                "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": str(DECIDING_TIMEOUT_SECONDS),
            }
        )
        self.pool.open()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Leaves the process environment out: only `web/config.py` reads it."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Gives the pool the whole conninfo; the library's variables know only five of its parameters."""
        factory = super().construct_factory(env)
        assert isinstance(factory, PostgresFactory)
        factory.datastore.pool.kwargs = self._connecting | {"prepare_threshold": None}  # for BatchCursor
        return factory

    def construct_mapper(self) -> Mapper[UUID]:
        return FactMapper()

    @property
    def journal(self) -> JournalRecorder:
        return cast(JournalRecorder, self.recorder)

    def check_connections(self) -> None:
        """Replaces those that are dead."""
        self.pool.check()
        self.journal.datastore.pool.check()

    def close(self) -> None:
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
