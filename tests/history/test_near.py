"""Tests that near its end the past is reckoned from what is now, and is the same."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from projections.history import as_of
from tests.audit.happenings import EVERYTHING, Step, steps
from tests.conftest import database
from tests.history.telling import tell_of_moves, tell_of_reports
from tests.history.test_as_of_views import AS_OF, NEAR, rows_of, rows_of_all_tables
from tests.projections.rebuilding import rebuild_of
from tests.support.dumps import dump, restore
from tests.world import World, open_world

WorldDatabase = Callable[[], AbstractContextManager[str]]

FEW = 3

IN_A_HISTORY = settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# What came or was replaced after a position, of each kind.
COUNT_LATER = """
SELECT greatest(
    (SELECT count(*) FROM read_models.component_usage_past WHERE until > %(position)s),
    (SELECT count(*) FROM read_models.component_usage WHERE id > %(position)s),
    (SELECT count(*) FROM read_models.user_usage WHERE id > %(position)s)) AS later"""


@pytest.fixture
def connection(world: World) -> Iterator[Connection[DictRow]]:
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        yield connection


@IN_A_HISTORY
@given(st.lists(steps, min_size=6, max_size=14))
def test_at_every_position_of_a_random_history_both_show_the_same(
    world_database: WorldDatabase, history: list[Step]
) -> None:
    with world_database() as url, open_world(url) as world:
        start = world.projector.catch_up()
        for step in [*EVERYTHING, *history]:
            step(world)
        assert_same_since(world, start)
        assert rebuild_of(world).run(accept=True).is_live
        assert_same_since(world, start)


def assert_same_since(world: World, start: int) -> None:
    """Compare what both show at the positions from one on."""
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        statement = rows_of_all_tables(connection)
        for position in [start, *(each for each, _ in world.ledger.facts_after(start, 1_000_000))]:
            near, far = (rows_of(views, connection, statement, position) for views in (NEAR, AS_OF))
            assert (position, near) == (position, far)


def test_a_position_is_near_while_few_usages_have_come_or_been_replaced_since(
    world: World, connection: Connection[DictRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "FEW", FEW)
    tell_of_moves(world)
    tell_of_reports(world)
    seen = set()
    for position, _ in world.ledger.facts_after(0, 1_000_000):
        counted = connection.execute(COUNT_LATER, {"position": position}).fetchone()
        assert counted
        with connection.transaction():
            for _ in range(2):  # entered again it is as before
                as_of.enter(connection.cursor(), position)
            path = connection.execute("SHOW search_path").fetchone()
        assert path
        expected = NEAR if counted["later"] <= FEW else AS_OF
        assert path["search_path"].startswith(expected)
        assert path["search_path"].count("read_models_near") == (expected == NEAR)
        assert path["search_path"].count("read_models_as_of") == 1
        seen.add(counted["later"])
    assert {0, FEW, FEW + 1} <= seen


def test_a_dump_shows_the_same_where_it_is_restored(
    world: World, connection: Connection[DictRow], server: str
) -> None:
    """It has the columns of tables that inherit in another order."""
    tell_of_reports(world)
    statement = rows_of_all_tables(connection)
    with database(server) as url:
        restore(url, dump(world.conninfo))
        with psycopg.connect(url, row_factory=dict_row) as restored:
            for position, _ in world.ledger.facts_after(world.projector.catch_up() - 9, 1_000_000):
                here, there = (rows_of(NEAR, each, statement, position) for each in (connection, restored))
                assert (position, there) == (position, here)
