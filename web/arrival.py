"""What every request to the API goes through before its view."""

from flask import Blueprint

from web.auth import authenticate
from web.freshness import answer_unmodified, await_position, refresh
from web.idempotency import replay

STEPS = (refresh, authenticate, replay, await_position, answer_unmodified)


def api(name: str, prefix: str = "") -> Blueprint:
    """A part of the API, below a path."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    for step in STEPS:
        blueprint.before_request(step)
    return blueprint
