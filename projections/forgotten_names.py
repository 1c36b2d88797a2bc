"""Usernames in read tables: which tables have them, and how they are erased.

They are found by their columns: a table with a `person` and a `username` has the name of that person, null
once the person has been forgotten, and so has the table of its past.

A row of `journal.person` may also have been deleted by hand, without a fact. Then the live read models still
have names which nobody wrote again. A rebuild leaves them out, so they are no difference between live and
rebuilt rows.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

SELECT_NAMING = """
SELECT relname AS name FROM pg_class c
WHERE relnamespace = to_regnamespace(coalesce(%(schema)s, current_schema()))
  AND relkind = 'r' AND (%(parents)s OR NOT relhassubclass) AND 2 = (
    SELECT count(*) FROM pg_attribute
    WHERE attrelid = c.oid AND attname IN ('person', 'username') AND NOT attisdropped)
ORDER BY relname"""

PAST = "_past"
"""How the name of a table ends that has what the rows of another one were."""

ERASE = SQL("UPDATE {table} SET username = NULL WHERE person = ANY(%(people)s) AND username IS NOT NULL")

NAMED = SQL("SELECT person FROM {table} WHERE username = %(username)s")

COUNT = SQL("SELECT count(*) AS rows FROM {table} WHERE person = ANY(%(people)s)")

NOT_KNOWN = SQL("username IS NOT NULL AND NOT EXISTS (SELECT FROM journal.person p WHERE p.uuid = person)")
FORGET = SQL("UPDATE {table} SET username = NULL WHERE {not_known}")
FORGOTTEN = SQL("SELECT person FROM {table} WHERE {not_known}")

SELECT_COLUMNS = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

# A removed person's name counts as none. In the other direction a missing name is as good as a forgotten one.
REMEMBERED_NAME = SQL(
    "CASE WHEN EXISTS (SELECT FROM journal.person p WHERE p.uuid = t.person) THEN t.username END AS username"
)

CLEAN_UP = SQL("VACUUM (ANALYZE) {tables}")

Rows = Connection[DictRow] | Cursor[DictRow]
"""Where statements are executed."""


def naming_tables(rows: Rows, schema: str | None = None, *, parents: bool = False) -> list[str]:
    """Return the tables of a schema that have usernames, by default of that which comes first.

    `parents`: also those that show what others have.
    """
    return [row["name"] for row in rows.execute(SELECT_NAMING, {"schema": schema, "parents": parents})]


def erase_names(cursor: Cursor[Any], people: Collection[UUID]) -> None:
    """Delete the names of people from every table of the schema that the cursor is in."""
    for table in naming_tables(cursor):
        cursor.execute(ERASE.format(table=Identifier(table)), {"people": list(people)})


def people_named(cursor: Cursor[DictRow], username: str) -> set[UUID]:
    """Return the people to whom read tables give a username, be they in `journal.person` or not."""
    union = SQL(" UNION ").join(NAMED.format(table=Identifier(table)) for table in naming_tables(cursor))
    return {row["person"] for row in cursor.execute(union, {"username": username})}


def count_rows(cursor: Cursor[DictRow], people: Collection[UUID]) -> dict[str, int]:
    """Return how many rows about people each table has, if any, apart from the past."""
    counts = {}
    for table in naming_tables(cursor):
        if table.endswith(PAST):
            continue
        row = cursor.execute(COUNT.format(table=Identifier(table)), {"people": list(people)}).fetchone()
        if row and row["rows"]:
            counts[table] = row["rows"]
    return counts


def forget_names(connection: Connection[DictRow]) -> None:
    """Delete the names of removed people from the live read models."""
    for table in naming_tables(connection):
        connection.execute(FORGET.format(table=Identifier(table), not_known=NOT_KNOWN))


def count_forgotten(connection: Connection[DictRow]) -> int:
    """Return how many removed people the live read models still name."""
    union = SQL(" UNION ").join(
        FORGOTTEN.format(table=Identifier(table), not_known=NOT_KNOWN) for table in naming_tables(connection)
    )
    return len(connection.execute(union).fetchall())


def columns_without_forgotten(connection: Connection[DictRow], schema: str, table: str) -> Composable:
    """Return the columns of a table `t` to select, in which names of removed people are null.

    By name: a dump that was put back has those of usages in another order than the tables that it was of.
    """
    names = [row["name"] for row in connection.execute(SELECT_COLUMNS, {"table": f"{schema}.{table}"})]
    forgets = table in naming_tables(connection, schema)
    return SQL(", ").join(
        [REMEMBERED_NAME if forgets and name == "username" else Identifier(name) for name in names]
    )


def clean_up(connection: Connection[DictRow]) -> None:
    """Have PostgreSQL drop the rows and statistics in which it still keeps names that were erased.

    Not in a transaction.
    """
    tables = [Identifier("journal", "person"), *map(Identifier, naming_tables(connection, parents=True))]
    connection.execute(CLEAN_UP.format(tables=SQL(", ").join(tables)))
