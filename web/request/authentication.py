"""Who asks: `Authorization: Token …`, as in Waldur."""

from hashlib import sha256
from typing import cast

from flask import Response, g, request

from ledger.domain.access import Caller
from projections.queries.list_query import Scopes
from web.request.services import Services, services
from web.wire.errors import Unauthenticated, detail


def hash_of(token: str) -> str:
    """What the ledger keeps of a token: enough to know it again, as tokens are long and random."""
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
    """Finds out who asks, before every request to the API. Raises Unauthenticated, TooManyGuesses.

    Only who brings a wrong token is told that there were too many: others may share the address.
    """
    try:
        g.caller = identify(request.headers.get("Authorization", ""), services())
    except UnknownToken:
        if seconds := services().attempts.wrong(request.remote_addr or ""):
            raise TooManyGuesses(seconds) from None
        raise


def identify(authorization: str, services: Services) -> Caller:
    """Whose token it is that a header brings. Raises Unauthenticated."""
    credentials = services.credentials(hash_of(_token(authorization)))
    if credentials is None:
        raise UnknownToken("Invalid token.")
    if not credentials.is_active:
        raise Unauthenticated("User inactive or deleted.")
    if credentials.expires_at is not None and credentials.expires_at <= services.clock():
        raise Unauthenticated("Token has expired.")
    return credentials.caller


def _token(authorization: str) -> str:
    """The token of a header. `Bearer x` and `Bearer Token x` are what some clients send."""
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
    return cast(Caller, g.caller)


def visible() -> Scopes:
    """Whose usage the caller may see."""
    who = caller()
    if who.sees_all:
        return None
    return {
        "customers": who.scopes("customer"),
        "providers": who.providers,
        "projects": who.scopes("project"),
        "offerings": who.scopes("offering"),
    }
