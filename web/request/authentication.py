"""Who asks: `Authorization: Token …`, as in Waldur."""

from hashlib import sha256

from flask import Response, request

from ledger.domain.access import Caller
from projections.queries.list_query import Scopes
from web.request.services import Services, current, services
from web.wire.errors import Unauthenticated, detail


def hash_of(token: str) -> str:
    """Return what the ledger keeps of a token: enough to know it again, as tokens are long and random."""
    return sha256(token.encode()).hexdigest()


class UnknownToken(Unauthenticated):
    """Nobody has this token: a mistake, or a guess."""


class TooManyGuesses(Exception):
    """So many wrong tokens came from an address that this one is no mistake."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Invalid token. Too many came from this address: wait before you try another one.")
        self.seconds = seconds


def too_many_guesses(error: TooManyGuesses) -> Response:
    response = detail(str(error), 429)
    response.headers["Retry-After"] = str(error.seconds)
    return response


def authenticate() -> None:
    """Find out who asks. Raises Unauthenticated, TooManyGuesses.

    Only a wrong token is answered that there were too many: others may share the address.
    """
    try:
        current().caller = identify(request.headers.get("Authorization", ""), services())
    except UnknownToken:
        if seconds := services().attempts.wrong(request.remote_addr or ""):
            raise TooManyGuesses(seconds) from None
        raise


def identify(authorization: str, services: Services) -> Caller:
    """Return whose token a header has. Raises Unauthenticated."""
    credentials = services.credentials(hash_of(_token(authorization)))
    if credentials is None:
        raise UnknownToken("Invalid token.")
    if not credentials.is_active:
        raise Unauthenticated("User inactive or deleted.")
    if credentials.expires_at is not None and credentials.expires_at <= services.clock():
        raise Unauthenticated("Token has expired.")
    return credentials.caller


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
