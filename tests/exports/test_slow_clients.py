"""A client that takes its file slowly: others are served in bounded memory, and a rebuild goes on."""

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest

from projections.rebuild import Rebuild
from tests.support.served import Served, served
from tests.world import RESOURCE, USAGES, USER_USAGES, World, open_world

USERS = 20_000
PATH = f"{USER_USAGES}?format=ndjson"


@pytest.fixture(name="shared")
def world_with_many_users(world: World) -> World:
    """A world with a list that is far larger than what sockets hold."""
    assert world.report(usages=[{"type": "cpu", "amount": 1}]).status_code == 201
    for first in range(0, USERS, 10_000):
        many = [
            {"resource": RESOURCE, "type": "cpu", "username": f"user{first + number:05}", "usage": 1}
            for number in range(10_000)
        ]
        answer = world.as_("staff").post("/api/ledger/reports/", many)
        assert answer.status_code == 201
    return world


@contextmanager
def reading_slowly(service: Served, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    """The answer to an export of which nothing is read yet, at a socket that holds little."""
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)) as connection:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        made.settimeout(120)
        made.connect(("127.0.0.1", service.port))
        connection.sock = made
        connection.request("GET", PATH, headers=headers)
        response = connection.getresponse()
        assert response.status == 200
        yield response


def asked(service: Served, headers: dict[str, str], path: str = USAGES) -> tuple[int, float]:
    """The status of an answer to somebody else, and how many seconds it took."""
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
    return response.status, time.monotonic() - began


def test_a_slow_client_keeps_nobody_waiting_and_gets_one_snapshot_through_a_rebuild(
    shared: World, world_url: str
) -> None:
    headers = {"Authorization": shared.as_("staff").authorization}
    with served(world_url) as service, reading_slowly(service, headers) as slow:
        taken = slow.read(1_000)
        before = service.peak()
        with ThreadPoolExecutor(1) as pool:
            rebuilt = pool.submit(rebuild, world_url)
            while not rebuilt.done():
                status, seconds = asked(service, headers)
                assert (status, seconds < 10) == (200, True)
                taken += slow.read(2_000)
            rebuilt.result()
        assert asked(service, headers)[0] == 200
        assert is_read(world_url), "the export was over before the rebuild was"
        taken += slow.read()
        assert service.peak() - before < 60
    assert taken.count(b"\n") == USERS
    assert int(slow.headers["X-Result-Count"]) == USERS


def is_read(url: str) -> bool:
    """Return whether a transaction of an export is open."""
    with psycopg.connect(url) as connection:
        return connection.execute(OPEN).fetchone() is not None


OPEN = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"""


def rebuild(url: str) -> None:
    with open_world(url) as other:
        assert Rebuild(other.ledger.pool, other.ledger.facts_after).run().is_live
