"""Names of people in read models: a person who was removed from `journal.person` has none any more.

The live read models may still have such names, which nobody wrote again. A rebuild leaves them out, so they
are no difference between live and rebuilt rows.
"""

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

NAMING = ("account", "offering_user", "user_usage")
"""Tables that have the `username` of a `person`, null once the person has been forgotten."""

FORGET = SQL("""
UPDATE {table} SET username = NULL
WHERE username IS NOT NULL AND NOT EXISTS (SELECT FROM journal.person p WHERE p.uuid = person)""")

COUNT_FORGOTTEN = """
SELECT count(DISTINCT person) AS forgotten FROM (
    SELECT person, username FROM read_models.account
    UNION ALL SELECT person, username FROM read_models.offering_user
    UNION ALL SELECT person, username FROM read_models.user_usage
) named
WHERE username IS NOT NULL AND NOT EXISTS (SELECT FROM journal.person p WHERE p.uuid = named.person)"""

SELECT_COLUMNS = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

# A removed person's name counts as none. In the other direction a missing name is as good as a forgotten one.
REMEMBERED_NAME = SQL(
    "CASE WHEN EXISTS (SELECT FROM journal.person p WHERE p.uuid = t.person) THEN t.username END AS username"
)


def forget_names(connection: Connection[DictRow]) -> None:
    """Delete the names of removed people from the live read models."""
    for table in NAMING:
        connection.execute(FORGET.format(table=Identifier(table)))


def count_forgotten(connection: Connection[DictRow]) -> int:
    """Return how many removed people the live read models still name."""
    row = connection.execute(COUNT_FORGOTTEN).fetchone()
    assert row is not None
    forgotten: int = row["forgotten"]
    return forgotten


def columns_without_forgotten(connection: Connection[DictRow], schema: str, table: str) -> Composable:
    """Return the columns of a table `t` to select, in which names of removed people are null."""
    if table not in NAMING:
        return SQL("*")
    names = [row["name"] for row in connection.execute(SELECT_COLUMNS, {"table": f"{schema}.{table}"})]
    return SQL(", ").join([REMEMBERED_NAME if name == "username" else Identifier(name) for name in names])
