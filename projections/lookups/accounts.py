"""Looks up who may call: what tokens and usernames stand for."""

from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.access import Caller, TokenUses

CALLERS = """
WITH known AS (
    SELECT a.uuid, a.is_active, json_build_object(
        'user_uuid', a.uuid, 'is_staff', a.is_staff, 'is_support', a.is_support,
        'roles', (
            SELECT coalesce(json_agg(json_build_array(
                r.role_name, r.scope_type, r.scope_uuid, s.customer_uuid)), '[]')
            FROM role r
            LEFT JOIN service_provider s ON s.uuid = r.scope_uuid AND r.scope_type = 'service_provider'
            WHERE r.user_uuid = a.uuid AND r.is_active
        )
    )::text AS caller
    FROM account a
)"""

SELECT_CREDENTIALS = """
SELECT
    t.token_uuid, t.expires_at, t.uses, t.offering_uuid, o.customer_uuid AS provider_uuid, k.is_active,
    k.caller
FROM token t JOIN known k ON k.uuid = t.user_uuid LEFT JOIN offering o ON o.uuid = t.offering_uuid
WHERE t.revoked_at IS NULL AND """

BY_HASH, BY_UUID = "t.token_hash = %(token_hash)s", "t.token_uuid = %(token_uuid)s"

SELECT_WITH_OFFERING = """
SELECT o.customer_uuid AS provider_uuid, k.caller
FROM known k CROSS JOIN offering o WHERE k.uuid = %(user_uuid)s AND o.uuid = %(offering_uuid)s"""

SELECT_TOKENS = """
SELECT
    t.token_uuid, t.user_uuid, a.username, t.issued_at, t.expires_at, t.revoked_at, t.version, t.uses,
    t.offering_uuid
FROM token t JOIN account a ON a.uuid = t.user_uuid
ORDER BY t.issued_at, t.token_uuid"""

SELECT_ACCOUNTS = "SELECT uuid, username, is_staff, is_support, is_active FROM account ORDER BY id"

SELECT_ROLES = """
SELECT r.uuid, r.user_uuid, r.role_name, r.scope_type, r.scope_uuid, r.is_active, a.username
FROM role r LEFT JOIN account a ON a.uuid = r.user_uuid
ORDER BY a.id, r.role_name, r.scope_type, r.scope_uuid, r.uuid"""

SELECT_ACCOUNTS_NAMED = "SELECT uuid, is_active FROM account WHERE username = %(username)s"


class Credentials(msgspec.Struct, frozen=True):
    """The account behind a token, with what the token lets it do.

    Callers check that it is active, the token not expired, and what its `uses` are.
    """

    token_uuid: UUID
    caller: Caller
    is_active: bool
    expires_at: datetime | None
    uses: TokenUses = "all"


def credentials(cursor: Cursor[DictRow], token_hash: str) -> Credentials | None:
    """Return what the token with this SHA-256 stands for, None if it is unknown or revoked."""
    return _credentials(
        cursor.execute(CALLERS + SELECT_CREDENTIALS + BY_HASH, {"token_hash": token_hash}).fetchone()
    )


def credentials_of(cursor: Cursor[DictRow], token_uuid: UUID) -> Credentials | None:
    """Return what the token with this uuid stands for, None if it is unknown or revoked."""
    return _credentials(
        cursor.execute(CALLERS + SELECT_CREDENTIALS + BY_UUID, {"token_uuid": token_uuid}).fetchone()
    )


def _credentials(row: DictRow | None) -> Credentials | None:
    if row is None:
        return None
    caller = msgspec.json.decode(row["caller"], type=Caller)
    if (offering_uuid := row["offering_uuid"]) is not None:
        caller = caller.only_at(offering_uuid, row["provider_uuid"])
    return Credentials(row["token_uuid"], caller, row["is_active"], row["expires_at"], row["uses"])


def caller_at(cursor: Cursor[DictRow], user_uuid: UUID, offering_uuid: UUID) -> Caller | None:
    """Return a user as one whose token is for this offering alone, None if there is no such offering."""
    row = cursor.execute(
        CALLERS + SELECT_WITH_OFFERING, {"user_uuid": user_uuid, "offering_uuid": offering_uuid}
    ).fetchone()
    if row is None:
        return None
    caller = msgspec.json.decode(row["caller"], type=Caller)
    return caller.only_at(offering_uuid, row["provider_uuid"])


def tokens(cursor: Cursor[DictRow]) -> list[DictRow]:
    """Return every token, oldest first: token_uuid, username, issued_at, expires_at, uses …"""
    return cursor.execute(SELECT_TOKENS).fetchall()


def accounts_named(cursor: Cursor[DictRow], username: str) -> list[DictRow]:
    """Return the accounts (uuid, is_active) with this username: none, one, or in odd catalogues more."""
    return cursor.execute(SELECT_ACCOUNTS_NAMED, {"username": username}).fetchall()


def accounts(cursor: Cursor[DictRow]) -> list[DictRow]:
    """Return every account, as they were described first: uuid, username, is_staff, is_support, is_active."""
    return cursor.execute(SELECT_ACCOUNTS).fetchall()


def roles(cursor: Cursor[DictRow]) -> list[DictRow]:
    """Return every role, by user: the fields of a Role, and the user's name."""
    return cursor.execute(SELECT_ROLES).fetchall()
