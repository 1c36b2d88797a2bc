"""What verifications ask for: how many there were before, and who people are."""

from collections.abc import Collection
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.people import Person

COUNT = "SELECT count(*) AS earlier FROM verification"

SELECT_PEOPLE = "SELECT uuid, username, salt FROM journal.person WHERE uuid = ANY(%(uuids)s)"


def earlier_verifications(cursor: Cursor[DictRow]) -> int:
    """Return how many verifications there are."""
    row = cursor.execute(COUNT).fetchone()
    assert row is not None
    earlier: int = row["earlier"]
    return earlier


def known_people(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, Person]:
    """Return those of some people whom the journal knows."""
    rows = cursor.execute(SELECT_PEOPLE, {"uuids": list(uuids)})
    return {row["uuid"]: Person(row["uuid"], row["username"], bytes(row["salt"])) for row in rows}
