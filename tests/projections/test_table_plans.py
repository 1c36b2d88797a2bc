"""Many usages in a ledger that has none yet: PostgreSQL is told what their tables are like."""

from tests.projections.rebuilding import rebuild_of
from tests.support.queueing import REPORTS
from tests.world import RESOURCE, World

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


def test_of_tables_that_are_empty_when_they_are_made_postgresql_is_told_nothing(world: World) -> None:
    assert rebuild_of(world).run().is_live
    assert known_rows(world, "component_usage") == -1
