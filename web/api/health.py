"""For those who run the service: is it alive, and is what it answers up to date?"""

from flask import Blueprint, Response

from ledger.errors import SigningRefused
from projections.projector import ProjectingFailed
from web.request.services import services
from web.wire.rendering import answers, json_response
from web.wire.responses.messages import HEALTH

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@answers(HEALTH)
def healthz() -> Response:
    """Return 200 as long as the process answers."""
    return json_response(HEALTH.dump({"status": "ok"}))


@blueprint.get("/readyz")
@answers(HEALTH, 200, 503)
def readyz() -> Response:
    """Return 200 once the read models are caught up with the journal, until then 503 and the reason.

    And 503 while checkpoints can't be signed as they would contradict earlier ones. Reports are taken then.
    """
    try:
        position = services().projector.catch_up()
        services().signing.check()
    except (ProjectingFailed, SigningRefused) as failure:
        reason, *_ = str(failure).splitlines()  # what follows may be rows, and anybody may ask
        return json_response(HEALTH.dump({"status": "unavailable", "reason": reason}), 503)
    return json_response(HEALTH.dump({"status": "ok", "position": position}))
