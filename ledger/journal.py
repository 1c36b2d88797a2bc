"""The journal in PostgreSQL: eventsourcing's recorder and mapper, with what ours needs on top.

* UPDATE, DELETE and TRUNCATE are refused by the database itself.
* People who are named for the first time are stored in the transaction of the facts that name them.
* A fact's state is its JSON, written and read by msgspec: a third of the size of the library's own
  transcoding, and typed.

The SQL of the write side is in this file; all other SQL is in `projections/`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import resolve_topic
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier, Literal

from ledger.events import Fact
from ledger.people import Person

SCHEMA = "journal"

LOCK_CREATION = "SELECT pg_advisory_lock(hashtext('usage-ledger: creation of tables'))"
"""Held by whoever makes tables, until their connection closes."""

CREATE_SCHEMA = SQL("CREATE SCHEMA IF NOT EXISTS {schema}")

EXISTS = SQL("SELECT to_regclass({table}) IS NOT NULL AS exists")

CREATE_PERSON = SQL("""
CREATE TABLE IF NOT EXISTS {schema}.person (
    uuid uuid PRIMARY KEY,
    username text NOT NULL UNIQUE,
    salt bytea NOT NULL
)""")

CREATE_GUARD = SQL("""
CREATE OR REPLACE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$""")

CREATE_TRIGGER = SQL("""
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.{table}
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change()""")

# Also where an operator has turned triggers off for a session (session_replication_role).
ENABLE_TRIGGER = SQL("ALTER TABLE {schema}.{table} ENABLE ALWAYS TRIGGER append_only")

INSERT_PEOPLE = SQL("""
INSERT INTO {schema}.person (uuid, username, salt)
SELECT * FROM unnest(%(uuids)s::uuid[], %(usernames)s::text[], %(salts)s::bytea[])""")

SELECT_PEOPLE = SQL("""
SELECT uuid, username, salt FROM {schema}.person WHERE username = ANY(%(usernames)s)""")


class JournalRecorder(PostgresApplicationRecorder):
    """Appends facts, all or nothing, in an order that is the order of their commits.

    Takes the library's default path, with its table lock: without it a reader that tails the journal
    would pass over facts that are committed late. Never turn POSTGRES_ENABLE_DB_FUNCTIONS on.
    """

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        names = {"schema": Identifier(SCHEMA), "table": Identifier(self.events_table_name)}
        added = [CREATE_PERSON, CREATE_GUARD, CREATE_TRIGGER, ENABLE_TRIGGER]
        self.sql_create_statements += [statement.format(**names) for statement in added]
        self.insert_people_statement = INSERT_PEOPLE.format(**names)
        self.select_people_statement = SELECT_PEOPLE.format(**names)

    def create_table(self) -> None:
        """Makes the journal's schema and tables, unless they are there. The caller holds LOCK_CREATION."""
        table = EXISTS.format(table=Literal(f"{SCHEMA}.{self.events_table_name}"))
        with self.datastore.get_connection() as connection:
            row = connection.execute(table).fetchone()
            if row and row["exists"]:
                return
            connection.execute(CREATE_SCHEMA.format(schema=Identifier(SCHEMA)))
        super().create_table()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Appends without the library's ten retries on a lost connection, during which a client would
        wait for minutes: it is told at once (503), and what it sends again finds what was stored."""
        without_retries = PostgresApplicationRecorder.insert_events.__wrapped__
        return cast("Sequence[int] | None", without_retries(self, stored_events, **kwargs))

    def _insert_events(
        self,
        curs: Cursor[DictRow],
        stored_events: Sequence[StoredEvent],
        *,
        people: Iterable[Person] = (),
        **_: Any,
    ) -> None:
        people = list(people)
        if people:
            curs.execute(
                self.insert_people_statement,
                {
                    "uuids": [person.uuid for person in people],
                    "usernames": [person.username for person in people],
                    "salts": [person.salt for person in people],
                },
            )

    def select_people(self, usernames: list[str]) -> dict[str, Person]:
        """Those of the usernames that the ledger knows, with the person behind each."""
        with self.datastore.get_connection() as connection:
            rows = connection.execute(self.select_people_statement, {"usernames": usernames}).fetchall()
        return {row["username"]: Person(row["uuid"], row["username"], bytes(row["salt"])) for row in rows}


class FactMapper(Mapper[UUID]):
    """Between facts and what the journal stores of them: a topic and JSON (uuids as 32 hex digits)."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())
        self._encoder = msgspec.json.Encoder(uuid_format="hex")
        self._decoder = msgspec.json.Decoder(dict[str, Any])

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        fact: Fact = domain_event
        state = msgspec.structs.asdict(fact)
        del state["originator_id"], state["originator_version"]
        if fact.class_version > 1:
            state["class_version"] = fact.class_version
        return StoredEvent(
            fact.originator_id, fact.originator_version, type(fact).TOPIC, self._encoder.encode(state)
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        kind: type[Fact] = resolve_topic(stored_event.topic)
        state = self._decoder.decode(stored_event.state)
        for version in range(state.pop("class_version", 1), kind.class_version):
            getattr(kind, f"upcast_v{version}_v{version + 1}")(state)
        state["originator_id"] = stored_event.originator_id
        state["originator_version"] = stored_event.originator_version
        return msgspec.convert(state, kind)
