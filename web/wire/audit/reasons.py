"""Why something is done: what is taken for a reason, in a header, a body or a file."""

import re
from typing import Any

from marshmallow import ValidationError

from web.wire.body import Loading
from web.wire.fields import Text

LONGEST_REASON = 500
CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Or another that ends a line, has what follows read backwards, or is no character at all."""


class Reason(Text):
    """Why something is done, in one line. Unless it is required it may be empty, where nothing is said."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_blank=not kwargs.get("required"), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return reason_of(super()._deserialize(value, attr, data, **kwargs), Loading.get().token)


def reason_of(text: str, token: str) -> str:
    """Return a reason, trimmed. Raises ValidationError for one that is not to be kept.

    `token` is the request's, in lower case: nothing that is in the journal can be taken out of it.
    """
    text = text.strip()
    if len(text) > LONGEST_REASON:
        raise ValidationError(f"Ensure this field has no more than {LONGEST_REASON} characters.")
    if CONTROL_CHARACTER.search(text):
        raise ValidationError("Line breaks and control characters are not allowed.")
    if token and token in text.lower():
        raise ValidationError("The token that the request is sent with must not be in it.")
    return text
