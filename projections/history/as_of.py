"""Reads the past with the statements of today: in a schema of views, named as the read tables are.

A position is entered for one transaction. From then on its statements find the views first, which show each
row as it was when that position was the journal's last: `as_of.sql`. What answers for the past is thus the
same code that answers for now. A rebuild makes the same past again, as the rows say by facts' positions when
they held.

Where few usages have come or changed since, as for whoever pages on as of where they began, more views come
first, which reckon from what is now: `near.sql`. Both show the same: the number only says which is quicker.
"""

from importlib.resources import files

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier, Literal

from ledger.journal.digests import FACT_DIGEST
from ledger.journal.scripts import run_script
from projections.history import spans
from projections.rows import IS_TERMINATED
from projections.writers.counters import KEPT, NIL
from projections.writers.limits.allocation import ALLOCATING_STATES, SPANS
from projections.writers.statistics import silence

CREATE_KEPT, AS_OF, NEAR = (
    files("projections.history").joinpath(name).read_text() for name in ("kept.sql", "as_of.sql", "near.sql")
)

FEW = 2_000
"""So many usages may have come, or been replaced, since a position that counts as near."""

AT = SQL("(SELECT current_setting('usage_ledger.as_of')::bigint)")

LATEST = SQL("(SELECT current_setting('usage_ledger.as_of_latest')::timestamptz)")

# The statement sees whether anything else has come, as it would see what that changed.
ONLY_REPORTS = SQL("""
    (coalesce((SELECT position FROM {live}.scope_position WHERE scope = {everything}), 0) <= {at})""")

HOLDING = SQL("SELECT * FROM {versions} WHERE since <= {at} AND (until IS NULL OR until > {at})")

# Lists begin with what was measured last, and need not look at what was measured after all of then.
HOLDING_USAGES = SQL("""
SELECT * FROM {versions} WHERE since <= {at} AND until > {at}
    AND measured_at <= {latest}""")

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

# What came after a position is found from the last one on, and no more of it than counts.
CAME_AFTER = (("component_usage_past", "until"), ("component_usage", "id"), ("user_usage", "id"))
IS_NEAR = SQL(" AND ").join(
    SQL("""
    (SELECT {position} FROM read_models.{table} WHERE {position} > %(position)s::text::bigint
     ORDER BY {position} DESC LIMIT 1 OFFSET %(few)s) IS NULL""").format(
        table=Identifier(table), position=Identifier(position)
    )
    for table, position in CAME_AFTER
)

# Where only the tables were put back, statements would find those of now, instead of views: so one of
# these is named.
ENTER = SQL("""
SELECT
    (%(views)s || '.component_usage')::regclass,
    set_config(
        'search_path',
        CASE WHEN {is_near} THEN %(near)s || ', ' ELSE '' END || %(views)s || ', ' || replace(replace(
            current_setting('search_path'), %(near)s || ', ', ''), %(views)s || ', ', ''), true),
    {settings},
    set_config('transaction_read_only', 'on', true)""").format(is_near=IS_NEAR, settings=SETTINGS)


LACKS_VIEWS = """
SELECT count(*) < 2 AS lacks FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN ((%(views)s, 'component_usage'), (%(near)s, 'listed_usage'))"""


def views_of(schema: str) -> str:
    """Return the name of the schema of views on a schema's tables."""
    return f"{schema}_as_of"


def near_of(schema: str) -> str:
    """Return the name of the schema of the views that come before these near the end of the journal."""
    return f"{schema}_near"


def lacks_views(connection: Connection[DictRow], schema: str) -> bool:
    """Return whether the views of the past are missing, as where the tables alone were put back."""
    row = connection.execute(LACKS_VIEWS, {"views": views_of(schema), "near": near_of(schema)}).fetchone()
    return row is not None and row["lacks"]


def create_kept(connection: Connection[DictRow]) -> None:
    """Create the tables of what was, in the schema of the transaction."""
    run_script(connection, SQL(CREATE_KEPT))


def create_views(connection: Connection[DictRow], schema: str) -> None:
    """Create the views that read the tables of a schema, which the transaction is in."""
    kept = [row["name"] for row in connection.execute(SELECT_KEPT)]
    live, views, near = map(Identifier, (schema, views_of(schema), near_of(schema)))
    parts: dict[str, Composable] = {
        "at": AT,
        "latest": LATEST,
        "live": live,
        "views": views,
        "only_reports": ONLY_REPORTS.format(live=live, everything=NIL, at=AT),
        **spans.views(AT, live),
    }
    _begin_schema(connection, views, live)
    for table in kept:
        holding = HOLDING_USAGES if table == "component_usage" else HOLDING
        rows = holding.format(versions=Identifier(schema, f"{table}_versions"), **parts)
        connection.execute(CREATE_VIEW.format(view=Identifier(table), rows=rows))
    run_script(
        connection,
        SQL(AS_OF).format(
            nil=NIL,
            is_terminated=SQL(IS_TERMINATED),
            allocating=Literal(sorted(map(int, ALLOCATING_STATES))),
            spans=SQL(SPANS),
            **parts,
            **silence.VIEWS,
        ),
    )
    _begin_schema(connection, near, live)
    columns = SQL(", ").join(map(Identifier, (*KEPT[:2], "until", *KEPT[2:])))  # in the order of their table
    run_script(connection, SQL(NEAR).format(columns=columns, **parts))


def _begin_schema(connection: Connection[DictRow], views: Identifier, live: Identifier) -> None:
    """Create a schema of views, and enter it."""
    connection.execute(DROP_SCHEMA.format(schema=views))  # of tables that were dropped by hand
    connection.execute(CREATE_SCHEMA.format(schema=views))
    connection.execute(LOOK_INTO.format(views=views, schema=live))


def enter(cursor: Cursor[DictRow], position: int) -> None:
    """Read as of a position until another one is entered, or the transaction ends that the cursor must be in.

    The position is that of a fact, or 0 for the empty world.
    """
    names = {"views": views_of("read_models"), "near": near_of("read_models"), "few": FEW}
    cursor.execute(ENTER, {**names, **_settings(position)})


def set_position(connection: Connection[DictRow], position: int) -> None:
    """Have the views show a position until the transaction ends, wherever statements look for tables."""
    connection.execute(SET_POSITION, _settings(position))


def _settings(position: int) -> dict[str, str | int]:
    return {"position": str(position), "span": spans.SPAN}
