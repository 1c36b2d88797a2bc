"""What a verification is decided on: how many there were before."""

from psycopg import Cursor
from psycopg.rows import DictRow

COUNT = "SELECT count(*) AS earlier FROM verification"


def earlier_verifications(cursor: Cursor[DictRow]) -> int:
    """Return how many verifications there are."""
    row = cursor.execute(COUNT).fetchone()
    assert row is not None
    earlier: int = row["earlier"]
    return earlier
