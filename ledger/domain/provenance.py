"""Where the facts of a request come from: what an operator finds the request by, in logs and traces."""

from uuid import UUID

from msgspec import Struct


class Provenance(Struct, frozen=True, kw_only=True):
    """The origin of a request: the id of its token, and what its client said of itself and of the request.

    `agent` is its `User-Agent`, `request_id` its `X-Request-ID`, `traceparent` that of W3C's Trace Context.
    """

    token_uuid: UUID | None = None
    agent: str = ""
    request_id: str = ""
    traceparent: str = ""


NOBODY_KNOWN = Provenance()
"""Of facts that no request led to, such as those of an import."""
