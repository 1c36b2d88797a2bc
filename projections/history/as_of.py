"""Reads the past with the statements of today: in a schema of views, named as the read tables are.

A position is entered for one transaction. From then on its statements find the views first, which show each
row as it was when that position was the journal's last: `as_of.sql`. What answers for the past is thus the
same code that answers for now. A rebuild makes the same past again, as the rows say by facts' positions when
they held.
"""

from importlib.resources import files

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier, Literal

from ledger.journal.digests import FACT_DIGEST
from ledger.journal.scripts import run_script
from projections.history import spans
from projections.rows import IS_TERMINATED
from projections.writers.counters import NIL
from projections.writers.limits.allocation import ALLOCATING_STATES, SPANS
from projections.writers.statistics import silence

CREATE_KEPT, AS_OF = (
    files("projections.history").joinpath(name).read_text() for name in ("kept.sql", "as_of.sql")
)

AT = SQL("(SELECT current_setting('usage_ledger.as_of')::bigint)")

HOLDING = SQL("SELECT * FROM {versions} WHERE since <= {at} AND (until IS NULL OR until > {at})")

# Lists begin with what was measured last, and need not look at what was measured after all of then.
HOLDING_USAGES = SQL("""
SELECT * FROM {versions} WHERE since <= {at} AND until > {at}
    AND measured_at <= (SELECT current_setting('usage_ledger.as_of_latest')::timestamptz)""")

SELECT_KEPT = """
SELECT left(relname, -length('_versions')) AS name FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname LIKE '%\\_versions' AND relkind = 'r'
ORDER BY relname"""

DROP_SCHEMA = SQL("DROP SCHEMA IF EXISTS {schema} CASCADE")
CREATE_SCHEMA = SQL("CREATE SCHEMA {schema}")
LOOK_INTO = SQL("SET LOCAL search_path TO {views}, {schema}")
CREATE_VIEW = SQL("CREATE VIEW {view} AS {rows}")

# What the views read: the position, its digest, and up to when usages were measured then, or somewhat later.
SETTINGS = SQL("""
    set_config('usage_ledger.as_of', %(position)s, true),
    set_config('usage_ledger.as_of_digest', coalesce(
        (SELECT {digest}::text FROM journal.ledger_events WHERE notification_id = %(position)s::bigint), '0'
    ), true),
    set_config('usage_ledger.as_of_latest', coalesce(
        (SELECT measured_at::text FROM read_models.moment WHERE span <= %(position)s::bigint / %(span)s
         ORDER BY span DESC LIMIT 1), '-infinity'
    ), true)""").format(digest=FACT_DIGEST)

SET_POSITION = SQL("SELECT {settings}").format(settings=SETTINGS)

ENTER = SQL("""
SELECT
    set_config(
        'search_path',
        %(views)s || ', ' || replace(current_setting('search_path'), %(views)s || ', ', ''), true),
    {settings},
    set_config('transaction_read_only', 'on', true)""").format(settings=SETTINGS)


def views_of(schema: str) -> str:
    """Return the name of the schema of views on a schema's tables."""
    return f"{schema}_as_of"


def create_kept(connection: Connection[DictRow]) -> None:
    """Create the tables of what was, in the schema of the transaction."""
    run_script(connection, SQL(CREATE_KEPT))


def create_views(connection: Connection[DictRow], schema: str) -> None:
    """Create the views that read the tables of a schema, which the transaction is in."""
    kept = [row["name"] for row in connection.execute(SELECT_KEPT)]
    views = Identifier(views_of(schema))
    connection.execute(DROP_SCHEMA.format(schema=views))  # of tables that were dropped by hand
    connection.execute(CREATE_SCHEMA.format(schema=views))
    connection.execute(LOOK_INTO.format(views=views, schema=Identifier(schema)))
    for table in kept:
        holding = HOLDING_USAGES if table == "component_usage" else HOLDING
        rows = holding.format(versions=Identifier(schema, f"{table}_versions"), at=AT)
        connection.execute(CREATE_VIEW.format(view=Identifier(table), rows=rows))
    run_script(
        connection,
        SQL(AS_OF).format(
            at=AT,
            live=Identifier(schema),
            nil=NIL,
            is_terminated=SQL(IS_TERMINATED),
            allocating=Literal(sorted(map(int, ALLOCATING_STATES))),
            spans=SQL(SPANS),
            **spans.views(AT, Identifier(schema)),
            **silence.VIEWS,
        ),
    )


def enter(cursor: Cursor[DictRow], position: int) -> None:
    """Read as of a position until another one is entered, or the transaction ends that the cursor must be in.

    The position is that of a fact, or 0 for the empty world.
    """
    cursor.execute(ENTER, {"views": views_of("read_models"), **_settings(position)})


def set_position(connection: Connection[DictRow], position: int) -> None:
    """Have the views show a position until the transaction ends, wherever statements look for tables."""
    connection.execute(SET_POSITION, _settings(position))


def _settings(position: int) -> dict[str, str | int]:
    return {"position": str(position), "span": spans.SPAN}
