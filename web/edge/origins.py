"""Cross-origin requests: pages of other origins that the operator names may call the API from a browser.

flask-cors finds the headers. It is an extension of Flask, and some answers are made outside of the
application: a 304, or a 503 of a busy server. So it is asked here, once for each origin, by a Flask that
serves nothing.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_cors import CORS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ANY = "*"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

REQUEST_HEADERS = (
    *("Accept", "Authorization", "Content-Encoding", "Content-Type", "If-None-Match", "Idempotency-Key"),
    *("Ledger-Expect", "Ledger-Reason", "Prefer", "X-Request-ID", "traceparent"),
    # Waldur's portal sends these, and a browser gives up a call with one that is not named.
    *("X-CSRFToken", "X-Impersonated-User-Uuid", "X-Requested-With", "baggage", "sentry-trace"),
)

ANSWER_HEADERS = (
    *(
        "Content-Disposition",
        "ETag",
        "Idempotency-Replayed",
        "Ledger-Ignored",
        "Ledger-Origin",
        "Ledger-Position",
        "Link",
        "Preference-Applied",
    ),
    *("Retry-After", "X-Result-Count"),
)

PREFLIGHT_SECONDS = 600
"""How long a browser may go by the answer to a preflight."""

ORIGINS_KEPT = 64

PREFLIGHT = "HTTP_ACCESS_CONTROL_REQUEST_METHOD"
"""The header by which a browser's question whether it may ask is told from other OPTIONS."""


class CrossOrigin:
    """WSGI middleware that answers preflights, and tells browsers whether a page may read an answer.

    `origins` may call: written as browsers send them, `*` for any, none for no other origin.
    """

    def __init__(self, application: "WSGIApplication", origins: Collection[str]) -> None:
        self._application, self._rules = application, Flask(__name__, static_folder=None)
        self._is_open = ANY in origins
        if origins:
            CORS(
                self._rules,
                origins=ANY if self._is_open else [re.compile(rf"{re.escape(each)}\Z") for each in origins],
                methods=METHODS,
                allow_headers=REQUEST_HEADERS,
                expose_headers=ANSWER_HEADERS,
                max_age=PREFLIGHT_SECONDS,
                send_wildcard=True,
                vary_header=False,
            )
        self._varies = [("Vary", "Origin")] if origins and not self._is_open else []
        self._headers = lru_cache(ORIGINS_KEPT)(self._find_headers)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_preflight = environ["REQUEST_METHOD"] == "OPTIONS" and PREFLIGHT in environ
        added = self._headers(environ.get("HTTP_ORIGIN", ""), is_preflight)
        if is_preflight:
            start_response("200 OK", [("Content-Length", "0"), *added])
            return []
        if not added:
            return self._application(environ, start_response)

        def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *added], *rest)

        return self._application(environ, answer)

    def _find_headers(self, origin: str, is_preflight: bool) -> list[tuple[str, str]]:
        """Return the headers for a page of this origin. All that it may do is named, whatever it asks for."""
        asks = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": origin}
        if is_preflight:
            asks |= {
                "REQUEST_METHOD": "OPTIONS",
                PREFLIGHT: "GET",
                "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": ", ".join(REQUEST_HEADERS),
            }
        with self._rules.test_request_context(environ_overrides=asks):
            answer = self._rules.process_response(self._rules.response_class())
        return self._varies + [each for each in answer.headers if each[0].startswith("Access-Control-")]
