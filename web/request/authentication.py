"""Who asks, and with what: `Authorization: Token …`, as in Waldur, and headers that facts keep."""

import re
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from flask import request

from ledger.domain.access import Caller
from ledger.domain.provenance import Provenance
from ledger.errors import Contended, NotPermitted
from projections.lookups.accounts import Credentials
from projections.queries.list_query import Scopes
from web.request.services import Services, current, services
from web.wire.errors import TooManyGuesses, Unauthenticated, UnknownToken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STATISTICS = "/api/marketplace-stats/"
"""The path of figures over all resources, which are for those who see all."""

CREDENTIALS = "usage-ledger.credentials"
"""Key in a request's environment: who asks, where a page of ours asks for somebody who is signed in.

No header can set it: those become keys that begin with HTTP_.
"""

SECRET = "usage-ledger.secret"  # noqa: S105 - the name of a key
"""Key in a request's environment: what such a request came with in place of a token."""

IDENTIFIED = "usage-ledger.identified"
"""Key in a request's environment: as of when that was found out."""

USER = "usage-ledger.user"
"""Key in a request's environment: the uuid of who asks, as the log has it."""

TOKEN = "usage-ledger.token"  # noqa: S105 - the name of a key
"""Key in a request's environment: the uuid of the token that it came with."""

MOST_CHARACTERS = 200
"""How much of a header is kept in facts."""

NOT_PRINTABLE = re.compile("[^ -~]")
TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def hash_of(token: str) -> str:
    """Return what the ledger keeps of a token: enough to know it again, as tokens are long and random.

    It is looked up by this. How long that takes may depend on how a digest begins, which nobody can choose
    without trying as many tokens, and from which no token follows: nothing has to take constant time.
    """
    return sha256(token.encode()).hexdigest()


def authenticate() -> None:
    """Find out who asks. Raises Unauthenticated, TooManyGuesses, and NotPermitted for statistics of all.

    Only a wrong token is answered that there were too many: others may share the address.
    """
    now, known = current(), services().projector.shared_position.known()
    try:
        credentials = request.environ.get(CREDENTIALS) or identify(
            request.headers.get("Authorization", ""), services()
        )
    except UnknownToken:
        if seconds := services().attempts.wrong(request.remote_addr or ""):
            raise TooManyGuesses(seconds) from None
        raise
    if request.path.startswith(STATISTICS) and not credentials.caller.sees_all:
        raise NotPermitted
    now.caller, now.token_uuid, now.uses = credentials.caller, credentials.token_uuid, credentials.uses
    now.credentials, now.identified = credentials, request.environ.get(IDENTIFIED, known)
    note_caller(request.environ, credentials)


def identify_again(described: int) -> None:
    """Make sure that the caller is who they were found to be, where something was described since.

    `described` is the position of the last description. Raises what `check_caller` raises.
    """
    now = current()
    if now.credentials is not None and described != now.identified.described:
        check_caller(now.credentials, services())


def check_caller(had: Credentials, here: Services) -> None:
    """Make sure that a token still opens what it did. To be called in any thread.

    Another server's revocation is told a moment after it was stored, and what is read or decided in that
    moment may be of later facts. Raises Unauthenticated where the token has ended, and Contended where it
    stands for something else.
    """
    if identify(had.token_uuid, here) != had:
        raise Contended


def note_caller(environ: "WSGIEnvironment", credentials: Credentials) -> None:
    """Note in a request's environment who asks, and with which token, for whoever watches."""
    environ[USER], environ[TOKEN] = credentials.caller.user_uuid, credentials.token_uuid


def identify(sent: str | UUID, services: Services) -> Credentials:
    """Return what the token of a header, or the one with a uuid, stands for now. Raises Unauthenticated."""
    if isinstance(sent, UUID):
        credentials = services.credentials_now(sent)
    else:
        credentials = services.credentials(hash_of(_token(sent)))
    if credentials is None:
        raise UnknownToken("Invalid token.")
    if not credentials.is_active:
        raise Unauthenticated("User inactive or deleted.")
    if credentials.expires_at is not None and credentials.expires_at <= services.clock():
        raise Unauthenticated("Token has expired.")
    return credentials


def _token(authorization: str) -> str:
    """Return the token of a header. Some clients send `Bearer x` or `Bearer Token x`."""
    words = authorization.split()
    if not words or words[0].lower() not in ("token", "bearer"):
        raise Unauthenticated("Authentication credentials were not provided.")
    if [word.lower() for word in words[:2]] == ["bearer", "token"]:
        words = words[1:]
    if len(words) == 1:
        raise Unauthenticated("Invalid token. No credentials provided.")
    if len(words) > 2:
        raise Unauthenticated("Invalid token. Token string should not contain spaces.")
    return words[1]


def token_sent() -> str:
    """Return the token of the request, or of a page its session's secret, in lower case.

    Nothing that is kept may have it in it.
    """
    secret: str = request.environ.get(SECRET) or _token(request.environ["HTTP_AUTHORIZATION"])
    return secret.lower()


def caller() -> Caller:
    """Return who asks."""
    who = current().caller
    assert who, "the pipeline has found out who asks"
    return who


def visible() -> Scopes:
    """Return whose usage the caller may see: uuids by kind, or None for that of everybody."""
    who = caller()
    if who.sees_all:
        return None
    return {
        "customers": who.scopes("customer"),
        "providers": who.providers,
        "projects": who.scopes("project"),
        "offerings": who.scopes("offering"),
    }


def provenance() -> Provenance:
    """Return what the facts of this request say of it.

    Headers are cut, and have a `?` for each character that is not printable ASCII. One with the token in it
    is left out, as the journal keeps no secrets; so is a `traceparent` that is none.
    """
    headers = request.environ  # a third of the time that `request.headers` takes
    token = token_sent()

    def safe(name: str) -> str:
        value: str = headers.get(name, "")
        return "" if token in value.lower() else NOT_PRINTABLE.sub("?", value[:MOST_CHARACTERS])

    trace = safe("HTTP_TRACEPARENT")
    return Provenance(
        token_uuid=current().token_uuid,
        agent=safe("HTTP_USER_AGENT"),
        request_id=safe("HTTP_X_REQUEST_ID"),
        traceparent=trace if TRACEPARENT.fullmatch(trace) else "",
    )
