"""Reports of users' usages."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import (
    CPU,
    OFFERING_USER,
    RESOURCE,
    USAGES,
    World,
    uid,
)

USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


REQUIRED = ["This field is required."]


NOT_NULL = ["This field may not be null."]


NO_NUMBER = ["A valid number is required."]


CLOSED_MONTH = {
    "date": [
        "Service providers can only specify date for limit-based or prepaid billing components "
        "when backfilling past billing periods."
    ]
}


LIMIT_EXCEEDED = (
    "Usage limit exceeded. Maximum allowed: 150.00, current usage: 100.00, additional: {additional}."
)


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json() if response.data else None


def usage_of(world: World, component: str = "cpu", amount: Any = 100, **body: Any) -> str:
    """Reports a component as staff. Returns the uuid of its component usage."""
    assert answer(world.report(usages=[{"type": component, "amount": amount}], **body)) == (201, None)
    found = [row for row in world.usages() if row["type"] == component]
    return str(found[0]["uuid"])


def report_users(world: World, usage_uuid: str, *items: Any, by: str = "staff") -> TestResponse:
    return world.as_(by).post(f"{USAGES}{usage_uuid}/set_user_usages/", {"usages": list(items)})


def shares(world: World) -> list[tuple[str, str]]:
    return sorted((row["username"], row["usage"]) for row in world.user_usages())


def totals(world: World) -> list[tuple[str, str, str]]:
    return sorted((row["billing_period"], row["type"], row["usage"]) for row in world.usages())


def describe_limit(world: World, limit: Any = 150) -> None:
    described = {
        "uuid": uid(0x51),
        "resource_uuid": RESOURCE,
        "component_uuid": CPU,
        "offering_user_uuid": OFFERING_USER,
        "limit": limit,
    }
    world.describe(component_user_usage_limits=[described])
