"""Bodies that name a month, and the offerings whose month it is."""

import re
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields

from web.wire.body import Body, Check
from web.wire.fields import REQUIRED, Reference, Text, uuid_of

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class Month(fields.Field[date]):
    """A month, written YYYY-MM, as its first day."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not MONTH.fullmatch(value) or value.startswith("0000"):
            raise ValidationError("Must be a month like 2026-05.")
        return date.fromisoformat(f"{value}-01")


class Uuid(fields.Field[UUID]):
    """A uuid, of what may not exist."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if (uuid := uuid_of(value)) is None:
            raise ValidationError("Must be a valid UUID.")
        return uuid


def check_whose(values: dict[str, Any]) -> None:
    if ("offering" in values) == ("provider" in values):
        raise ValidationError("Name an offering, or a provider for all of its offerings.", "offering")


class ChangeMonth(Body):
    """A month of one offering, or of all offerings of a provider: the customer that offers them."""

    checks: ClassVar[tuple[Check, ...]] = (check_whose,)

    offering = Reference("offerings")
    provider = Uuid()
    month = Month(required=True)
    note = Text(allow_blank=True, max_length=2000)


CHANGE_MONTH = ChangeMonth()
