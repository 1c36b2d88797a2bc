"""The command `usage-ledger report` in front of a service in this process."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.command import Environment
from tests.world import World
from web import utc_now

Application = Callable[[Any, Any], Iterable[bytes]]


Mood = Callable[[Application, Any, Any], Iterable[bytes]]


class QuietHandler(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Tests say what went wrong."""


class Front:
    """The world on a port, with something before it that does not let everything through: its moods, one
    for each request, as long as there are any. `keys` are those of the requests."""

    def __init__(self, world: World) -> None:
        self._app: Application = world.app
        self.moods: deque[Mood] = deque()
        self.keys: list[str | None] = []
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=QuietHandler)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def _answer(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.keys.append(environ.get("HTTP_IDEMPOTENCY_KEY"))
        mood = self.moods.popleft() if self.moods else lets_through
        return mood(self._app, environ, start_response)


def lets_through(app: Application, environ: Any, start_response: Any) -> Iterable[bytes]:
    return app(environ, start_response)


def answers(status: str, body: str = "", **headers: str) -> Mood:
    def mood(_app: Application, environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return [body.encode()]

    return mood


@pytest.fixture
def front(world: World) -> Iterator[Front]:
    world.now = utc_now()  # what comes without a date is dated by the clock of who sends it
    front = Front(world)
    thread = threading.Thread(target=front.server.serve_forever)
    thread.start()
    yield front
    front.server.shutdown()
    thread.join()
    front.server.server_close()


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Environment:
    """The environment of somebody who may report, and has no database."""
    token = world.as_("staff").authorization.split()[1]
    return {"LEDGER_TOKEN": token, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
