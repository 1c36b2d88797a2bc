"""HTTP in, HTTP out: Waldur's marketplace usage API in front of the ledger and its read models."""

from datetime import UTC, datetime

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from ledger.application import Ledger
from projections.projector import Projector
from web import component_usages, errors, health, user_usages
from web.auth import authenticate
from web.services import Clock, Services

MAX_BODY_BYTES = 5 * 1024 * 1024


class ObjectId(BaseConverter):
    """What stands for an object in a path: anything, a wrong one is not found. Actions are no objects."""

    regex = "(?!set_usage$)[^/.]+"


def utc_now() -> datetime:
    return datetime.now(UTC)


def redirect_permanently(response: Response) -> Response:
    """A missing slash is answered as in the reference: 301 and no body, for a POST too."""
    if response.status_code == 308:
        response.status_code = 301
        response.set_data(b"")
    return response


def authenticate_wrong_methods() -> None:
    """Only those who are known are told which methods there are."""
    if isinstance(request.routing_exception, MethodNotAllowed):
        authenticate()


def create_app(
    ledger: Ledger,
    projector: Projector,
    *,
    clock: Clock = utc_now,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Flask:
    """The WSGI application on an open ledger; `clock` gives the present as an aware datetime."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.url_map.converters["object_id"] = ObjectId
    app.extensions["usage-ledger"] = Services(ledger, projector, clock)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(component_usages.blueprint)
    app.register_blueprint(user_usages.blueprint)
    errors.register(app)
    app.before_request(authenticate_wrong_methods)
    app.after_request(redirect_permanently)
    return app
