"""For those who run the service: is it alive, and is what it answers up to date?"""

from flask import Blueprint, Response

from ledger.errors import SigningRefused
from ledger.journal.roles import standing
from projections.history.as_of import lacks_views
from projections.projector import ProjectingFailed
from web.request.services import Replica, services
from web.wire.rendering import answers, json_response
from web.wire.responses.messages import HEALTH

blueprint = Blueprint("health", __name__)


class TooFarBehind(Exception):
    """A replica shows less than its primary has for too long."""


class PastMissing(Exception):
    """The tables of the read models are there, and nothing that reads their past."""

    def __str__(self) -> str:
        return (
            "the views of the past are missing, as where the tables of the read models alone were put back:"
            " a service that is not read-only makes them when it starts"
        )


@blueprint.get("/healthz")
@answers(HEALTH)
def healthz() -> Response:
    """Return 200 as long as the process answers."""
    return json_response(HEALTH.dump({"status": "ok"}))


@blueprint.get("/readyz")
@answers(HEALTH, 200, 503)
def readyz() -> Response:
    """Return 200 once the read models are caught up with the journal, until then 503 and the reason.

    And 503 while checkpoints can't be signed as they would contradict earlier ones, or nothing can be told of
    the past. Reports are taken then.
    A replica signs nothing, and answers 503 while it is too far behind its primary. A `note` tells where the
    service runs as a role that may drop what guards the journal.
    """
    more: dict[str, float | str] = {}
    try:
        position = services().projector.catch_up()
        with services().reading() as cursor:
            if lacks_views(cursor.connection, "read_models"):
                raise PastMissing
        if replica := services().replica:
            more = {"lag": checked_lag(replica)}
        else:
            services().signing.check()
            with services().reading() as cursor:
                more = {"note": told} if (told := standing(cursor.connection)) else {}
    except (ProjectingFailed, SigningRefused, TooFarBehind, PastMissing) as failure:
        reason, *_ = str(failure).splitlines()  # what follows may be rows, and anybody may ask
        return json_response(HEALTH.dump({"status": "unavailable", "reason": reason}), 503)
    return json_response(HEALTH.dump({"status": "ok", "position": position} | more))


def checked_lag(replica: Replica) -> float:
    """Return how many seconds ago the replica was known to have all. Raises TooFarBehind."""
    lag = services().projector.shared_position.lag
    if lag is None:
        raise TooFarBehind("it is not known yet how far this server is behind its primary")
    if lag > replica.max_lag_seconds:
        raise TooFarBehind(
            f"this server is {lag:.1f} s behind its primary, and may be {replica.max_lag_seconds:g} s"
        )
    return round(lag, 3)
