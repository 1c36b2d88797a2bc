"""How new an answer is, and what a client can do with that.

Every answer says in `Ledger-Position` up to where in the journal it is good. A GET has a strong `ETag` that
changes only when the answer could: with the journal's last fact, the caller's rights, the day where the
answer depends on it, and the version of this software. A client that has the answer is told so before a row
is read.
"""

import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from flask import Response, current_app, g, request
from marshmallow import Schema
from werkzeug.http import parse_etags

from ledger.domain.access import Caller
from projections.fast.position import End, KnownPosition
from projections.schema import BUILT_BY
from web.request.admission import PLACE, Place, Room
from web.request.authentication import caller, identify
from web.request.services import Services, services
from web.wire.errors import NotThereYet
from web.wire.parameters import NumberFilter, last_of
from web.wire.rendering import not_modified

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE = "LEDGER_PATIENCE_SECONDS"
"""Key in an app's config: how long `min_position` waits for the read models."""

PATIENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.02

WAITING = Room(8)
"""Those of one process who wait for a position; whoever comes then is told at once that it is not there."""

ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")

POSITION = Schema.from_dict({"min_position": NumberFilter()})()

DEPEND_ON_THE_DAY = (
    "/api/marketplace-component-usage-monthly/",
    "/api/marketplace-project-usage/",
    "/api/marketplace-customer-usage/",
)
"""What shows the current month or period."""


def refresh() -> None:
    """Before every request: sees to it that what other processes did is seen."""
    known = services().projector.refresh()
    g.generation, g.end = known.generation, known.end


def await_position() -> None:
    """`?min_position=`: waits until the read models have got there. Raises NotThereYet, ValidationError."""
    if b"min_position" not in request.query_string or not last_of("min_position"):
        return
    wanted: int = POSITION.load({"min_position": last_of("min_position")})["min_position"]
    if g.end.position < wanted:
        place: Place | None = request.environ.get(PLACE)
        if not WAITING.is_full:
            with WAITING.entered(), place.left() if place else nullcontext():
                _wait(wanted)
        if g.end.position < wanted:
            raise NotThereYet(wanted, g.end.position)


def _wait(wanted: int) -> None:
    deadline = time.monotonic() + current_app.config[PATIENCE]
    while g.end.position < wanted and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        refresh()


def answer_unmodified() -> Response | None:
    """304 if the client has the answer that it would get."""
    # The day is that of before anything is read: what is read a moment later may be of tomorrow.
    g.day = day_of(request.path, services())
    if "If-None-Match" in request.headers:
        g.etag = _etag()
        if not request.if_none_match.star_tag and request.if_none_match.contains_weak(g.etag):
            return not_modified()
    return None


class Unmodified:
    """Tells most clients that they have the answer already, before Flask has begun with the request.

    Whatever is not quite clear, from a wrong token to a database that is away, is left to Flask.
    """

    def __init__(self, application: "WSGIApplication", services: Services) -> None:
        self._application, self._services = application, services

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" in environ and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            with suppress(Exception):
                if headers := self._headers(environ):
                    start_response("304 NOT MODIFIED", headers)
                    return []
        return self._application(environ, start_response)

    def _headers(self, environ: "WSGIEnvironment") -> list[tuple[str, str]]:
        """Those of a 304, none if the client has not got the answer."""
        has = parse_etags(environ["HTTP_IF_NONE_MATCH"])
        if has.star_tag or "min_position" in environ.get("QUERY_STRING", ""):
            return []
        end = self._services.projector.refresh().end
        who = identify(environ.get("HTTP_AUTHORIZATION", ""), self._services)
        tag = etag_of(environ, end, day_of(environ["PATH_INFO"], self._services), who)
        told = [("Ledger-Position", str(end.position)), ("ETag", f'"{tag}"')]
        return told if has.contains_weak(tag) else []


def tell_freshness(response: Response) -> Response:
    """After every request: up to where the answer is good, and by what to ask for it again."""
    shared = services().projector.shared_position
    if request.method == "POST" or "end" not in g:
        g.end = shared.known().end
    elif g.end > shared.known().end:  # rows may be of a fact whose writer has not told of it yet
        shared.advance(KnownPosition(g.generation, g.end))
    response.headers["Ledger-Position"] = str(g.end.position)
    if response.status_code == 304:
        response.headers["ETag"] = f'"{g.etag}"'
    elif response.status_code == 200 and "caller" in g and request.method in ("GET", "HEAD"):
        g.etag = _etag()  # anew: the rows may be of a later position than the one on arrival
        response.headers["ETag"] = f'"{g.etag}"'
        if request.if_none_match.star_tag:
            return tell_freshness(not_modified())
    return response


def _etag() -> str:
    return etag_of(request.environ, g.end, g.day, caller())


def etag_of(environ: "WSGIEnvironment", end: End, day: str, who: Caller) -> str:
    asked = [environ.get(name, "") for name in ADDRESS]
    key = f"{end.position} {end.digest} {asked} {day} {BUILT_BY}"
    return sha256(key.encode() + msgspec.json.encode(who)).hexdigest()[:32]


def day_of(path: str, services: Services) -> str:
    """Today in the ledger's zone, where an answer depends on it."""
    if not path.startswith(DEPEND_ON_THE_DAY):
        return ""
    return f"{services.clock().astimezone(services.ledger.zone):%F}"
