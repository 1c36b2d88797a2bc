"""Conditional requests: how new an answer is, and a 304 for a client that has it already.

Every answer says in `Ledger-Position` up to where in the journal it is good. A GET has a strong `ETag` that
changes only when the answer could: with the journal's last fact, the caller's rights, the day where the
answer depends on it, and the version of this software. So a 304 is told before a row is read. Of an answer as
of an earlier fact that fact is the last one, and the day is its own: what comes later changes nothing, unless
somebody is forgotten.
"""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec
from flask import Response, current_app, request
from werkzeug.http import parse_etags

from ledger.domain.access import Caller
from projections.fast.position import End, KnownPosition
from projections.history.moments import Past
from projections.schema import BUILT_BY
from web.request.authentication import STATISTICS, identify, note_caller
from web.request.services import Current, Services, current, services
from web.wire.rendering import DECLARED, not_modified

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

VERSION = version("usage-ledger")
"""Of the installed software."""

ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT")

READING = ("GET", "HEAD")
"""The methods whose answers are of the read models, and may be had already."""

DEPEND_ON_THE_DAY = (
    "/api/marketplace-component-usage-monthly/",
    "/api/marketplace-project-usage/",
    "/api/marketplace-customer-usage/",
    "/api/marketplace-provider-offerings/",
    *("/api/ledger/monthly-usages/", "/api/ledger/movers/", "/api/ledger/freshness/"),
    STATISTICS,
)
"""How paths of answers begin that show the current month or period."""

DEPEND_ON_THE_MOMENT = (
    *("/plan_periods/", "/resources_missing_usage/", "/silent-resources/", "/ledger/events/"),
    *("/ledger/checkpoint", "/proof", "/exports/focus/"),
)
"""How paths of answers end that may be others a second later: there is no 304 for them."""


class ConditionalGet:
    """WSGI middleware that answers most conditional GETs with a 304 before Flask begins with the request.

    Everything else, from a wrong token to a database that is away, is left to Flask, and so is a query that
    may be refused, or asks for the past.
    """

    def __init__(self, application: "WSGIApplication", services: Services, *, is_strict: bool) -> None:
        self._application, self._services, self._is_strict = application, services, is_strict

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" in environ and environ["REQUEST_METHOD"] in READING:
            with suppress(Exception):
                if headers := self._headers(environ):
                    start_response("304 NOT MODIFIED", headers)
                    return []
        return self._application(environ, start_response)

    def _headers(self, environ: "WSGIEnvironment") -> list[tuple[str, str]]:
        """Return the headers of a 304, none if the client does not have the answer."""
        has, query = parse_etags(environ["HTTP_IF_NONE_MATCH"]), environ.get("QUERY_STRING", "")
        may_be_refused = "HTTP_PREFER" in environ or (self._is_strict and query)
        if has.star_tag or may_be_refused or "min_position" in query or "as_of" in query:
            return []
        end = self._services.projector.refresh().end
        credentials = identify(environ.get("HTTP_AUTHORIZATION", ""), self._services)
        if credentials.uses == "report":
            return []
        note_caller(environ, credentials)
        caller = credentials.caller
        etag = etag_of(environ, end, day_of(environ["PATH_INFO"], self._services), caller)
        headers = [("Ledger-Position", str(end.position)), ("ETag", f'"{etag}"'), ("Vary", "Accept")]
        return headers if has.contains_weak(etag) else []


def unmodified() -> Response | None:
    """Return a 304 if the client has the answer that it would get."""
    now = current()
    # Before anything is read: what is read a moment later may be of tomorrow.
    now.day = _day_of_past(now.past) if now.past else day_of(request.path, services())
    if "If-None-Match" in request.headers:
        now.etag = _etag(now)
        if not request.if_none_match.star_tag and request.if_none_match.contains_weak(now.etag):
            return not_modified()
    return None


def add_position(response: Response) -> Response:
    """Return the response with `Ledger-Position`, and with the `ETag` of the answer to a GET."""
    now, shared = current(), services().projector.shared_position
    if request.method not in READING or now.end is None:
        now.end = shared.known().end
    elif now.end > shared.known().end:  # rows may be of a fact whose writer has not told of it yet
        shared.advance(KnownPosition(now.generation, now.end))
    response.headers["Ledger-Position"] = str(now.end.position)
    if response.status_code == 304 and now.caller:
        response.headers["Vary"] = "Accept"
        response.headers["ETag"] = f'"{now.etag}"'
    elif response.status_code == 200 and now.caller and request.method in READING:
        now.etag = _etag(now)  # anew: the rows may be of a later position than when the request came
        response.headers["ETag"] = f'"{now.etag}"'
        declared = DECLARED.get(current_app.view_functions[request.endpoint or ""])
        if declared and declared.is_list:
            response.headers["Vary"] = "Accept"  # they come in several forms
        if request.if_none_match.star_tag:
            response.close()  # one of many parts holds what they are made from
            return add_position(not_modified())
    return response


def _etag(now: Current) -> str:
    assert now.end, "the pipeline has asked where the read models are"
    assert now.caller, "and who asks"
    return etag_of(request.environ, now.end, now.day, now.caller)


def etag_of(environ: "WSGIEnvironment", end: End, day: str, caller: Caller) -> str:
    """Return the ETag of the answer to this caller, from read models that end at this fact."""
    asked = [environ.get(name, "") for name in ADDRESS]
    key = f"{end.position} {end.digest} {asked} {day} {VERSION} {BUILT_BY}"
    return sha256(key.encode() + msgspec.json.encode(caller)).hexdigest()[:32]


def _day_of_past(past: Past) -> str:
    """Return the day of a fact, and what was forgotten since: answers from before may name somebody."""
    forgotten = services().last_forgotten()
    since = f", forgotten at {forgotten}" if forgotten > past.end.position else ""
    return f"as of {past.recorded_at.astimezone(services().ledger.zone):%F}{since}"


def day_of(path: str, services: Services) -> str:
    """Return today in the ledger's zone, or the moment, where an answer depends on it; else nothing."""
    if path.endswith(DEPEND_ON_THE_MOMENT):
        return services.clock().isoformat()
    if not path.startswith(DEPEND_ON_THE_DAY):
        return ""
    return f"{services.clock().astimezone(services.ledger.zone):%F}"
