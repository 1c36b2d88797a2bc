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
from web.request.services import current, services
from web.wire.audit.positions import BEYOND, IN_THE_FUTURE, position_or_time

AS_OF = "as_of"


def past_named(name: str, text: str) -> Past:
    """Return the fact that the value of a parameter stands for: its position, or its time.

    Raises ValidationError under the parameter's name.
    """
    try:
        return _past_of(position_or_time(text))
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def _past_of(asked: int | datetime) -> Past:
    if isinstance(asked, datetime) and asked > services().clock():
        raise ValidationError(IN_THE_FUTURE)
    known = current().end
    if isinstance(asked, datetime) or known is None or asked > known.position:
        reached = services().projector.catch_up()
        if isinstance(asked, int) and asked > reached:
            raise ValidationError(BEYOND)
    with services().reading() as cursor:
        position = position_at(cursor, asked) if isinstance(asked, datetime) else asked
        return fact_at_or_before(cursor, position)


def enter_past(text: str) -> None:
    """Have the request answered as of the fact that `as_of` stands for. Raises ValidationError."""
    past = past_named(AS_OF, text)
    current().past, current().end = past, past.end


@contextmanager
def reading() -> Iterator[Cursor[DictRow]]:
    """Yield a cursor on the read models, as they are or as they were when the request asks for that."""
    past = current().past
    with services().reading() as cursor:
        if past is None:
            yield cursor
            return
        with cursor.connection.transaction():
            as_of.enter(cursor, past.end.position)
            yield cursor


def moment() -> datetime:
    """Return the present, or when the fact was recorded that the request is answered as of."""
    past = current().past
    return past.recorded_at if past else services().clock()
