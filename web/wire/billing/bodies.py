"""Bodies that name a month, and the offerings whose month it is; and those of corrections."""

from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields

from web.wire.audit.reasons import Reason
from web.wire.billing.months import Month
from web.wire.body import Body, Check, not_a_list
from web.wire.bounds import MOST_ITEMS
from web.wire.fields import REQUIRED, Position, Reference, Text, uuid_of

NOT_BOTH = "Name an offering or a provider, and not both."
ONE_OF_BOTH = "Name an offering, or a provider for all of its offerings."


class Uuid(fields.Field[UUID]):
    """A uuid, of what may not exist."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if (uuid := uuid_of(value)) is None:
            raise ValidationError("Must be a valid UUID.")
        return uuid


def check_whose(values: dict[str, Any]) -> None:
    """Raise ValidationError under both names, as either may be the one to add or to leave out."""
    named = values.keys() & {"offering", "provider"}
    if len(named) != 1:
        told = NOT_BOTH if named else ONE_OF_BOTH
        raise ValidationError({"offering": [told], "provider": [told]})


class ChangeMonth(Body):
    """A month of one offering, or of all offerings of a provider: the customer that offers them."""

    checks: ClassVar[tuple[Check, ...]] = (check_whose,)

    offering = Reference("offerings")
    provider = Uuid()
    month = Month(required=True)
    note = Text(allow_blank=True, max_length=2000)


class CorrectionItems(fields.List[Any]):
    """Items as `POST /api/ledger/reports/` takes them: they are loaded as those are."""

    default_error_messages = REQUIRED

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Raw(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError(not_a_list(value))
        if not 0 < len(value) <= MOST_ITEMS:
            raise ValidationError(f"Between 1 and {MOST_ITEMS} items are taken, and these are {len(value)}.")
        return value


class CorrectionBody(Body):
    """What a correction says of itself: each in one line, of at most 500 characters."""

    title = Reason(required=True)
    reason = Reason(required=True)
    ticket = Reason()


class ProposeCorrection(CorrectionBody):
    """A correction, and what figures are to be: each item needs a date, or names a component usage."""

    items = CorrectionItems(required=True)


class RevertCorrection(CorrectionBody):
    """Why what a correction changed is to be put back. Without a title it has that of the correction."""

    title = Reason()


class RejectCorrection(Body):
    reason = Reason(required=True)


class TakeStep(Body):
    """The position of the answer in which the figures were seen, so that none may have moved since."""

    expect = Position()


CHANGE_MONTH = ChangeMonth()
PROPOSE_CORRECTION, REVERT_CORRECTION = ProposeCorrection(), RevertCorrection()
REJECT_CORRECTION, TAKE_STEP = RejectCorrection(), TakeStep()
