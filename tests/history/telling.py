"""Facts that make several states of a row, and move what belongs to somebody, also inside of one batch."""

from tests.api.monthly import entity
from tests.world import (
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)

LATER = (("2026-11-14", "9.5"), ("2026-11-14", 8), ("2026-10-03", 1), ("2026-11-13", 0), ("2026-10-04", 2))
"""Dates and amounts of reports, most of which are of one usage."""

LIMITS = "/api/component-user-usage-limits/"


def tell_of_moves(world: World) -> None:
    """Bring such facts into the journal."""
    world.describe(
        resources=[entity("resources", RESOURCE, limits={"cpu": 3, "gpu": None})],
        resource_plan_periods=[
            {
                "uuid": uid(0x98),
                "resource_uuid": RESOURCE,
                "plan_uuid": PREMIUM,
                "start": "2026-11-10T00:00:00Z",
            }
        ],
    )
    cpu = {"type": "cpu", "amount": 7, "missing_usage_policy": "reuse"}
    assert world.report(usages=[cpu, {"type": "gpu", "amount": 0}]).status_code == 201
    [usage], [gpu] = world.usages(type="cpu"), world.usages(type="gpu")
    of_users = f"/api/marketplace-component-usages/{gpu['uuid']}/set_user_usages/"
    users = [{"username": name, "usage": amount} for name, amount in (("ann", 1), ("bo", 2), ("ann", 3))]
    assert world.as_("staff").post(of_users, {"usages": users}).status_code == 201
    assert world.as_("staff").post(of_users, {"usages": users[:2]}).status_code == 201
    bulk = [
        {"resource": RESOURCE, "type": "cpu", "amount": amount, "date": f"2026-11-{day:02d}"}
        for day, amount in ((1, 1), (12, 2), (3, 3), (13, 3))
    ]
    answer = world.as_("staff").post("/api/ledger/reports/", bulk)
    assert answer.status_code in (200, 201, 207), answer.text
    limit = {"uuid": uid(0x97), "resource_uuid": RESOURCE, "component_uuid": CPU}
    world.describe(
        component_user_usage_limits=[limit | {"offering_user_uuid": OFFERING_USER, "limit": 5}],
        resources=[entity("resources", RESOURCE, limits={"cpu": 4}, project_uuid=SECOND_PROJECT)],
        projects=[
            entity("projects", SECOND_PROJECT, customer_uuid=OTHER_CONSUMER),
            entity("projects", PROJECT, name="Renamed"),
        ],
    )
    world.describe(
        offerings=[entity("offerings", OFFERING, customer_uuid=OTHER_PROVIDER)],
        offering_components=[entity("offering_components", GPU, type="tpu", limit_amount=7)],
        customers=[entity("customers", CONSUMER, name="Renamed consumer")],
        resources=[entity("resources", RESOURCE, limits={"tpu": 4}, state=6)],
    )
    assert world.as_("staff").send("DELETE", f"{LIMITS}{uid(0x97)}/").status_code == 204
    world.describe(projects=[entity("projects", SECOND_PROJECT, customer_uuid=CONSUMER)])
    assert usage


def tell_of_reports(world: World) -> None:
    """Bring reports into the journal, with nothing else between or after them."""
    for day, amount in LATER:
        for resource in (SECOND_RESOURCE, OTHER_RESOURCE):
            item = {"resource": resource, "type": "cpu", "date": day, "amount": amount}
            assert world.as_("staff").post("/api/ledger/reports/", [item]).status_code == 201
