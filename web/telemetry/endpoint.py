"""/metrics: a scrape, beside the application, so that it is answered however busy that is."""

import hmac
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, make_wsgi_app

from web.limits.admission import Room
from web.telemetry.requests import ROUTE
from web.telemetry.scrape import Scrape

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/metrics"

SCRAPES = 2
"""Scrapes that one worker answers at a time."""

PLAIN = ("Content-Type", "text/plain; charset=utf-8")


class MetricsEndpoint:
    """WSGI middleware that answers scrapes of those who bring the token, or of all where there is none."""

    def __init__(self, application: "WSGIApplication", scrape: Scrape, token: str | None) -> None:
        self._application, self._room = application, Room(SCRAPES)
        self._expected = f"Bearer {token}".encode() if token else None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(scrape)
        self._tell: Callable[..., Iterable[bytes]] = make_wsgi_app(registry)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self._application(environ, start_response)
        environ[ROUTE] = PATH
        if not self._may_scrape(environ.get("HTTP_AUTHORIZATION", "")):
            start_response("401 Unauthorized", [PLAIN, ("WWW-Authenticate", "Bearer")])
            return [b"The token of LEDGER_METRICS_TOKEN is needed.\n"]
        with self._room.entered_if_free() as is_in:
            if not is_in:
                start_response("503 Service Unavailable", [PLAIN, ("Retry-After", "1")])
                return [b"Other scrapes are under way.\n"]
            return list(self._tell(environ, start_response))

    def _may_scrape(self, authorization: str) -> bool:
        """Return whether a header has the token, in a time that says nothing of the right one."""
        if self._expected is None:
            return True
        return hmac.compare_digest(authorization.encode("latin-1", "replace"), self._expected)
