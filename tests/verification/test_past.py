"""What was at a position is verified, too, and rows that are kept for it."""

from collections.abc import Callable

import psycopg
import pytest

from tests.history.telling import tell_of_moves
from tests.projections.test_rebuild import forget
from tests.support.everything import tell_of_everything
from tests.verification.verifying import execute, verified
from tests.world import World


@pytest.mark.parametrize("tell", [tell_of_everything, tell_of_moves])
def test_at_some_positions_nothing_is_found(world: World, tell: Callable[[World], None]) -> None:
    tell(world)
    for name in ("ann", "member01", "stranger"):  # of everything it is a fact that they were
        forget(world, name)
    positions = [position for position, _ in world.ledger.facts_after(0, 1_000)]
    for number in [0, *range(len(positions) - 1, 0, -15)]:
        result, lines = verified(world, to=positions[number])
        assert lines == []
        assert result == (positions[number], number + 1, 0, True)


def test_nothing_is_found_in_the_empty_world(world: World) -> None:
    assert verified(world, to=0) == ((0, 0, 0, True), [])


def test_rows_of_the_past_are_compared_with_those_of_then(world: World) -> None:
    for amount in ("4", "5", "6"):
        world.report(usages=[{"type": "gpu", "amount": amount}])
    last = world.projector.catch_up()
    assert execute(world, "UPDATE component_usage_past SET usage = 9 WHERE usage = 5") == 1
    expected = {last - 2: [], last - 1: [" usage 9.00 5.00 "], last: [" usage 9.00 5.00 "]}
    for position, found in expected.items():
        of_usages = [line for line in verified(world, to=position)[1] if line.startswith("component_usage")]
        assert len(of_usages) == len(found)
        assert all(part in line for part, line in zip(found, of_usages, strict=True))
        assert all(line.endswith(f" {position}") for line in of_usages)


def test_a_position_in_a_gap_stands_for_the_fact_before(world: World) -> None:
    last = world.projector.catch_up()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("SELECT setval('journal.ledger_events_notification_id_seq', %s)", [last + 10])
    world.report(usages=[{"type": "gpu", "amount": 1}])
    result, lines = verified(world, to=last + 5)
    assert (result.to, lines) == (last, [])
