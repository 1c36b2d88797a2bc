"""Tests that views of the past show at each position what tables showed when the journal ended there."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections.history import as_of
from projections.projector import project_batch
from projections.schema import create_read_models
from tests.history.short_spans import short_spans as short_spans
from tests.history.telling import tell_of_moves, tell_of_reports
from tests.projections.rebuilding import rebuild_of
from tests.support.everything import tell_of_everything
from tests.world import World

REPLAY = "read_models_replay"

# What is kept for now alone, or says when a row held.
OF_NOW = ("since", "until", "users", "version", "is_terminated", "described", "built_by")

SELECT_COLUMNS = """
SELECT c.table_name AS name, array_agg(c.column_name::text ORDER BY c.column_name) AS columns
FROM information_schema.columns c
JOIN information_schema.columns t USING (table_name, column_name)
WHERE c.table_schema = 'read_models_as_of' AND t.table_schema = 'read_models'
  AND (c.column_name <> ALL(%(of_now)s) OR c.table_name = 'allocation')
GROUP BY c.table_name"""

ROWS = SQL("SELECT {name} AS name, to_jsonb(r)::text AS row FROM (SELECT {columns} FROM {table} t) r")

# Whoever is forgotten once has no name at any position, so that the replay is not to find one either.
FORGET = "DELETE FROM journal.person p USING read_models.forgotten_person f WHERE f.person = p.uuid"

ENTER_REPLAY = "SET LOCAL search_path TO read_models_replay"

SEARCH = "SELECT set_config('search_path', %(path)s, true)"
AS_OF = "read_models_as_of, read_models"
NEAR = f"read_models_near, {AS_OF}"


@pytest.fixture
def connection(world: World) -> Iterator[Connection[DictRow]]:
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        yield connection


@pytest.mark.usefixtures("short_spans")
@pytest.mark.parametrize("is_rebuilt", [False, True], ids=["live", "rebuilt"])
@pytest.mark.parametrize("tell", [tell_of_everything, tell_of_moves])
def test_views_show_what_tables_showed_at_every_position(
    world: World, connection: Connection[DictRow], tell: Callable[[World], None], is_rebuilt: bool
) -> None:
    tell(world)
    tell_of_reports(world)
    if is_rebuilt:
        rebuilt = rebuild_of(world, batch=50).run()
        assert rebuilt.is_live, rebuilt.differences
    connection.execute(FORGET)
    statement = rows_of_all_tables(connection)
    create_read_models(connection, REPLAY)
    shown: set[str] = set()
    for position, fact in [(0, None), *world.ledger.facts_after(0, 1_000_000)]:
        with connection.transaction():
            connection.execute(ENTER_REPLAY)
            if fact:
                project_batch(connection.cursor(), [(position, fact)])
            replayed = rows(connection, statement)
        for views in (AS_OF, NEAR):
            then = rows_of(views, connection, statement, position)
            assert (position, fact, views, then) == (position, fact, views, replayed)
        shown.update(name for name, _ in replayed)
    assert shown >= {
        "component_usage",
        "listed_usage",
        "user_usage",
        "user_usage_limit",
        "allocation",
        "silence",
        "usage_count",
        "usage_count_span",
    }


def rows_of(
    views: str, connection: Connection[DictRow], statement: Composed, position: int
) -> list[tuple[str, str]]:
    """Return what the views in a search path show of a position."""
    with connection.transaction():
        as_of.set_position(connection, position)
        connection.execute(SEARCH, {"path": views})
        return rows(connection, statement)


def rows_of_all_tables(connection: Connection[DictRow]) -> Composed:
    """Return a statement that reads every table of which there is a view."""
    tables = connection.execute(SELECT_COLUMNS, {"of_now": list(OF_NOW)})
    return SQL(" UNION ALL ").join(
        ROWS.format(
            name=Literal(table["name"]),
            columns=SQL(", ").join(map(Identifier, table["columns"])),
            table=Identifier(table["name"]),
        )
        for table in tables
    )


def rows(connection: Connection[DictRow], statement: Composed) -> list[tuple[str, str]]:
    return sorted((row["name"], row["row"]) for row in connection.execute(statement))
