"""The schema of the read models: made when it is missing, and known by what made it.

The version is a digest of the tables' definitions and of `REVISION`, so changed tables tell by themselves
that read models have to be rebuilt.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files

from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from ledger.journal.scripts import run_script
from projections.history import as_of, spans
from projections.history.as_of import near_of, views_of
from projections.read_position import SELECT_POSITIONS

SCHEMA = "read_models"

CREATE_TABLES, CREATE_INDEXES = (
    files("projections").joinpath(name).read_text().encode() for name in ("schema.sql", "indexes.sql")
)

REVISION = 3
"""To be raised when writers make other rows of the same facts than before."""

PAST = "".join([as_of.CREATE_KEPT, as_of.AS_OF, as_of.NEAR, spans.COUNT_SPANS]).encode()

BUILT_BY = sha256(b"%d %d\n%b%b%b" % (REVISION, spans.SPAN, CREATE_TABLES, CREATE_INDEXES, PAST)).hexdigest()

HAS_SCHEMA = "SELECT to_regnamespace(%(schema)s) IS NOT NULL AS exists"
CREATE_SCHEMA = SQL("CREATE SCHEMA {schema}")
DROP = SQL("DROP SCHEMA IF EXISTS {schema} CASCADE")
RENAME = SQL("ALTER SCHEMA {schema} RENAME TO {name}")
ENTER_SCHEMA = SQL("SET LOCAL search_path TO {schema}")
STAMP_SCHEMA = "UPDATE read_position SET built_by = %(built_by)s"

LOCK_REBUILDING = "SELECT pg_advisory_lock_shared(hashtext('usage-ledger: rebuilding'))"
UNLOCK_REBUILDING = "SELECT pg_advisory_unlock_shared(hashtext('usage-ledger: rebuilding'))"

# As a document, because tables of another version may lack the column.
SELECT_BUILT_BY = "SELECT to_jsonb(p) ->> 'built_by' AS built_by FROM read_models.read_position p"


def create_read_models(
    connection: Connection[DictRow], schema: str = SCHEMA, *, indexes: bool = True
) -> None:
    """Create the empty tables of all read models, and what reads their past, unless they are there.

    No other process may do so now.
    """
    with connection.transaction():
        row = connection.execute(HAS_SCHEMA, {"schema": schema}).fetchone()
        if row and not row["exists"]:
            name = Identifier(schema)
            connection.execute(CREATE_SCHEMA.format(schema=name))
            connection.execute(ENTER_SCHEMA.format(schema=name))
            create_tables(connection)
            if indexes:
                complete_tables(connection)
            as_of.create_views(connection, schema)
        elif schema == SCHEMA and as_of.lacks_views(connection, schema) and is_of_this_version(connection):
            connection.execute(ENTER_SCHEMA.format(schema=Identifier(schema)))
            as_of.create_views(connection, schema)


def create_tables(connection: Connection[DictRow]) -> None:
    """Create the empty tables of all read models in the schema of the transaction, without indexes."""
    run_script(connection, CREATE_TABLES.decode())
    connection.execute(STAMP_SCHEMA, {"built_by": BUILT_BY})
    as_of.create_kept(connection)


def complete_tables(connection: Connection[DictRow] | Cursor[DictRow]) -> None:
    """Create the indexes of tables, and count their spans: what is made of all rows at once."""
    run_script(connection, CREATE_INDEXES.decode())
    spans.create(connection)


def drop_read_models(connection: Connection[DictRow], schema: str) -> None:
    """Drop the tables of read models with their past, if they are there."""
    for name in (near_of(schema), views_of(schema), schema):
        connection.execute(DROP.format(schema=Identifier(name)))


def rename_read_models(connection: Connection[DictRow], schema: str, name: str) -> None:
    """Give the schemas of read models and of their past other names."""
    for before, after in [(schema, name), *((each(schema), each(name)) for each in (views_of, near_of))]:
        row = connection.execute(HAS_SCHEMA, {"schema": before}).fetchone()
        if row and row["exists"]:  # tables of earlier versions have no past
            connection.execute(RENAME.format(schema=Identifier(before), name=Identifier(after)))


def is_of_this_version(connection: Connection[DictRow]) -> bool:
    """Return whether the live read models are as this version of the software builds them."""
    row = connection.execute(SELECT_BUILT_BY).fetchone()
    return row is not None and row["built_by"] == BUILT_BY


def reason_to_rebuild(connection: Connection[DictRow]) -> str | None:
    """Return what is wrong with the live read models as the end of a sentence, None if nothing is."""
    if not is_of_this_version(connection):
        return "were built by another version"
    reached = connection.execute(SELECT_POSITIONS, {"known": 0}).fetchone()
    if reached is None or not reached["follows"]:
        return "end at a fact that is not in the journal"
    return None


@contextmanager
def snapshot(connection: Connection[DictRow]) -> Iterator[None]:
    """Read what is live as it is at one moment. No rebuild takes its place meanwhile."""
    connection.execute(LOCK_REBUILDING)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        yield
    connection.execute(UNLOCK_REBUILDING)
