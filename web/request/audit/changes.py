"""All changed figures, without a request: rows come one after the other, however many there are."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from marshmallow import ValidationError

from projections.history import as_of
from projections.queries.audit.changes import CHANGES
from projections.queries.audit.unexplained import UNEXPLAINED as EVERY
from web.request.audit.past import AFTER, FROM, TO, is_later, past_in
from web.request.billing.corrections import EVERYBODYS
from web.request.services import Services
from web.wire.responses.audit import CHANGE, UNEXPLAINED

Point = int | datetime
"""A position of the journal, or a time that stands for one."""

Rows = Iterator[dict[str, Any]]


def changes(services: Services, begin: Point, end: Point | None) -> Rows:
    """Yield the figures that differ between two points, the second by default now.

    Raises ValidationError, as the endpoint does.
    """
    reached, now = services.projector.catch_up(), services.clock()

    def position(name: str, point: Point) -> int:
        try:
            return past_in(services, point, reached, now).end.position
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from None

    first, last = position(FROM, begin), position(TO, reached if end is None else end)
    if first > last or (end is not None and is_later(begin, end)):
        raise ValidationError(AFTER)
    return _changes(services, first, last)


def _changes(services: Services, begin: int, end: int) -> Rows:
    with services.reading() as cursor, cursor.connection.transaction():
        as_of.enter(cursor, end)
        rows = CHANGES.every_row(cursor.connection, CHANGE.columns, {FROM: begin, TO: end, **EVERYBODYS})
        yield from map(orjson.loads, rows)


def unexplained(services: Services) -> Rows:
    """Yield the facts that lowered a figure of a past month without a reason, newest first."""
    services.projector.catch_up()
    zone = {"zone": str(services.ledger.zone)}
    with services.reading() as cursor, cursor.connection.transaction():
        rows = EVERY.every_row(cursor.connection, UNEXPLAINED.columns, zone)
        yield from map(orjson.loads, rows)
