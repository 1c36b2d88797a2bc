"""/: what this is, and where to go; for programs a map of the endpoints. Without a token or data."""

from flask import Response, current_app, request

from web.dashboard.frame import open_pages, show
from web.request.conditional import VERSION
from web.request.services import services
from web.wire.declared.parameters import takes
from web.wire.rendering import answers, json_response
from web.wire.responses.messages import START
from web.wire.urls import root_url

blueprint = open_pages("start")

PLACES = {
    "dashboard": "dashboard/",
    "documentation": "api/docs/",
    "schema": "api/schema/",
    "api": "api/",
    "health": "healthz",
    "readiness": "readyz",
}
"""Paths by what is there."""


@blueprint.get("/")
@takes()
@answers(START)
def start() -> Response:
    position = services().projector.refresh().end.position
    kinds = request.accept_mimetypes
    if kinds.best_match(["text/html", "application/json"], "text/html") == "text/html":
        response = show("start.html", places=PLACES, version=VERSION, position=position)
    else:
        response = json_response(_described(position))
    response.vary.add("Accept")
    return response


def _described(position: int) -> dict[str, object]:
    """Return name, version, position and places, and the methods of each path of the API."""
    root = root_url()
    return {
        "name": "usage-ledger",
        "version": VERSION,
        "position": position,
        "places": {name: f"{root}{path}" for name, path in PLACES.items()},
        "endpoints": endpoints(),
    }


def endpoints() -> dict[str, list[str]]:
    """Return the methods by the path of every endpoint of the API, sorted."""
    found: dict[str, set[str]] = {}
    for rule in current_app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            path = rule.rule.replace("<object_id:", "{").replace("<path:", "{").replace("<", "{")
            found.setdefault(path.replace(">", "}"), set()).update(rule.methods or ())
    return {path: sorted(methods - {"HEAD", "OPTIONS"}) for path, methods in sorted(found.items())}
