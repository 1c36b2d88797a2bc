"""`?min_position=`: a client that has reported waits until what it reads shows that.

Most answers show it anyway, as facts and rows are committed together. It is for clients that read from
another server than they reported to, or heard of a position from another client.
"""

import time
from contextlib import nullcontext

from flask import current_app, request
from marshmallow import Schema

from projections.fast.position import End
from web.limits.admission import PLACE, Place, Room
from web.request.services import refresh
from web.wire.errors import NotThereYet
from web.wire.parameters import NumberFilter, last_of

TIMEOUT = "LEDGER_POSITION_TIMEOUT_SECONDS"
"""Key in an app's config: how long the read models are waited for."""

TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.02

WAITING = Room(8)
"""The requests of one process that wait for a position. Another one is told at once that it is not there."""

POSITION = Schema.from_dict({"min_position": NumberFilter()})()


def await_position(end: End) -> None:
    """Wait until the read models, now at `end`, are where the query wants them.

    Raises NotThereYet, ValidationError.
    """
    if not last_of("min_position"):
        return
    wanted: int = POSITION.load({"min_position": last_of("min_position")})["min_position"]
    if end.position < wanted:
        place: Place | None = request.environ.get(PLACE)
        if not WAITING.is_full:
            with WAITING.entered(), place.left() if place else nullcontext():
                end = _wait(end, wanted)
        if end.position < wanted:
            raise NotThereYet(wanted, end.position)


def _wait(end: End, wanted: int) -> End:
    deadline = time.monotonic() + current_app.config[TIMEOUT]
    while end.position < wanted and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        end = refresh()
    return end
