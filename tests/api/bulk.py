"""Requests of many reports, and their answers."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import (
    OFFERING_USER,
    RESOURCE,
    World,
)

REPORTS = "/api/ledger/reports/"


USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


def of(component_type: str, amount: Any, **more: Any) -> dict[str, Any]:
    """A report of RESOURCE, unless told otherwise."""
    return {"resource": RESOURCE, "type": component_type, "amount": amount, **more}


def of_user(username: str, usage: Any, **more: Any) -> dict[str, Any]:
    """The same of one user, of cpu unless told otherwise."""
    return {"resource": RESOURCE, "type": "cpu", "username": username, "usage": usage, **more}


def send(world: World, items: Any, *, by: str = "staff", **query: Any) -> TestResponse:
    return world.as_(by).send("POST", REPORTS, json=items, query_string=query)


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def results(response: TestResponse) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = response.get_json()["results"]
    return told


def words(response: TestResponse) -> list[str]:
    return [each["result"] for each in results(response)]


def refused(errors: dict[str, Any]) -> dict[str, Any]:
    return {"result": "refused", "errors": errors}


def rows(world: World) -> list[tuple[str, str, str, str]]:
    return sorted(
        (row["resource_uuid"], row["type"], row["billing_period"], row["usage"])
        for row in world.usages(page_size=300)
    )


def shares(world: World) -> list[tuple[str, str, str]]:
    return sorted((row["billing_period"], row["username"], row["usage"]) for row in world.user_usages())
