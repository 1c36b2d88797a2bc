"""Reporting usage: contract section 2.1."""

from tests.world import World


def test_a_report_shows_in_the_next_read(world: World) -> None:
    response = world.report(by="offering-manager", usages=[{"type": "cpu", "amount": "12.50"}])
    assert (response.status_code, response.data) == (201, b"")
    assert [(row["type"], row["usage"]) for row in world.usages()] == [("cpu", "12.50")]
