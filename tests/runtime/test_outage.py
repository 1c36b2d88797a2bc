"""The database goes away, and comes back."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo

from ledger.events import UsageReported
from tests.support.waiting import wait_until
from tests.support.wire import AWAY, Wire, end_connections
from tests.world import USAGES, World, open_world


@pytest.fixture
def far_world(world_url: str, wire: Wire) -> Iterator[World]:
    """The world, with its database at the other end of the wire."""
    with open_world(make_conninfo(world_url, host="127.0.0.1", port=wire.port)) as world:
        world.as_("staff")
        yield world


def test_reports_and_reads_are_answered_503_while_the_database_is_away(far_world: World, wire: Wire) -> None:
    wire.cut()
    for response in (
        far_world.report(usages=[{"type": "cpu", "amount": "1"}]),
        far_world.as_("staff").get(USAGES),
    ):
        assert (response.status_code, response.json) == (503, AWAY)
    assert far_world.anonymous.get("/readyz").status_code == 503
    assert far_world.anonymous.get("/healthz").status_code == 200


def test_the_service_recovers_by_itself_when_the_database_returns(far_world: World, wire: Wire) -> None:
    far_world.report(usages=[{"type": "cpu", "amount": "1"}])
    wire.cut()
    assert far_world.report(usages=[{"type": "cpu", "amount": "2"}]).status_code == 503
    wire.mend()
    wait_until(lambda: far_world.report(usages=[{"type": "cpu", "amount": "3"}]).status_code == 201)
    assert [row["usage"] for row in far_world.usages()] == ["3.00"]


def test_a_database_that_restarts_costs_one_request_an_error(far_world: World) -> None:
    far_world.report(usages=[{"type": "cpu", "amount": "1"}])
    end_connections(far_world)
    statuses = [far_world.report(usages=[{"type": "cpu", "amount": "2"}]).status_code for _ in range(3)]
    assert statuses == [503, 201, 201]
    assert [row["usage"] for row in far_world.usages()] == ["2.00"]


def test_what_was_appended_before_the_connection_was_lost_is_not_appended_again(world: World) -> None:
    world.report(date="2026-11-03", usages=[{"type": "cpu", "amount": "1"}])
    end_connections(world)
    for _ in range(3):
        world.report(date="2026-11-03", usages=[{"type": "cpu", "amount": "1"}])
    assert len(world.facts(UsageReported)) == 1
