"""Checks of the journal itself: what facts say has to fit, with each other and with where they are.

It is what can be told without another copy of the journal. Who changes a fact and all that follows from it
is not found here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from ledger.domain.catalogue import OfferingUser, User
from ledger.domain.people import Person
from ledger.domain.records import record_stream
from ledger.errors import UnreadableFact
from ledger.events import Described, Fact, Report, UserUsageLimitRemoved, UserUsageReported
from projections.verification.findings import OnFinding, of_journal

ReadTexts = Callable[[int, int], list[tuple[int, str, bytes]]]
"""Returns position, topic and text of up to so many facts after a position, in order."""

Decode = Callable[[str, bytes, int], Fact]
"""Returns a fact of its topic and its text at a position. Raises UnreadableFact."""

KnownPeople = Callable[[Collection[UUID]], Mapping[UUID, Person]]
"""Returns those of some people who have not been forgotten."""

REST = 5_000
"""Facts that are read at a time where nobody takes them."""

# By the key's index, so that nothing is sorted.
SELECT_BREAKS = """
SELECT notification_id AS position, originator_version AS version, before, position_before
FROM (
    SELECT notification_id, originator_version,
        coalesce(lag(originator_version) OVER stream, 0) AS before,
        coalesce(lag(notification_id) OVER stream, 0) AS position_before
    FROM journal.ledger_events WHERE notification_id <= %(last)s
    WINDOW stream AS (PARTITION BY originator_id ORDER BY originator_version)
) facts
WHERE originator_version <> before + 1 OR notification_id <= position_before"""


class CheckedFacts:
    """Reads facts up to `last`, each of them once, and checks them.

    The first that can't be read ends what is returned. `count` is of all that were looked at, and `reached`
    the position of the last of them.
    """

    def __init__(self, read_texts: ReadTexts, decode: Decode, people: KnownPeople) -> None:
        self._read_texts, self._decode, self._people = read_texts, decode, people
        self.on_finding: OnFinding = lambda _: None
        self._reached, self._is_broken = 0, False
        self.last = self.count = self.reached = 0

    def unchecked(self, after: int, limit: int) -> list[tuple[int, Fact]]:
        """Return facts as they are read again."""
        return [(at, self._decode(topic, text, at)) for at, topic, text in self._read_texts(after, limit)]

    @property
    def is_broken(self) -> bool:
        """Return whether there is a fact that can't be read."""
        return self._is_broken

    def __call__(self, after: int, limit: int) -> list[tuple[int, Fact]]:
        """Return up to so many facts after a position, up to the first that can't be read."""
        return [] if self._is_broken else self._next(after, limit)

    def check_rest(self) -> None:
        """Check what nobody has asked for."""
        while self._reached < self.last:
            self._next(self._reached, REST)

    def _next(self, after: int, limit: int) -> list[tuple[int, Fact]]:
        texts = [each for each in self._read_texts(after, limit) if each[0] <= self.last]
        self._reached = texts[-1][0] if texts else self.last
        self.count += len(texts)
        self.reached = texts[-1][0] if texts else self.reached
        facts: list[tuple[int, Fact]] = []
        end = None
        for position, topic, text in texts:
            try:
                facts.append((position, self._decode(topic, text, position)))
            except UnreadableFact as error:
                self._tell(position, f"can't be read: {error.why}")
                if not self._is_broken:
                    self._is_broken, end = True, len(facts)
        for position, what in [*_misplaced(facts), *self._misnamed(facts)]:
            self._tell(position, what)
        return facts[:end]

    def _tell(self, position: int, what: str) -> None:
        self.on_finding(of_journal(position, what))

    def _misnamed(self, facts: list[tuple[int, Fact]]) -> Iterator[tuple[int, str]]:
        named = [(position, *name) for position, fact in facts if (name := _name(fact))]
        known = self._people({person for _, person, _ in named}) if named else {}
        for position, person, commitment in named:
            if person in known and known[person].commitment != commitment:
                yield position, "names somebody who had another username then"


def _name(fact: Fact) -> tuple[UUID, str] | None:
    """Return the person whom a fact names, and what commits it to the username."""
    about = fact.entity if isinstance(fact, Described) else fact
    if isinstance(about, UserUsageReported | User | OfferingUser):
        return about.person, about.commitment
    return None


def _misplaced(facts: list[tuple[int, Fact]]) -> Iterator[tuple[int, str]]:
    for position, fact in facts:
        if isinstance(fact, Report):
            if fact.month.day != 1:
                yield position, "counts for a day that begins no month"
            if fact.originator_id != record_stream(fact.resource_uuid, fact.component_uuid, fact.month):
                yield position, "is in the stream of another resource, component or month"
        elif isinstance(fact, Described | UserUsageLimitRemoved) and fact.originator_id != fact.entity.stream:
            yield position, "is in the stream of another entity"


def check_streams(connection: Connection[DictRow], last: int, on_finding: OnFinding) -> None:
    """Look for streams with gaps, and with versions that are not in the order of their positions."""
    with connection.cursor("streams") as cursor:
        for row in cursor.execute(SELECT_BREAKS, {"last": last}):
            if row["version"] != row["before"] + 1:
                what = f"is version {row['version']} of its stream, after version {row['before']}"
            else:
                what = f"comes before the version before, which is at {row['position_before']}"
            on_finding(of_journal(row["position"], what))
