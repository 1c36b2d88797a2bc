"""The journal in PostgreSQL: eventsourcing's recorder and mapper, with what ours needs on top.

* UPDATE, DELETE and TRUNCATE are refused by the database itself, and gaps in a stream: see
  `ledger/journal/guard.py`.
* People who are named for the first time are stored in the transaction of the facts that name them.
* A fact's state is its JSON, written and read by msgspec: a third of the size of the library's own
  transcoding, and typed.

The SQL of the write side is in these two files; all other SQL is in `projections/`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    JSONTranscoder,
    Mapper,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import resolve_topic, retry
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from ledger.domain.people import Person
from ledger.errors import StreamGap
from ledger.events import Fact
from ledger.fast.prepared_batch import BatchCursor
from ledger.journal.guard import GAP, ensure_journal

SCHEMA = "journal"

PLACE = b'{"originator_id":"%s","originator_version":%d,'
PLACE_STARTS = len(PLACE % (b"0" * 32, 0)) - 2
"""How the text of every fact starts, up to its version."""

# Who loses a race is told by what is not returned: an error would put the statement, with the names and
# figures in it, into the log of the database.
INSERT_PEOPLE = SQL("""
INSERT INTO {schema}.person (uuid, username, salt)
SELECT * FROM unnest(%(uuids)s::uuid[], %(usernames)s::text[], %(salts)s::bytea[])
ON CONFLICT DO NOTHING
RETURNING uuid""")

# A line for each fact: quicker to write than arrays, and no JSON text has a line break in it. unnest keeps
# the order of the facts, and so does what is returned.
INSERT_FACTS = SQL("""
INSERT INTO {schema}.{table} (originator_id, originator_version, topic, state)
SELECT stream::uuid, version::bigint, topic, convert_to(state, 'UTF8')
FROM unnest(
    string_to_array(%(streams)s, chr(10)), string_to_array(%(versions)s, chr(10)),
    string_to_array(%(topics)s, chr(10)), string_to_array(%(states)s, chr(10))
) AS n(stream, version, topic, state)
ON CONFLICT DO NOTHING
RETURNING notification_id""")

# With the place put back: as bytes, which binary results leave as they are.
SELECT_FACTS = SQL("""
SELECT notification_id, topic, convert_to(
    '{{"originator_id":"' || originator_id || '","originator_version":' || originator_version || ',', 'UTF8'
) || substr(state, 2)
FROM {schema}.{table} WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s""")

SELECT_FIRST = SQL("""
SELECT originator_id, topic, state FROM {schema}.{table}
WHERE originator_id = ANY(%(streams)s) AND originator_version = 1""")

LOCK_BULKS = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: bulks'))"

SELECT_CHANGES = SQL("""
SELECT originator_id, originator_version, notification_id, topic, state FROM {schema}.{table}
WHERE originator_id = ANY(%(streams)s) AND notification_id > %(after)s ORDER BY notification_id""")

SELECT_HEAD = SQL("""SELECT coalesce(max(notification_id), 0) AS head FROM {schema}.{table}""")

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
        self.lock_table_statements = self.lock_table_statements[1:]  # the timeout is each connection's
        self.insert_facts_statement = INSERT_FACTS.format(**names).as_string().encode()
        self.select_facts_statement = SELECT_FACTS.format(**names).as_string().encode()
        self.select_first_statement = SELECT_FIRST.format(**names).as_string().encode()
        self.select_changes_statement = SELECT_CHANGES.format(**names).as_string().encode()
        self.select_head_statement = SELECT_HEAD.format(**names).as_string().encode()
        self.insert_people_statement = INSERT_PEOPLE.format(**names).as_string().encode()
        self.select_people_statement = SELECT_PEOPLE.format(**names).as_string().encode()

    def create_table(self) -> None:
        """Makes what the journal lacks in its database. The caller holds LOCK_CREATION."""
        with self.datastore.get_connection() as connection:
            ensure_journal(connection, super().create_table)

    @contextmanager
    def transaction(self) -> Iterator["Appending"]:
        """What facts are decided and appended in: committed as a whole, or not at all.

        Without the library's ten retries on a lost connection, during which a client would wait for
        minutes: it is told at once (503), and what it sends again finds what was stored.
        """
        with self.datastore.get_connection() as connection, BatchCursor(connection) as cursor:
            appending = Appending(self, cursor)
            try:
                yield appending
                appending.commit()
            except BaseException as error:
                with suppress(psycopg.Error):  # the connection may be gone
                    connection.rollback()
                if isinstance(error, psycopg.Error) and error.sqlstate == GAP:
                    raise StreamGap from error
                raise

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Appends facts, and `people` whom they name for the first time. Returns the facts' positions.

        Raises eventsourcing's IntegrityError where a version in a stream is taken, StreamGap where the
        version before is missing.
        """
        with self.transaction() as appending:
            return appending.append(stored_events, **kwargs)

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_facts(self, after: int, limit: int) -> list[tuple[int, str, bytes]]:
        """Position, topic and text of up to `limit` facts after a position: quicker than with all that
        belongs to a notification."""
        with (
            self.datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            values = {"after": after, "limit": limit}
            return cursor.execute(self.select_facts_statement, values).fetchall()


class Appending:
    """A transaction on the journal, which begins with its lock. `cursor` reads what is decided on."""

    def __init__(self, recorder: JournalRecorder, cursor: BatchCursor) -> None:
        self._recorder, self.cursor, self._is_locked = recorder, cursor, False
        self.is_bulk = False
        """Of those that are, one at a time waits for the lock: whoever else does has only that one before."""

    def lock(self) -> None:
        """Keeps other writers waiting until this transaction ends."""
        if not self._is_locked:
            self.cursor.execute("BEGIN")
            if self.is_bulk:
                self.cursor.execute(LOCK_BULKS)
            self._recorder._lock_table(self.cursor)
            self._is_locked = True

    def commit(self) -> None:
        """Ends the transaction, if it has begun. Raises what the database says to anything since."""
        if self._is_locked:
            self.cursor.execute("COMMIT")
            self._is_locked = False
        self.cursor.send()

    def append(self, stored_events: Sequence[StoredEvent], people: Iterable[Person] = ()) -> list[int]:
        """As `JournalRecorder.insert_events`."""
        self.lock()
        self._insert_people(list(people))
        facts = {
            "streams": "\n".join(str(each.originator_id) for each in stored_events),
            "versions": "\n".join(str(each.originator_version) for each in stored_events),
            "topics": "\n".join(each.topic for each in stored_events),
            "states": b"\n".join(each.state for each in stored_events).decode(),
        }
        rows = self.cursor.execute(self._recorder.insert_facts_statement, facts).fetchall()
        if len(rows) < len(stored_events):
            raise IntegrityError("another writer was faster: a version in a stream is taken")
        return [row["notification_id"] for row in rows]

    def _insert_people(self, people: Sequence[Person]) -> None:
        if people:
            values = {
                "uuids": [person.uuid for person in people],
                "usernames": [person.username for person in people],
                "salts": [person.salt for person in people],
            }
            rows = self.cursor.execute(self._recorder.insert_people_statement, values).fetchall()
            if len(rows) < len(people):
                raise IntegrityError("another writer was faster: a username is known")

    def people(self, usernames: list[str]) -> dict[str, Person]:
        """Those of the usernames that the ledger knows, with the person behind each."""
        rows = self.cursor.execute(self._recorder.select_people_statement, {"usernames": usernames})
        return {row["username"]: Person(row["uuid"], row["username"], bytes(row["salt"])) for row in rows}

    def first_of(self, streams: list[UUID]) -> list[StoredEvent]:
        """The first fact of each of the streams that has any."""
        rows = self.cursor.execute(self._recorder.select_first_statement, {"streams": streams})
        return [StoredEvent(row["originator_id"], 1, row["topic"], bytes(row["state"])) for row in rows]

    def changes(self, streams: list[UUID], after: int) -> list[tuple[int, StoredEvent]]:
        """The facts of these streams behind a position, with theirs, in order."""
        rows = self.cursor.execute(
            self._recorder.select_changes_statement, {"streams": streams, "after": after}
        )
        return [
            (
                row["notification_id"],
                StoredEvent(
                    row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"])
                ),
            )
            for row in rows
        ]

    def head(self) -> int:
        """The position of the last fact."""
        row = self.cursor.execute(self._recorder.select_head_statement).fetchone()
        assert row is not None
        head: int = row["head"]
        return head


class FactMapper(Mapper[UUID]):
    """Between facts and what the journal stores of them: a topic and JSON (uuids as 32 hex digits).

    A fact's stream and its place in it are in columns of their own: they are cut off the text, and put
    back to read it. What goes without saying, a field at its default, is left out.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())
        self._encoder = msgspec.json.Encoder(uuid_format="hex")
        self._decoder = msgspec.json.Decoder(dict[str, Any])
        self._kinds: dict[str, tuple[type[Fact], msgspec.json.Decoder[Fact]]] = {}

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        fact: Fact = domain_event
        text = self._encoder.encode(fact)
        state = text[text.index(b",", PLACE_STARTS) + 1 :]
        version = b'"class_version":%d,' % fact.class_version if fact.class_version > 1 else b""
        return StoredEvent(
            fact.originator_id, fact.originator_version, type(fact).TOPIC, b"{" + version + state
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        stream = cast(UUID, stored_event.originator_id)
        place = PLACE % (stream.hex.encode(), stored_event.originator_version)
        return self.fact(stored_event.topic, place + stored_event.state[1:])

    def fact(self, topic: str, text: bytes) -> Fact:
        """A fact of this topic from its text, with its place in it."""
        if topic not in self._kinds:
            kind = resolve_topic(topic)
            self._kinds[topic] = kind, msgspec.json.Decoder(kind)
        kind, decoder = self._kinds[topic]
        return decoder.decode(self._upcast(text, kind) if kind.class_version > 1 else text)

    def _upcast(self, text: bytes, kind: type[Fact]) -> bytes:
        state = self._decoder.decode(text)
        for version in range(state.pop("class_version", 1), kind.class_version):
            getattr(kind, f"upcast_v{version}_v{version + 1}")(state)
        return self._encoder.encode(state)
