"""Records what a served ledger is asked, and what it answers: method, path and status, request by request."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from web.runtime import server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEX, DASHED = re.compile(r"\b[0-9a-f]{32}\b"), re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
MONTH = re.compile(r"\b\d{4}-\d\d-01\b")


class Recorder:
    """WSGI middleware that appends a line for each request to a file."""

    def __init__(self, application: "WSGIApplication", path: str) -> None:
        self._application, self._path = application, path

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: Any, *rest: Any) -> Any:
            target = "?".join(filter(None, (environ["PATH_INFO"], environ.get("QUERY_STRING", ""))))
            line = [environ["REQUEST_METHOD"], target, int(status[:3]), environ.get("HTTP_USER_AGENT", "")]
            with Path(self._path).open("a") as file:
                file.write(json.dumps(line) + "\n")
            return start_response(status, headers, *rest)

        return self._application(environ, start)


def record(path: str) -> None:
    """Have every application that this process serves write to a file what it is asked."""
    application = server.application
    server.application = lambda *given: Recorder(application(*given), path)


def recorded(path: Path) -> list[tuple[str, str, int]]:
    """Return what was asked since the last call: `{hex}`, `{dashed}` and `{month}` for ids and months."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return [(method, plain(target), status) for method, target, status, _ in lines]


def plain(target: str) -> str:
    """A path with its query, but for ids, months and the names of wanted fields."""
    target = re.sub(r"(?<=[?&])field=[a-z_]+&(?=field=)", "", target)
    target = re.sub(r"(?<=[?&])field=[a-z_]+", "field=…", target)
    return MONTH.sub("{month}", HEX.sub("{hex}", DASHED.sub("{dashed}", target)))
