"""Which revision is asked for."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields

from web.wire.audit.positions import time_of
from web.wire.fields import REQUIRED


class Time(fields.Field[datetime]):
    """A time in RFC 3339, with its offset."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return time_of(value)
        except ValueError:
            raise ValidationError("Enter an RFC 3339 time.") from None


class VersionQuery(Schema):
    """When the revision that is asked for was in force."""

    timestamp = Time(required=True)


VERSION_QUERY = VersionQuery()
