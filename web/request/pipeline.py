"""What every request to the API goes through before its view."""

from flask import Blueprint, Response, request

from web.request.authentication import authenticate
from web.request.freshness import answer_unmodified, await_position, refresh
from web.request.idempotency import replay


def arrive() -> Response | None:
    """The answer, if it is known without the view. All in one, as Flask's own share of a step is as large."""
    refresh()
    authenticate()
    if request.method == "POST":
        return replay()
    await_position()
    return answer_unmodified()


def api(name: str, prefix: str = "") -> Blueprint:
    """A part of the API, below a path."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    blueprint.before_request(arrive)
    return blueprint
