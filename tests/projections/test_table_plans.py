"""Many figures at once: PostgreSQL is told how large the tables have become."""

import pytest

from projections.fast.plans import MANY
from tests.projections.rebuilding import rebuild_of
from tests.support.queueing import REPORTS
from tests.world import OFFERING, PROJECT, RESOURCE, World, uid

MONTHS = [f"{year}-{month:02}-01" for year in range(1960, 2020) for month in range(1, 13)]


def known_rows(world: World, table: str) -> float:
    """Return how many rows PostgreSQL takes a table to have, -1 where it knows nothing."""
    with world.services.reading() as cursor:
        row = cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = %(table)s::regclass", {"table": table}
        ).fetchone()
    assert row is not None
    return float(row["reltuples"])


def report(world: World, months: list[str], amount: str) -> None:
    items = [{"resource": RESOURCE, "type": "cpu", "amount": amount, "date": month} for month in months]
    assert world.as_("staff").post(REPORTS, items).status_code == 201


@pytest.fixture(autouse=True)
def _new_tables(world: World) -> None:
    """PostgreSQL still knows what the tables were like in the test before. Of new ones it knows nothing."""
    assert rebuild_of(world).run().is_live
    assert known_rows(world, "component_usage") == -1, "an empty table is not looked at"


def test_a_first_large_bulk_has_the_tables_analyzed_and_a_small_one_does_not(world: World) -> None:
    report(world, MONTHS[:10], "1")
    assert known_rows(world, "component_usage") == -1
    report(world, MONTHS, "1")
    assert known_rows(world, "component_usage") > len(MONTHS) / 2


def test_so_has_a_first_large_bulk_that_changes_what_there_is(world: World) -> None:
    report(world, MONTHS, "1")
    assert known_rows(world, "component_usage_past") == -1
    report(world, MONTHS, "2")
    assert known_rows(world, "component_usage_past") > len(MONTHS) / 2


def test_so_have_many_resources(world: World) -> None:
    assert known_rows(world, "resource") < MANY
    resource = {"offering_uuid": OFFERING, "project_uuid": PROJECT, "name": "Many"}
    world.describe(resources=[{"uuid": uid(0xE000 + number), **resource} for number in range(2 * MANY)])
    assert known_rows(world, "resource") >= MANY


def test_a_table_that_stays_small_is_not_looked_at_with_each_bulk(world: World) -> None:
    report(world, MONTHS[:1], "1")
    world.report_user(world.usages()[0]["uuid"], username="alice", usage="1")
    report(world, MONTHS, "1")
    assert known_rows(world, "user_usage") == -1
