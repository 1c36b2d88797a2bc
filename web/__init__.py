"""HTTP in, HTTP out: Waldur's marketplace usage API in front of the ledger and its read models."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask, Request, Response, current_app

# By another name: `web.request`, once imported, is an attribute `request` of this module.
from flask import request as http_request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, RequestRedirect

from ledger.journal.ledger import Ledger
from ledger.journal.tree.keys import KeyFile
from projections.projector import Projector
from web.api.audit import events
from web.api.blueprints import BLUEPRINTS
from web.api.exports import focus
from web.dashboard.blueprints import DASHBOARD
from web.docs.views import blueprint as docs
from web.edge.encodings import expanding
from web.edge.origins import CrossOrigin
from web.exports import answering
from web.limits.admission import EXPORTS, STREAMS, Places, Room, admitting
from web.limits.deadline import pulse
from web.limits.memory import give_back_memory
from web.request.authentication import authenticate
from web.request.billing.corrections import NEEDS_SECOND
from web.request.conditional import READING, ConditionalGet, add_position
from web.request.pipeline import STRICT, release
from web.request.read_your_writes import TIMEOUT, TIMEOUT_SECONDS
from web.request.services import CHECKPOINT_SECONDS, Clock, Meter, Replica, Services, refresh
from web.wire import errors
from web.wire.errors import ReadOnly
from web.wire.rendering import moved_permanently
from web.wire.urls import root_path

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Application(Flask):
    """Flask, which tells the methods of a path in a header and in Waldur's way: with an object beside it."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is. None here is a coroutine; to find that out takes 2 % of a report."""
        return func

    def make_default_options_response(self) -> Response:
        response = super().make_default_options_response()
        response.data, response.content_type = b"{}", "application/json"
        return response


class ObjectId(BaseConverter):
    """What stands for an object in a path: anything, a wrong one is not found. Actions are no objects."""

    regex = "(?!set_usage$)[^/.]+"
    part_isolating = True


class NoSession(SessionInterface):
    """Nobody has a session here: requests bring tokens, and no cookies."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return NO_SESSION

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        assert session is NO_SESSION


NO_SESSION = NullSession()

FEED_WAITS = 8
"""Readers of the feed that may wait in one process, unless the operator says otherwise."""


def utc_now() -> datetime:
    """Return the present as an aware datetime."""
    return datetime.now(UTC)


def answer_wrong_routes() -> Response | None:
    """Redirect a path that lacks its last slash, as Waldur does: 301, whatever the method.

    And only those who are known are told which methods there are. Raises BadRequest for a query that is none.
    """
    if not http_request.query_string.isascii():
        check_text(http_request.query_string)
    problem = http_request.routing_exception
    if isinstance(problem, MethodNotAllowed):
        refresh()
        authenticate()
    if isinstance(problem, NotFound | RequestRedirect) and _is_path(f"{http_request.path}/"):
        query = f"?{http_request.query_string.decode('latin-1')}" if http_request.query_string else ""
        return moved_permanently(f"{root_path()}{quote(http_request.path[1:])}/{query}")
    return None


def check_text(query: bytes) -> None:
    """Raise BadRequest for bytes that are not UTF-8 in a query: werkzeug fails when it is read."""
    try:
        query.decode()
    except UnicodeDecodeError:
        raise BadRequest("The query is not UTF-8. Percent-encode what is not ASCII.") from None


def refuse_writes(replica: Replica) -> None:
    """Raise ReadOnly for every request that is none of reading, whatever its path and whoever sends it."""
    if http_request.method not in (*READING, "OPTIONS"):
        raise ReadOnly(replica.refusal)


def _is_path(path: str) -> bool:
    return bool(current_app.url_map.bind("").allowed_methods(path))


def create_app(
    ledger: Ledger,
    projector: Projector,
    *,
    max_body_bytes: int,
    clock: Clock = utc_now,
    proxies: int = 0,
    origins: Collection[str] = (),
    is_strict: bool = False,
    places: Places | None = None,
    origin: str = "",
    feed_waits: int = FEED_WAITS,
    key_file: KeyFile | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    currency: str = "XXX",
    needs_second_person: bool = True,
    meter: Meter | None = None,
    position_seconds: float = TIMEOUT_SECONDS,
    replica: Replica | None = None,
) -> Flask:
    """Return the WSGI application on an open ledger.

    `clock` gives the present as an aware datetime; larger bodies than `max_body_bytes` are answered with 413.
    So many `proxies` in front of it are believed what they say in X-Forwarded-For and the like. Browsers may
    call from pages of these `origins`. `is_strict` refuses parameters and keys of bodies that are not known.
    Where there are `places`, each request needs one. The ledger is called `origin`, or goes by its id. So
    many readers of the feed as `feed_waits` may wait at a time. Checkpoints are signed with the key in
    `key_file`, the next one so many seconds after the last. Prices are in this `currency`. A correction
    `needs_second_person`, who approves it, or not. A `meter` is told of reports. `min_position` is waited for
    as long as `position_seconds`. A `replica` refuses whatever could write; its `ledger` and `projector` are
    read-only.
    """
    pulse()
    give_back_memory()
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config[TIMEOUT] = position_seconds
    app.config[STRICT] = is_strict
    app.config[events.WAITS], app.config[events.STREAMS] = Room(feed_waits), Room(STREAMS)
    app.config[focus.CURRENCY], app.config[NEEDS_SECOND] = currency, needs_second_person
    app.config[answering.EXPORTS] = Room(EXPORTS)
    app.url_map.converters["object_id"] = ObjectId
    app.url_map.merge_slashes = False
    app.session_interface = NoSession()
    app.extensions["usage-ledger"] = services = Services(
        ledger,
        projector,
        clock,
        origin=origin,
        key_file=key_file,
        checkpoint_seconds=checkpoint_seconds,
        meter=meter,
        replica=replica,
    )
    layers: WSGIApplication = expanding(app.wsgi_app, max_body_bytes)
    layers = ConditionalGet(layers, services)
    if places:
        layers = admitting(layers, places)
    if proxies:
        layers = ProxyFix(layers, *[proxies] * 5)
    app.wsgi_app = CrossOrigin(layers, origins)  # type: ignore[method-assign]
    for blueprint in (*BLUEPRINTS, *DASHBOARD):
        app.register_blueprint(blueprint)
    app.register_blueprint(docs)
    errors.register(app, ledger.check_connections)
    if replica:
        app.before_request(partial(refuse_writes, replica))
    app.before_request(answer_wrong_routes)
    app.after_request(add_position)
    app.teardown_request(release)
    return app
