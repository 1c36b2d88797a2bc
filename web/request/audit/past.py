"""Points of the journal that a request names."""

from datetime import datetime

from marshmallow import ValidationError

from projections.history.moments import Past, fact_at_or_before, position_at
from web.request.services import current, services
from web.wire.audit.positions import BEYOND, IN_THE_FUTURE, position_or_time


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
