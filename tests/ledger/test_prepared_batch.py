"""Statements that are sent together: nothing goes early, results and errors come as from single ones."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, errors
from psycopg.rows import DictRow, dict_row

from ledger.fast.prepared_batch import PreparedBatch

INSERT = "INSERT INTO noted (number, text) VALUES (%(number)s, %(text)s) RETURNING number"
COUNT = "SELECT count(*) AS count FROM noted WHERE number >= %(least)s"
TEXTS = [
    "",
    "it's",
    "back\\slash",
    '{"json": "\\u0000 \\" $1 %(x)s %s %"}',
    "õ\n🙂",
    "'; DROP TABLE noted --",
]


@pytest.fixture
def connection(server: str) -> Iterator[Connection[DictRow]]:
    with psycopg.connect(server, autocommit=True, row_factory=dict_row, prepare_threshold=None) as connection:
        connection.execute("CREATE TEMP TABLE noted (number integer PRIMARY KEY, text text)")
        yield connection


def count(connection: Connection[DictRow]) -> int:
    row = connection.execute("SELECT count(*) AS count FROM noted").fetchone()
    assert row is not None
    return int(row["count"])


def test_statements_wait_until_a_result_is_wanted(connection: Connection[DictRow]) -> None:
    cursor = PreparedBatch(connection)
    for number in range(3):
        cursor.execute(INSERT, {"number": number, "text": "x"})
    assert count(connection) == 0
    assert cursor.execute(COUNT, {"least": 1}).fetchall() == [{"count": 2}]
    assert list(cursor.execute(INSERT, {"number": 3, "text": "x"})) == [{"number": 3}]


def test_send_sends_what_nobody_wants_a_result_of(connection: Connection[DictRow]) -> None:
    cursor = PreparedBatch(connection)
    cursor.execute(INSERT, {"number": 1, "text": "x"}).send()
    assert count(connection) == 1
    cursor.send()
    assert count(connection) == 1


@pytest.mark.parametrize("text", TEXTS)
def test_text_arrives_as_it_is(connection: Connection[DictRow], text: str) -> None:
    cursor = PreparedBatch(connection)
    echo = "SELECT %(text)s::text AS text, %(again)s::text AS again"
    assert cursor.execute(echo, {"text": text, "again": text}).fetchone() == {"text": text, "again": text}


def test_other_values_arrive_as_they_are(connection: Connection[DictRow]) -> None:
    values = {"uuid": UUID(int=7), "day": date(2026, 6, 30), "yes": True, "none": None, "less": -5}
    row = PreparedBatch(connection).execute(
        "SELECT %(uuid)s::uuid AS uuid, %(day)s::date AS day, %(yes)s::boolean AS yes,"
        " %(none)s::text AS none, %(less)s::integer AS less, %(uuids)s::uuid[] AS uuids",
        {**values, "uuids": [UUID(int=1), UUID(int=2)]},
    )
    assert row.fetchone() == {**values, "uuids": [UUID(int=1), UUID(int=2)]}


def test_a_zero_byte_is_refused_before_anything_is_sent(connection: Connection[DictRow]) -> None:
    cursor = PreparedBatch(connection)
    cursor.execute(INSERT, {"number": 1, "text": "x"}).execute(INSERT, {"number": 2, "text": "\0"})
    with pytest.raises(psycopg.DataError):
        cursor.send()
    assert count(connection) == 0


def test_a_failure_leaves_the_connection_as_good_as_before(connection: Connection[DictRow]) -> None:
    """Whether what comes after it was prepared or not is nothing that one has to know."""
    cursor = PreparedBatch(connection)
    cursor.execute(INSERT, {"number": 1, "text": "x"}).send()
    cursor.execute("BEGIN")
    cursor.execute(COUNT, {"least": 0})
    cursor.execute(INSERT, {"number": 1, "text": "x"})
    cursor.execute("UPDATE noted SET text = %(text)s", {"text": "y"})
    with pytest.raises(errors.UniqueViolation):
        cursor.send()
    connection.rollback()
    for _ in range(2):
        cursor.execute("UPDATE noted SET text = %(text)s", {"text": "z"})
        assert cursor.execute(COUNT, {"least": 0}).fetchone() == {"count": 1}
