"""A ledger that is written to again and again: rows stay where they are, in pages with room."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from tests.projections.rebuilding import rebuild_of
from tests.world import RESOURCE, USAGES, World, open_world

ROUNDS = 6
MONTHS = [f"{year}-{month:02}-01" for year in (2022, 2023) for month in range(1, 13)]

SELECT_UPDATES = """
SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
WHERE schemaname = 'read_models' AND relname = ANY(%(tables)s)"""

SELECT_OPTIONS = """
SELECT relname, reloptions FROM pg_class
WHERE relnamespace = 'read_models'::regnamespace AND reloptions IS NOT NULL ORDER BY relname"""

PATIENCE_SECONDS = 30


def updates(url: str, at_least: int, *tables: str) -> list[TupleRow]:
    """Updates of tables, and those that changed no index; counted once their connections are closed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with psycopg.connect(url) as connection:
            counted = connection.execute(SELECT_UPDATES, {"tables": list(tables)}).fetchall()
        if min(updates for _, updates, _ in counted) >= at_least or time.monotonic() > deadline:
            return counted
        time.sleep(0.05)


def bulk(world: World, amount: int, **more: Any) -> None:
    items = [
        {"resource": RESOURCE, "type": kind, "amount": f"{amount}", "date": month, **more}
        for month in MONTHS
        for kind in ("cpu", "gpu")
    ]
    assert world.as_("staff").post("/api/ledger/reports/", items).status_code == 201


def test_bulks_dated_alike_change_no_index(
    world_database: Callable[[], AbstractContextManager[str]],
) -> None:
    rows = 2 * len(MONTHS)
    with world_database() as url:
        with open_world(url) as world:
            for amount in range(1 + ROUNDS):
                bulk(world, amount)
        for table, changed, in_place in updates(
            url, ROUNDS * rows, "component_usage", "project_usage", "monthly_consumption"
        ):
            assert changed == ROUNDS * rows, table
            assert in_place >= 0.9 * changed, table


def test_single_reports_dated_alike_change_no_index(
    world_database: Callable[[], AbstractContextManager[str]],
) -> None:
    with world_database() as url:
        with open_world(url) as world:
            for amount in range(1 + 20 * ROUNDS):
                usages = [{"type": "cpu", "amount": f"{amount}"}]
                assert world.report(date=MONTHS[0], usages=usages).status_code == 201
            usage = world.usages()[0]["uuid"]
            for amount in range(1 + 20 * ROUNDS):
                told = world.as_("staff").post(
                    f"{USAGES}{usage}/set_user_usage/", {"username": "ann", "usage": f"{amount}"}
                )
                assert told.status_code == 201
        for table, changed, in_place in updates(
            url, 20 * ROUNDS, "component_usage", "user_usage", "scope_position"
        ):
            assert in_place >= 0.9 * changed, table


def test_a_rebuild_leaves_pages_filled_and_vacuumed_as_the_first_tables_are(world: World) -> None:
    def options() -> dict[str, list[str]]:
        with world.services.reading() as cursor:
            return {row["relname"]: row["reloptions"] for row in cursor.execute(SELECT_OPTIONS)}

    first = options()
    assert {"fillfactor=50", "autovacuum_vacuum_insert_scale_factor=0.02"} <= {*first["component_usage"]}
    world.report(usages=[{"type": "cpu", "amount": "1"}])
    assert rebuild_of(world).run().is_live
    assert options() == first
