"""Asks the API what a page shows, or to do what its form says: the same views and rights, in this process.

So a page can show nothing that the API would not tell the same person, `as_of` works on every page, and each
table can name the request that makes it. Price: a page of four tables is four requests to ourselves, at one
or two milliseconds each, and each reads what is the newest then.
"""

from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from flask import Response, current_app, request

from projections.lookups.accounts import Credentials
from web.dashboard.sessions import COOKIE
from web.limits.admission import PLACE, STREAMED
from web.request.authentication import CREDENTIALS, IDENTIFIED, SECRET
from web.request.services import current
from web.wire.urls import BELIEVED

OF_THE_CLIENT = (
    *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SCRIPT_NAME", "REMOTE_ADDR", "HTTP_HOST"),
    *("HTTP_X_FORWARDED_HOST", "wsgi.url_scheme", BELIEVED, PLACE),
)
"""What a question keeps of the request that a page is made for: who asks from where, and their place."""

TRACES = ("HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT")
"""What facts keep of a form's request, so that they lead to the logs of others."""

AGENT = "usage-ledger-dashboard"
"""The agent that facts of forms name, before the browser."""


class Refused(Exception):
    """The API does not answer what a page asks for: a status, and the body that says why."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Answer(NamedTuple):
    """What the API answered: rows or an object, how many rows there are in all, and to which question."""

    data: Any
    total: int
    position: int
    path: str
    parameters: dict[str, str]
    status: int = 200

    @property
    def request_line(self) -> str:
        """Return the path and the query that were asked, below the root of the service."""
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path


class Asker(NamedTuple):
    """Asks as somebody who is signed in, and as of a moment if the page is of one."""

    credentials: Credentials
    as_of: str

    def ask(self, path: str, **parameters: str | int | None) -> Answer:
        """Return the answer to a GET of this path below `/api/`. Raises Refused.

        Parameters that are None or empty are left out.
        """
        full = f"/api/{path}"
        named = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
        if self.as_of:
            named["as_of"] = self.as_of
        return _answer_in(passed_on(self.credentials, full, urlencode(named)), full, named)

    def send(self, path: str, body: Any, key: str = "") -> Answer:
        """Return the answer to a POST of this body, as JSON, to a path below `/api/`. Raises Refused.

        With an idempotency key it is done once, however often it is sent.
        """
        full, data = f"/api/{path}", orjson.dumps(body)
        return _answer_in(passed_on(self.credentials, full, body=data, key=key), full, {})

    def ask_if_allowed(self, path: str, **parameters: str | int | None) -> Answer | None:
        """Return the answer as `ask` does, None where it is not for this person, or not there."""
        try:
            return self.ask(path, **parameters)
        except Refused as refusal:
            if refusal.status in (403, 404):
                return None
            raise


def _answer_in(response: Response, path: str, parameters: dict[str, str]) -> Answer:
    body = response.get_data()
    if response.status_code not in (200, 201):
        raise Refused(response.status_code, orjson.loads(body or b"null"))
    return Answer(
        orjson.loads(body) if response.is_json else body,
        int(response.headers.get("X-Result-Count", 0)),
        int(response.headers["Ledger-Position"]),
        path,
        parameters,
        response.status_code,
    )


def passed_on(
    credentials: Credentials, path: str, query: str = "", body: bytes | None = None, key: str = ""
) -> Response:
    """Return the application's own response to somebody: to a POST of a body, or else to a GET.

    It may be one that is sent in parts.
    """
    outer = request.environ
    environ = {name: outer[name] for name in OF_THE_CLIENT if name in outer} | {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(body or b""),
        "wsgi.errors": outer["wsgi.errors"],
        CREDENTIALS: credentials,
        IDENTIFIED: current().known,
        SECRET: request.cookies.get(COOKIE, ""),
    }
    if body is not None:
        environ |= {name: outer[name] for name in TRACES if name in outer} | {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_USER_AGENT": f"{AGENT} {outer.get('HTTP_USER_AGENT', '')}".strip(),
        }
    if key:
        environ["HTTP_IDEMPOTENCY_KEY"] = key
    received = current().received
    # With a context of its own: of what a question is about, as the past, nothing is left to the next one.
    with current_app.app_context(), current_app.request_context(environ):
        current().received = received
        response = current_app.full_dispatch_request()
    if STREAMED in environ:
        outer[STREAMED] = environ[STREAMED]
    return response
