"""The list of read models: who is entered, in which order, and whether they say truly what they need."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from ledger.events import Fact, RequestAnswered, RequestDecided, SigningKeyRotated
from projections.history.moments import MOMENTS
from projections.read_models import READ_MODELS, dispatch
from projections.schema import create_read_models
from projections.writers.audit.lowered import LOWERED
from projections.writers.catalogue import CATALOGUE
from projections.writers.component_usage import COMPONENT_USAGES, USAGE_OWNERS
from projections.writers.limits.user_usage_limits import LIMIT_OWNERS
from projections.writers.provided import PROVIDED
from projections.writers.read_model import ReadModel
from projections.writers.scope_position import SCOPE_POSITIONS
from tests.api.monthly import entity
from tests.support.everything import tell_of_everything
from tests.world import SECOND_PROJECT, World

# What this transaction has read and written so far, by table.
SELECT_ACCESS = """
SELECT
    relname AS name, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS scans,
    n_tup_ins + n_tup_upd + n_tup_del AS writes
FROM pg_stat_xact_user_tables WHERE schemaname = 'read_models_test'"""

Access = dict[str, tuple[int, int]]


def writers_of(table: str) -> list[ReadModel[Any]]:
    return [model for model in READ_MODELS if table in model.writes]


def needs() -> Iterator[Any]:
    for place, model in enumerate(READ_MODELS):
        for table in model.reads:
            yield pytest.param(place, table, False, id=f"{model.writes[0]} after {table}")
        for table in model.reads_before:
            yield pytest.param(place, table, True, id=f"{model.writes[0]} before {table}")


@pytest.mark.parametrize(("place", "table", "comes_first"), list(needs()))
def test_a_model_comes_after_the_tables_that_it_reads_or_before_their_change(
    place: int, table: str, comes_first: bool
) -> None:
    others = [READ_MODELS.index(each) for each in writers_of(table) if each is not READ_MODELS[place]]
    assert others
    assert all((place < other) == comes_first for other in others)


def test_a_batch_enters_the_models_that_handle_its_facts_with_those_facts_only(world: World) -> None:
    world.describe(projects=[entity("projects", SECOND_PROJECT, name="Renamed")])
    world.report(usages=[{"type": "cpu", "amount": 7}])  # the first one, which opens a plan period
    project, period, reported = facts = world.ledger.facts_after(0, 1_000_000)[-3:]
    entered = []

    def noting(model: ReadModel[Any]) -> ReadModel[Any]:
        return replace(model, project=lambda _cursor, facts: entered.append((model, facts)))

    with world.services.reading() as cursor:
        last_description = dispatch(cursor, facts, tuple(map(noting, READ_MODELS)))
    assert last_description == period[0]
    assert entered == [
        (CATALOGUE, [project, period]),
        (PROVIDED, [project]),
        (LOWERED, [reported]),
        (USAGE_OWNERS, [project]),
        (COMPONENT_USAGES, [reported]),
        (LIMIT_OWNERS, [project]),
        (MOMENTS, facts),
        (SCOPE_POSITIONS, facts),
    ]


def test_models_read_and_write_the_tables_that_they_declare_and_no_others(world: World) -> None:
    tell_of_everything(world)
    facts = world.ledger.facts_after(0, 1_000_000)
    written, scanned = ([set[str]() for _ in READ_MODELS] for _ in "ws")
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        create_read_models(connection, "read_models_test")
        connection.execute("SET LOCAL search_path TO read_models_test")
        for fact in facts:
            for place, model in enumerate(READ_MODELS):
                before = access(connection)
                dispatch(connection.cursor(), [fact], (model,))
                after = access(connection)
                scanned[place] |= {
                    name.removesuffix("_past") for name in after if after[name][0] > before[name][0]
                }
                written[place] |= {name for name in after if after[name][1] > before[name][1]}
        connection.rollback()
    assert [{name.removesuffix("_past") for name in tables} for tables in written] == [
        set(model.writes) for model in READ_MODELS
    ]
    assert [tables - set(model.writes) for tables, model in zip(scanned, READ_MODELS, strict=True)] == [
        {*model.reads, *model.reads_before} - set(model.writes) for model in READ_MODELS
    ]


def access(connection: Connection[DictRow]) -> Access:
    return {row["name"]: (row["scans"], row["writes"]) for row in connection.execute(SELECT_ACCESS)}


def test_every_kind_of_fact_is_handled_but_those_of_answers_and_keys() -> None:
    kinds = {each for each in all_kinds(Fact) if each.__module__ == Fact.__module__ and "TOPIC" in vars(each)}
    of_all = (MOMENTS, SCOPE_POSITIONS)
    handled = tuple(kind for model in READ_MODELS if model not in of_all for kind in model.handles)
    assert {kind for kind in kinds if not issubclass(kind, handled)} == {
        RequestAnswered,
        RequestDecided,
        SigningKeyRotated,
    }


def all_kinds(kind: type[Fact]) -> Iterator[type[Fact]]:
    for each in kind.__subclasses__():
        yield each
        yield from all_kinds(each)
