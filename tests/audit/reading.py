"""Reading the feed."""

from typing import Any, cast

import orjson
from werkzeug.test import TestResponse

from tests.world import Client, World
from web.wire.audit.feed import LINES

FEED = "/api/ledger/events/"

Event = dict[str, Any]


def lines_of(response: TestResponse) -> list[Event]:
    return [orjson.loads(line) for line in response.data.splitlines()]


def as_lines(client: Client, **query: Any) -> TestResponse:
    return client.send("GET", FEED, query_string=query, headers={"Accept": LINES})


def pages(client: Client, limit: int, after: int = 0) -> list[Event]:
    """All events, page by page, as the links lead on."""
    found, query = [], f"after={after}&limit={limit}"
    while True:
        response = client.send("GET", FEED, query_string=query)
        assert response.status_code == 200
        page = cast("list[Event]", response.get_json())
        found += page
        if not page:
            assert "Link" not in response.headers
            return found
        assert len(page) <= limit
        url, _, relation = response.headers["Link"].partition("; ")
        assert relation == 'rel="next"'
        address, _, query = url.strip("<>").partition("?")
        assert address == f"http://localhost{FEED}"


def stored(world: World, topics: set[str] | None = None) -> list[tuple[int, str, bytes]]:
    """Position, topic and state of the facts in the journal."""
    facts = world.ledger.stored_after(0, 1_000_000)
    return [(each.id, each.topic, each.state) for each in facts if topics is None or each.topic in topics]
