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
from web.wire.fields import MOST_DIGITS
from web.wire.parameters import NumberFilter, last_of

TIMEOUT = "LEDGER_POSITION_TIMEOUT_SECONDS"
"""Key in an app's config: how long the read models are waited for."""

TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.02

WAITING = Room(8)
"""The requests of one process that wait for a position. Another one is told at once that it is not there."""

POSITION = Schema.from_dict({"min_position": NumberFilter(10**MOST_DIGITS)})()


def await_position(end: End) -> None:
    """Wait until the read models, now at `end`, are where the query wants them.

    Raises NotThereYet, ValidationError.
    """
    if not last_of("min_position"):
        return
    wanted: int = POSITION.load({"min_position": last_of("min_position")})["min_position"]
    end = waited(end, wanted, WAITING, current_app.config[TIMEOUT])
    if end.position < wanted:
        raise NotThereYet(wanted, end.position)


def waited(end: End, wanted: int, room: Room, seconds: float) -> End:
    """Return where the read models are once they are at a position, or after so long. They are now at `end`.

    Those who wait are in `room`; where that is full nobody waits. They hold neither a place nor a connection.
    Raises Overloaded.
    """
    if end.position >= wanted:
        return end
    place: Place | None = request.environ.get(PLACE)
    with room.entered_if_free() as is_in:
        if is_in:
            with place.left() if place else nullcontext():
                deadline = time.monotonic() + seconds
                while end.position < wanted and time.monotonic() < deadline:
                    time.sleep(PAUSE_SECONDS)
                    end = refresh()
    return end
