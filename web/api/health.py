"""For those who run the service: is it alive, and is what it answers up to date?"""

from flask import Blueprint, Response

from projections.projector import ProjectingFailed
from web.request.services import services
from web.wire.rendering import json_response

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 as long as the process answers."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 once the read models are caught up with the journal; 503 and the reason while they are not."""
    try:
        position = services().projector.catch_up()
    except ProjectingFailed as failure:
        reason, *_ = str(failure).splitlines()  # what follows may be rows, and anybody may ask
        return json_response({"status": "unavailable", "reason": reason}, 503)
    return json_response({"status": "ok", "position": position})
