"""A transaction on the journal: what facts are decided on, and where they are appended."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg.abc import Query
from psycopg.rows import DictRow

from ledger import events
from ledger.domain.people import Person
from ledger.errors import StreamGap
from ledger.events import Fact, PersonForgotten
from ledger.fast.prepared_batch import PreparedBatch
from ledger.journal.digests import digest_of
from ledger.journal.guard import GAP
from ledger.journal.mapper import FactMapper

if TYPE_CHECKING:
    from ledger.journal.recorder import JournalRecorder

# Who loses a race is told by the rows that are not returned: an error would put the statement, with the names
# and figures in it, into the log of the database.
INSERT_PEOPLE = """
INSERT INTO journal.person (uuid, username, salt)
SELECT * FROM unnest(%(uuids)s::uuid[], %(usernames)s::text[], %(salts)s::bytea[])
ON CONFLICT DO NOTHING
RETURNING uuid"""

# A line for each fact: quicker to write than arrays, and no JSON text has a line break in it. unnest keeps
# the order of the facts, in which they get their positions. Rows are returned in any order.
#
# Where something was described since the basis of a decision there are none: a resource may have moved, or a
# limit been set, and streams don't tell that. The limit keeps it to the index: so many facts as that are
# taken to have some such among them.
INSERT_FACTS = """
INSERT INTO journal.ledger_events (originator_id, originator_version, topic, state)
SELECT stream::uuid, version::bigint, topic, convert_to(state, 'UTF8')
FROM unnest(
    string_to_array(%(streams)s, chr(10)), string_to_array(%(versions)s, chr(10)),
    string_to_array(%(topics)s, chr(10)), string_to_array(%(states)s, chr(10))
) AS n(stream, version, topic, state)
WHERE %(basis)s::bigint IS NULL OR (
    SELECT count(*) < 20000 AND count(*) FILTER (WHERE since.topic = ANY(%(rested_on)s)) = 0
    FROM (
        SELECT topic FROM journal.ledger_events WHERE notification_id > %(basis)s
        ORDER BY notification_id LIMIT 20000
    ) since
)
ON CONFLICT DO NOTHING
RETURNING notification_id"""

SELECT_FACTS = """
SELECT originator_id, originator_version, notification_id, topic, state FROM journal.ledger_events"""

SELECT_FIRST = f"{SELECT_FACTS} WHERE originator_id = ANY(%(streams)s) AND originator_version = 1"

SELECT_CHANGES = f"""{SELECT_FACTS}
WHERE originator_id = ANY(%(streams)s) AND notification_id > %(after)s ORDER BY notification_id"""

SELECT_PEOPLE = "SELECT uuid, username, salt FROM journal.person WHERE username = ANY(%(usernames)s)"

SELECT_NAMES = "SELECT uuid, username FROM journal.person WHERE uuid = ANY(%(uuids)s)"

DELETE_PEOPLE = "DELETE FROM journal.person WHERE uuid = ANY(%(uuids)s)"

LOCK_BULKS = "SELECT pg_advisory_xact_lock(hashtext('usage-ledger: bulks'))"

TAKEN = "another writer was faster"

RESTED_ON = [
    kind.TOPIC
    for kind in (
        *(events.ProjectDescribed, events.OfferingDescribed, events.ComponentDescribed, events.PlanDescribed),
        *(events.ResourceDescribed, events.PlanPeriodDescribed, events.UserUsageLimitDescribed),
        *(events.UserUsageLimitRemoved, events.PersonForgotten, events.BillingMonthDescribed),
        *(events.TokenRevoked, events.UserDescribed, events.RoleDescribed, events.ServiceProviderDescribed),
    )
]
"""Topics of the facts that change what reports rest on, the rights of who reports among it, and are in other
streams than these."""


class Appended(NamedTuple):
    """Facts in the journal, not committed yet: each with its position, and the digest of the last one."""

    facts: Sequence[tuple[int, Fact]] = ()
    digest: int = 0

    def followed_by(self, others: "Appended") -> "Appended":
        """Return these facts with others that were appended after them."""
        return Appended([*self.facts, *others.facts], others.digest) if others.facts else self


class JournalTransaction:
    """Reads and appends on one connection. It begins when it locks the journal: what is read before sees what
    others commit meanwhile.

    `cursor` is for whoever reads or writes in the same transaction. `is_bulk`: takes its turn among the bulks
    first, so that whoever else waits for the lock has one bulk at most before.
    """

    def __init__(
        self, cursor: PreparedBatch, lock_statements: Sequence[Query], mapper: FactMapper, *, is_bulk: bool
    ) -> None:
        self.cursor = cursor
        self._lock_statements, self._mapper, self._is_bulk = lock_statements, mapper, is_bulk
        self._is_locked = False
        self.basis: int | None = None
        """All that the next facts are decided on was read at this position, or later. Their append is refused
        where something was described behind it."""

    def lock(self) -> None:
        """Keep other writers waiting until this transaction ends."""
        if not self._is_locked:
            self.cursor.execute("BEGIN")
            if self._is_bulk:
                self.cursor.execute(LOCK_BULKS)
            for statement in self._lock_statements:
                self.cursor.execute(statement)
            self._is_locked = True

    def commit(self) -> None:
        """End the transaction, if it has begun. Raises what the database says to any statement in it."""
        if self._is_locked:
            self.cursor.execute("COMMIT")
            self._is_locked = False
        self.cursor.send()

    def append(self, facts: Iterable[Fact], people: Collection[Person] = ()) -> Appended:
        """Append facts, with the people whom they name for the first time, and delete those whom they forget.

        Raises eventsourcing's IntegrityError where a version in a stream or a username is taken, or what the
        facts rest on is no longer what it was.
        """
        facts = list(facts)
        if not facts:
            return Appended()
        events = [self._mapper.to_stored_event(fact) for fact in facts]
        if forgotten := [fact.person for fact in facts if isinstance(fact, PersonForgotten)]:
            self.lock()
            self.cursor.execute(DELETE_PEOPLE, {"uuids": forgotten})
        positions = self.append_stored(events, people)
        return Appended(list(zip(positions, facts, strict=True)), digest_of(positions[-1], events[-1]))

    def append_stored(self, events: Sequence[StoredEvent], people: Collection[Person] = ()) -> list[int]:
        """Append facts as the journal stores them, and return their positions. Raises IntegrityError."""
        self.lock()
        self._insert_people(people)
        values = {
            "streams": "\n".join(str(each.originator_id) for each in events),
            "versions": "\n".join(str(each.originator_version) for each in events),
            "topics": "\n".join(each.topic for each in events),
            "states": b"\n".join(each.state for each in events).decode(),
            "basis": self.basis,
            "rested_on": RESTED_ON,
        }
        self.basis = None  # what follows rests on these
        rows = self.cursor.execute(INSERT_FACTS, values).fetchall()
        if len(rows) < len(events):
            raise IntegrityError(f"{TAKEN}: a version in a stream is taken")
        return sorted(row["notification_id"] for row in rows)

    def _insert_people(self, people: Collection[Person]) -> None:
        if people:
            values = {
                "uuids": [person.uuid for person in people],
                "usernames": [person.username for person in people],
                "salts": [person.salt for person in people],
            }
            if len(self.cursor.execute(INSERT_PEOPLE, values).fetchall()) < len(people):
                raise IntegrityError(f"{TAKEN}: a username is known")

    def people(self, usernames: Iterable[str]) -> dict[str, Person]:
        """Return the people whom the journal knows by these usernames."""
        names = list(dict.fromkeys(usernames))
        if not names:
            return {}
        rows = self.cursor.execute(SELECT_PEOPLE, {"usernames": names})
        return {row["username"]: Person(row["uuid"], row["username"], bytes(row["salt"])) for row in rows}

    def usernames(self, uuids: Collection[UUID]) -> dict[UUID, str]:
        """Return the usernames of those of the people who were not forgotten."""
        rows = self.cursor.execute(SELECT_NAMES, {"uuids": list(uuids)}) if uuids else ()
        return {row["uuid"]: row["username"] for row in rows}

    def first_facts(self, streams: Collection[UUID]) -> list[Fact]:
        """Return the first fact of each of the streams that has any."""
        if not streams:
            return []
        rows = self.cursor.execute(SELECT_FIRST, {"streams": list(streams)})
        return [self._fact(row) for row in rows]

    def facts_since(self, position: int, streams: Collection[UUID]) -> list[tuple[int, Fact]]:
        """Return the facts of these streams behind a position, each with its own, in order."""
        rows = self.cursor.execute(SELECT_CHANGES, {"streams": list(streams), "after": position})
        return [(row["notification_id"], self._fact(row)) for row in rows]

    def _fact(self, row: DictRow) -> Fact:
        event = StoredEvent(
            row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"])
        )
        return self._mapper.to_domain_event(event, row["notification_id"])


@contextmanager
def open_transaction(
    recorder: "JournalRecorder",
    mapper: FactMapper,
    *,
    is_bulk: bool = False,
    is_locked: bool = False,
) -> Iterator[JournalTransaction]:
    """Commit what is appended in the block as a whole, or nothing of it.

    `is_locked`: nobody else appends from the beginning on. Without the library's ten retries on a lost
    connection, during which a client would wait for minutes: it is told at once (503), and what it sends
    again finds what was stored. Raises StreamGap where the version before an appended one is missing.
    """
    with recorder.datastore.get_connection() as connection, PreparedBatch(connection) as cursor:
        lock_statements = recorder.lock_statements(connection)
        transaction = JournalTransaction(cursor, lock_statements, mapper, is_bulk=is_bulk)
        try:
            if is_locked:
                transaction.lock()
            yield transaction
            transaction.commit()
        except BaseException as error:
            with suppress(psycopg.Error):  # the connection may be gone
                connection.rollback()
            if isinstance(error, psycopg.Error) and error.sqlstate == GAP:
                raise StreamGap from error
            raise
