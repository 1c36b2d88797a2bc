"""A world with something to look at: two providers' figures of two months, shares, a correction, silence."""

import pytest

from tests.world import (
    OTHER_OFFERING,
    OTHER_RESOURCE,
    RESOURCE,
    SECOND_RESOURCE,
    World,
)

OCTOBER = "2026-10-20"


@pytest.fixture
def shown_world(world: World) -> World:
    """The figures: 301.50 CPU of RESOURCE in October, corrected to 231.50 with a reason; 12.00 now."""

    def report(resource: str, kind: str, amount: str, **more: str) -> None:
        items = [{"type": kind, "amount": amount}]
        answer = world.report(resource=resource, usages=items, **more)
        assert answer.status_code == 201, answer.get_json()

    report(RESOURCE, "cpu", "301.50", date=OCTOBER)
    report(RESOURCE, "gpu", "40.00", date=OCTOBER)
    report(SECOND_RESOURCE, "cpu", "7.25", date=OCTOBER)
    report(OTHER_RESOURCE, "cpu", "99.00", date=OCTOBER)
    usage = world.usages(resource_uuid=RESOURCE, type="cpu")[0]["uuid"]
    assert world.report_user(usage, username="member01", usage="120.25").status_code == 201
    corrected = world.as_("staff").send(
        "POST",
        "/api/marketplace-component-usages/set_usage/",
        json={"resource": RESOURCE, "date": OCTOBER, "usages": [{"type": "cpu", "amount": "231.50"}]},
        headers={"Ledger-Reason": "jobs counted twice"},
    )
    assert corrected.status_code == 201
    report(RESOURCE, "cpu", "12.00")
    report(SECOND_RESOURCE, "cpu", "8.00")
    assert OTHER_OFFERING  # its resource stays silent in November
    return world
