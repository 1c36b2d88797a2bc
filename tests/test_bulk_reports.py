"""POST /api/ledger/reports/: many reports in one request."""

from tests.world import RESOURCE, SECOND_RESOURCE, World

REPORTS = "/api/ledger/reports/"


def test_items_are_decided_in_order_and_each_sees_those_before_it(world: World) -> None:
    response = world.as_("staff").post(
        REPORTS,
        [
            {"resource": RESOURCE, "type": "cpu", "amount": "10", "date": "2026-11-10"},
            {"resource": RESOURCE, "type": "cpu", "amount": "10.00", "date": "2026-11-10"},
            {"resource": RESOURCE, "type": "cpu", "amount": "11", "date": "2026-11-10"},
            {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": "4"},
            {
                "resource": SECOND_RESOURCE,
                "type": "cpu",
                "username": "ann",
                "usage": "4",
                "date": "2026-10-01",
            },
        ],
    )
    assert response.json is not None
    assert response.status_code == 201, response.data
    assert [each["result"] for each in response.json["results"]] == [
        "created",
        "unchanged",
        "changed",
        "created",
        "created",
    ]
