"""WSGI middleware around all other: notes what became of each request, whoever answered it.

Each answer says in `X-Request-ID` by which id the log knows the request: the client's, as far as facts keep
it, or else a new one.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map

from web.limits.admission import STREAMED
from web.request.authentication import MOST_CHARACTERS, NOT_PRINTABLE, TRACEPARENT, USER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNKNOWN = "unknown"
"""The route of paths that are none, and methods that nobody knows: there are as many as clients think of."""

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

REQUEST = "werkzeug.request"
"""Key in a request's environment: the request as Flask had it, with its route."""

ROUTE = "usage-ledger.route"
"""Key in a request's environment: its route, where it is none of Flask's."""

HEADER = "X-Request-ID"

POSITION = "Ledger-Position"

PATHS_KEPT = 4_096
"""Routes are kept of so many paths, for answers that were made before Flask."""


class Answered(Struct, gc=False):
    """A request that was answered. There is one for each, so it is of the cheapest kind."""

    method: str
    route: str
    """Its route as Flask writes it, never the path."""
    status: str
    seconds: float
    path: str = ""
    request_id: str = ""
    user: UUID | None = None
    """The uuid of who asked, where that was found out."""
    position: int | None = None
    """Of the answer, as its header says it."""
    trace_id: str = ""


Sink = Callable[[Answered, "WSGIEnvironment"], None]


class Observed:
    """WSGI middleware that tells `sinks` of each request, once its answer is made or was sent in parts."""

    def __init__(self, application: "WSGIApplication", routes: Map, sinks: Sequence[Sink]) -> None:
        self._application, self._sinks = application, sinks
        self._routes = routes
        self._route_of_path = lru_cache(PATHS_KEPT)(self._find_route)
        self._ids = new_ids()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began, status, position = time.perf_counter(), "500", None
        sent = environ.get("HTTP_X_REQUEST_ID")
        request_id = (sent and kept(sent, environ)) or next(self._ids)

        def answer(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status, position
            status, position = line[:3], position_in(headers)
            return start_response(line, [*headers, (HEADER, request_id)], *rest)

        def done() -> None:
            request = Answered(
                method_of(environ),
                self._route(environ),
                status,
                time.perf_counter() - began,
                environ["PATH_INFO"],
                request_id,
                environ.get(USER),
                position,
                trace_of(environ),
            )
            for sink in self._sinks:
                sink(request, environ)

        try:
            parts = self._application(environ, answer)
        except BaseException:
            done()
            raise
        if STREAMED in environ:
            return Followed(parts, done)
        done()
        return parts

    def _route(self, environ: "WSGIEnvironment") -> str:
        request = environ.get(REQUEST)
        if request is not None and request.url_rule is not None:
            rule: str = request.url_rule.rule
            return rule
        return environ.get(ROUTE) or self._route_of_path(environ["PATH_INFO"])

    def _find_route(self, path: str) -> str:
        adapter = self._routes.bind("")
        try:
            try:
                rule, _ = adapter.match(path, "GET", return_rule=True)
            except MethodNotAllowed as error:
                methods = list(error.valid_methods or ["GET"])
                rule, _ = adapter.match(path, methods[0], return_rule=True)
        except HTTPException:
            return UNKNOWN
        return str(rule.rule)


def new_ids() -> Iterator[str]:
    """Yield ids that no other process makes, however many are asked for: secure ones would take longer."""
    beginning = secrets.token_hex(10)
    return (f"{beginning}{number:012x}" for number in count())


def kept(sent: str, environ: "WSGIEnvironment") -> str:
    """Return a header cut and printable, and nothing of one with the secret of the request in it."""
    secret = environ.get("HTTP_AUTHORIZATION", "").rpartition(" ")[2].lower()
    if secret and secret in sent.lower():
        return ""
    return NOT_PRINTABLE.sub("?", sent[:MOST_CHARACTERS])


def trace_of(environ: "WSGIEnvironment") -> str:
    """Return the id of the trace that a request is a part of (W3C), nothing if it names none."""
    sent: str = environ.get("HTTP_TRACEPARENT", "")
    return sent[3:35] if sent and TRACEPARENT.fullmatch(sent) else ""


def position_in(headers: Iterable[tuple[str, str]]) -> int | None:
    """Return the position that an answer says it is good up to, if it does."""
    for name, value in headers:
        if name == POSITION:
            return int(value)
    return None


def method_of(environ: "WSGIEnvironment") -> str:
    """Return the method of a request if there is such a one."""
    method: str = environ["REQUEST_METHOD"]
    return method if method in METHODS else UNKNOWN


class Followed:
    """An answer in parts, which tells when the last was sent, or nobody takes them any more."""

    def __init__(self, parts: Iterable[bytes], done: Callable[[], None]) -> None:
        self._parts, self._done = parts, done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        if close := getattr(self._parts, "close", None):
            close()
        self._done()
