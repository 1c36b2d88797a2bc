"""Waldur's own client, unchanged, over a real connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from waldur_api_client import AuthenticatedClient
from werkzeug.serving import make_server

from tests.world import World
from web.commands import tokens


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Where the world is served to real clients."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client_of(world: World, username: str, url: str) -> Iterator[AuthenticatedClient]:
    token = tokens.create(world.services, tokens.user_named(world.services, username), days=None)
    with AuthenticatedClient(base_url=url, token=token) as client:
        yield client


@pytest.fixture
def client(world: World, url: str) -> Iterator[AuthenticatedClient]:
    with client_of(world, "staff", url) as client:
        yield client
