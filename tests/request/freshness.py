"""How new an answer is."""

from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from tests.world import (
    CONSUMER,
    OFFERING,
    PROJECT,
    Client,
    World,
)

MONTHLY = "/api/marketplace-component-usage-monthly/"


SCOPE = f"/api/marketplace-project-usage/{PROJECT}"


SCOPES = (
    f"{SCOPE}/components-usage/",
    f"{SCOPE}/components-usage-timeseries/?offering_uuid={OFFERING}",
    f"/api/marketplace-customer-usage/{CONSUMER}/components-usage/",
)


@pytest.fixture(name="usage")
def one_usage(world: World) -> str:
    """The uuid of a usage, which has a user."""
    world.report(usages=[{"type": "cpu", "amount": 100}])
    uuid: str = world.usages()[0]["uuid"]
    world.report_user(uuid, username="ann", usage=1)
    return uuid


def position_of(response: TestResponse) -> int:
    return int(response.headers["Ledger-Position"])


def head_of(world: World) -> int:
    """The position of the journal's last fact."""
    with psycopg.connect(world.conninfo) as connection:
        row = connection.execute("SELECT max(notification_id) FROM journal.ledger_events").fetchone()
    assert row is not None
    head: int = row[0]
    return head


def ask(client: Client, path: str, etag: str | None = None, method: str = "GET", **more: Any) -> TestResponse:
    headers = {} if etag is None else {"If-None-Match": etag}
    return client.send(method, path, headers=headers, **more)


def etag_of(client: Client, path: str, **more: Any) -> str:
    response = ask(client, path, **more)
    assert response.status_code == 200
    return response.headers["ETag"]
