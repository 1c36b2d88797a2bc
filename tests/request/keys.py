"""Requests with an idempotency key."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import (
    RESOURCE,
    USAGES,
    World,
)

REPORTS = "/api/ledger/reports/"


KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def post(world: World, path: str, body: Any, key: str | None = KEY, by: str = "staff") -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return world.as_(by).send("POST", path, json=body, headers=headers)


def told(response: TestResponse) -> tuple[int, bytes, str | None]:
    return response.status_code, response.data, response.content_type


def is_replayed(response: TestResponse) -> bool:
    assert response.headers.get("Idempotency-Replayed") in (None, "true")
    return "Idempotency-Replayed" in response.headers


def set_usage(amount: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": amount}], **more}
    return f"{USAGES}set_usage/", body


SOME = [
    {"resource": RESOURCE, "type": "cpu", "amount": 5},
    {"resource": RESOURCE, "type": "gpu", "amount": 6},
]
