"""What every request to the API goes through before its view."""

from flask import Blueprint, Response, request

from web.request.authentication import authenticate
from web.request.conditional import READING, unmodified
from web.request.idempotency import replay
from web.request.read_your_writes import await_position
from web.request.services import current, refresh


def before_view() -> Response | None:
    """Return a response if the view is not needed. One hook, as each costs Flask as much as its body does."""
    end = refresh()
    authenticate()
    if request.method == "POST":
        return replay()
    if request.method not in READING:
        return None
    if b"min_position" in request.query_string:
        await_position(end)
    return unmodified()


def release(_: object) -> None:
    """Give back the room that the body of the request took."""
    now = current()
    if now.release:
        now.release()
        now.release = None


def api(name: str, prefix: str = "") -> Blueprint:
    """Return a blueprint of the API, below a path."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    blueprint.before_request(before_view)
    return blueprint
