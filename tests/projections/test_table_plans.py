"""Many usages in a ledger that has none yet: PostgreSQL is told what their tables are like."""

from tests.support.queueing import REPORTS
from tests.world import RESOURCE, World


def known_rows(world: World) -> float:
    """Return how many rows PostgreSQL takes the usages for, -1 where it knows nothing."""
    with world.services.reading() as cursor:
        row = cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = 'component_usage'::regclass"
        ).fetchone()
    assert row is not None
    return float(row["reltuples"])


def test_a_first_large_bulk_has_the_tables_analyzed_and_a_small_one_does_not(world: World) -> None:
    months = [f"{year}-{month:02}-01" for year in range(1960, 2020) for month in range(1, 13)]
    items = [{"resource": RESOURCE, "type": "cpu", "amount": "1", "date": each} for each in months]
    assert world.as_("staff").post(REPORTS, items[:10]).status_code == 201
    assert known_rows(world) <= 0
    assert world.as_("staff").post(REPORTS, items).status_code == 201
    assert known_rows(world) > len(items) / 2
