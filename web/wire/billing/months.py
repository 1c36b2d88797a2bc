"""Months as bodies and parameters name them: as people write them, or as answers do."""

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from web.wire.fields import REQUIRED

WRITTEN = r"[0-9]{4}-(0[1-9]|1[0-2])(-01)?"
"""YYYY-MM, or the first day, as `billing_period` is in answers. Another day would not be what is shown."""

NO_MONTH = "Must be a month like 2026-05, or its first day like 2026-05-01."

NOT_YET = "This month has not begun."


class Month(fields.Field[date]):
    """A month, written YYYY-MM or YYYY-MM-01, as its first day."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(WRITTEN, value) or value.startswith("0000"):
            raise ValidationError(NO_MONTH)
        return date.fromisoformat(f"{value[:7]}-01")
