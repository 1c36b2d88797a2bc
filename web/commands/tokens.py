"""Issuing and revoking API tokens."""

import secrets
from datetime import timedelta
from uuid import UUID

from psycopg.rows import DictRow

from ledger.decisions.tokens import issue_token, revoke_token
from ledger.journal.ledger import Decision
from projections.lookups import accounts
from web.request.authentication import hash_of
from web.request.services import Services

TOKEN_BYTES = 20  # 40 hex digits, as long as the reference's


class TokenError(Exception):
    """A token can't be issued or revoked; the message is one line for people."""


def create(services: Services, user_uuid: UUID, days: int | None) -> str:
    """Issues a token to a user and returns it; it can't be had again. `days`: how long it is valid."""
    token = secrets.token_hex(TOKEN_BYTES)
    now = services.clock()
    expires_at = now + timedelta(days=days) if days is not None else None
    fact = issue_token(hash_of(token), user_uuid, expires_at, now)
    services.projector.catch_up(services.ledger.append(lambda: Decision([fact])))
    return token


def user_named(services: Services, username: str) -> UUID:
    """The one active user of this name. Raises TokenError."""
    with services.deciding() as cursor:
        found = accounts.accounts_named(cursor, username)
    active: list[UUID] = [account["uuid"] for account in found if account["is_active"]]
    if not found:
        raise TokenError(f"nobody is named {username!r}; import a file whose list `users` has them")
    if not active:
        raise TokenError(f"{username!r} is not active")
    if len(active) > 1:
        uuids = ", ".join(sorted(uuid.hex for uuid in active))
        raise TokenError(f"{len(active)} active users are named {username!r}: {uuids}")
    return active[0]


def revoke(services: Services, token_uuid: UUID) -> None:
    """Ends a token; one that has ended already stays as it is. Raises TokenError if there is none."""

    def decide() -> Decision:
        token = next((each for each in listed(services) if each["token_uuid"] == token_uuid), None)
        if token is None:
            raise TokenError(f"there is no token with the id {token_uuid.hex}")
        if token["revoked_at"] is not None:
            return Decision([])
        return Decision([revoke_token(token_uuid, token["version"], services.clock())])

    services.projector.catch_up(services.ledger.append(decide))


def listed(services: Services) -> list[DictRow]:
    """Every token, with its user and its end."""
    with services.deciding() as cursor:
        return accounts.tokens(cursor)
