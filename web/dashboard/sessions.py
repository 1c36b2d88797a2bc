"""Who is signed in: a cookie with a random number, and a row that says which token stands behind it.

The cookie carries nothing else: whoever finds it can read pages until it is signed out, it expires, or the
token is revoked, and can never send it to the API. The database keeps a digest only, so that a dump of it
signs nobody in. A signed cookie would need no row, but a secret that all servers share, and could not be
called back.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from ledger.journal.scripts import ensure_table
from projections.lookups import accounts
from projections.lookups.accounts import Credentials

COOKIE = "usage_ledger_session"

LIFETIME = timedelta(hours=12)

MOST_SESSIONS = 20
"""Of one token. The oldest ends when another one begins."""

ENTROPY_BYTES = 32

CREATE_TABLE = """
CREATE SCHEMA IF NOT EXISTS dashboard;
CREATE TABLE IF NOT EXISTS dashboard.session (
    session_hash bytea PRIMARY KEY,
    token_uuid uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS session_token ON dashboard.session (token_uuid, expires_at)"""

INSERT = """
WITH ended AS (
    DELETE FROM dashboard.session WHERE expires_at <= %(now)s OR session_hash IN (
        SELECT session_hash FROM dashboard.session
        WHERE token_uuid = %(token_uuid)s
        ORDER BY expires_at DESC OFFSET %(others)s
    )
)
INSERT INTO dashboard.session VALUES (%(session_hash)s, %(token_uuid)s, %(expires_at)s)"""

DELETE = "DELETE FROM dashboard.session WHERE session_hash = %(session_hash)s"

SELECT = """
SELECT token_uuid FROM dashboard.session WHERE session_hash = %(session_hash)s AND expires_at > %(now)s"""


def ensure_sessions(connection: Connection[DictRow]) -> None:
    """Make the table of sessions where it is missing. The caller holds LOCK_CREATION."""
    ensure_table(connection, "dashboard", "session", CREATE_TABLE)


def begin(cursor: Cursor[DictRow], token_uuid: UUID, now: datetime, entropy: Callable[[int], bytes]) -> str:
    """Begin a session of a token, and return what its cookie says: 64 hex digits."""
    secret = entropy(ENTROPY_BYTES).hex()
    cursor.execute(
        INSERT,
        {
            "session_hash": _hash_of(secret),
            "token_uuid": token_uuid,
            "now": now,
            "expires_at": now + LIFETIME,
            "others": MOST_SESSIONS - 1,
        },
    )
    return secret


def end(cursor: Cursor[DictRow], secret: str) -> None:
    """End the session of a cookie, if there is one."""
    cursor.execute(DELETE, {"session_hash": _hash_of(secret)})


def credentials(cursor: Cursor[DictRow], secret: str, now: datetime) -> Credentials | None:
    """Return what the cookie of a session stands for now, None if it or its token has ended."""
    row = cursor.execute(SELECT, {"session_hash": _hash_of(secret), "now": now}).fetchone()
    found = accounts.credentials_of(cursor, row["token_uuid"]) if row else None
    if found is None or not found.is_active or (found.expires_at and found.expires_at <= now):
        return None
    return found


def _hash_of(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
