"""Decides what issuing and revoking a token leads to. The token itself never comes here, only its hash."""

from datetime import datetime
from uuid import UUID, uuid5

from ledger.domain.access import TokenUses
from ledger.domain.catalogue import NAMESPACE
from ledger.events import TokenIssued, TokenRevoked


def issue_token(
    token_hash: str,
    user_uuid: UUID,
    expires_at: datetime | None,
    now: datetime,
    *,
    uses: TokenUses = "all",
    offering_uuid: UUID | None = None,
) -> TokenIssued:
    """Return the fact that a user got the token with this SHA-256, for some uses, and one offering or any."""
    stream = uuid5(NAMESPACE, f"Token:{token_hash}")
    return TokenIssued(
        originator_id=stream,
        originator_version=1,
        recorded_at=now,
        token_uuid=stream,
        token_hash=token_hash,
        user_uuid=user_uuid,
        expires_at=expires_at,
        uses=uses,
        offering_uuid=offering_uuid,
    )


def revoke_token(token_uuid: UUID, version: int, now: datetime) -> TokenRevoked:
    """Return the fact that a token is valid no more. Its stream is at `version`."""
    return TokenRevoked(
        originator_id=token_uuid, originator_version=version + 1, recorded_at=now, token_uuid=token_uuid
    )
