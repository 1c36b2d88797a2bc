"""`?as_of=`: the answer that the same request would have had when an earlier fact was the journal's last.

Who asks, and what they may see, is decided by their rights now, on what belonged where then. So the rights
are read as they are, and everything that a view reads is as it was: views read by `reading`, and ask `moment`
what time it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from marshmallow import ValidationError
from psycopg import Cursor
from psycopg.rows import DictRow

from projections.history import as_of
from projections.history.moments import Past, fact_at_or_before, position_at
from web.request.services import Services, current, services
from web.wire.audit.positions import BEYOND, IN_THE_FUTURE, position_or_time

AS_OF = "as_of"
FROM, TO = "from", "to"
"""The parameters of a diff, which is read as of the second one."""

AFTER = {FROM: [f"Must not be after `{TO}`."]}


def past_named(name: str, text: str) -> Past:
    """Return the fact that the value of a parameter stands for: its position, or its time.

    Raises ValidationError under the parameter's name.
    """
    try:
        return _past_of(position_or_time(text))
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def _past_of(asked: int | datetime) -> Past:
    past, known = current().past, current().end
    if past is not None:
        reached = past.end.position
    elif isinstance(asked, int) and known is not None and asked <= known.position:
        reached = known.position
    else:
        reached = services().projector.catch_up()
    return past_in(services(), asked, reached, moment())


def past_in(services: Services, asked: int | datetime, reached: int, now: datetime) -> Past:
    """Return the fact that a position or time stands for, in a journal that is so far now.

    Raises ValidationError.
    """
    if isinstance(asked, datetime) and asked > now:
        raise ValidationError(IN_THE_FUTURE)
    if isinstance(asked, int) and asked > reached:
        raise ValidationError(BEYOND)
    with services.reading() as cursor:
        position = min(position_at(cursor, asked), reached) if isinstance(asked, datetime) else asked
        return fact_at_or_before(cursor, position)


def enter_past(text: str) -> None:
    """Have the request answered as of the fact that `as_of` stands for. Raises ValidationError."""
    _enter(past_named(AS_OF, text))


def enter_diff(begin: str | None, end: str | None) -> None:
    """Have the request answered as of the fact that a diff ends with, by default the last one.

    Raises ValidationError.
    """
    if begin is None:
        raise ValidationError({FROM: ["This field is required."]})
    known = current().end
    assert known, "the pipeline has asked where the read models are"
    first, last = past_named(FROM, begin), past_named(TO, str(known.position) if end is None else end)
    if first.end.position > last.end.position or (
        end is not None and is_later(position_or_time(begin), position_or_time(end))
    ):
        raise ValidationError(AFTER)
    current().diff_from = first
    _enter(last)


def _enter(past: Past) -> None:
    current().past, current().end = past, past.end


def is_later(one: int | datetime, other: int | datetime) -> bool:
    """Return whether of two positions, or of two times, the first one is later."""
    match one, other:
        case (int(), int()) | (datetime(), datetime()):
            return one > other  # type: ignore[operator]
    return False


@contextmanager
def reading() -> Iterator[Cursor[DictRow]]:
    """Yield a cursor on the read models, as they are or as they were when the request asks for that."""
    past = current().past
    with services().reading() if past is None else reading_as_of(past.end.position) as cursor:
        yield cursor


@contextmanager
def reading_as_of(position: int) -> Iterator[Cursor[DictRow]]:
    """Yield a cursor on the read models as they were at the position of a fact, or 0."""
    with services().reading() as cursor, cursor.connection.transaction():
        as_of.enter(cursor, position)
        yield cursor


def moment() -> datetime:
    """Return the present, or when the fact was recorded that the request is answered as of."""
    past = current().past
    return past.recorded_at if past else services().clock()
