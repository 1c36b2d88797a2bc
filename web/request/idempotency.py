"""`Idempotency-Key`: a request that names itself is done once, and told the same for ever.

After the IETF draft "The Idempotency-Key HTTP Header Field". What was decided is remembered, be it a refusal:
see `ledger/decisions/idempotency.py`. What could not be read is not remembered, nor what did not come to be
decided.

The same request gets the same answer, with `Idempotency-Replayed: true`. Another request with the key is a
422, and a 409 says that the first one is still under way. The same body with another `Ledger-Reason` is
another request: to be told that it was done would hide that its reason was not kept.
"""

import re
from hashlib import sha256

from flask import Response, request

from ledger.decisions.idempotency import IdempotentRequest
from web.request.authentication import caller
from web.request.reading import EXPECT, REASON
from web.request.services import current, services
from web.request.submit import replayed
from web.wire.errors import BadHeader
from web.wire.fields import TRUE
from web.wire.parameters import last_of

HEADER = "Idempotency-Key"
OF_MANY_REPORTS = (HEADER, REASON)
OF_REPORTS = (*OF_MANY_REPORTS, EXPECT)
"""Headers that requests of reports may have."""

LONGEST_KEY = 255
QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


def replay() -> Response | None:
    """Return the answer that a request with this key got before, if it did. Raises KeyReused."""
    key = _key()
    if key is None or last_of("dry_run").lower() in TRUE:
        return None
    asked = IdempotentRequest(user_uuid=caller().user_uuid, key=key, fingerprint=_fingerprint())
    current().idempotent = asked
    earlier = services().handler.recall(asked)
    return replayed(earlier) if earlier else None


def refuse_key() -> None:
    """Raise BadHeader if a request that describes something names itself, or says why.

    What it does is not remembered, and its fact has no reason.
    """
    if HEADER in request.headers:
        raise BadHeader(f"{HEADER} is for reports. To send this request again does no harm without it.")
    refuse_said()


def refuse_said() -> None:
    """Raise BadHeader if a request that is no report says in headers of reports what it builds on, or why."""
    if EXPECT in request.headers:
        raise BadHeader(f"{EXPECT} is for reports. To send this request again does no harm without it.")
    if REASON in request.headers:
        raise BadHeader(f"{REASON} is for reports, and would not be kept.")


def _key() -> str | None:
    """Return the key of the request: a quoted string, as the draft has it, or the same without quotes."""
    header = request.headers.get(HEADER)
    if header is None:
        return None
    quoted = QUOTED.fullmatch(header.strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header.strip()
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise BadHeader(f"{HEADER} must have 1 to {LONGEST_KEY} printable ASCII characters.")
    return key


def _fingerprint() -> str:
    """Return a digest of all that is asked. It reads the body, which can be read again."""
    place = f"{request.method} {request.full_path} {request.mimetype}\n"
    digest = sha256(place.encode())
    for name in (EXPECT, REASON):  # parts of what is asked, as the body is
        if name in request.headers:
            digest.update(f"{name}: {request.headers[name]}\n".encode())
    digest.update(request.get_data())
    current().note_received()
    return digest.hexdigest()
