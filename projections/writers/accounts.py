"""Read model of who may call: accounts, their roles and tokens."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import Role
from ledger.events import (
    Fact,
    RoleDescribed,
    TokenIssued,
    TokenRevoked,
    UserDescribed,
)
from projections.rows import as_json, upsert
from projections.writers.read_model import ReadModel

UPSERT_ACCOUNT = """
INSERT INTO account (uuid, position, since, person, username, is_staff, is_support, is_active)
SELECT n.uuid, n.position, n.since, n.person, p.username, n.is_staff, n.is_support, n.is_active
FROM json_populate_recordset(NULL::account, %(rows)s) n
LEFT JOIN journal.person p ON p.uuid = n.person
ON CONFLICT (uuid) DO UPDATE SET
    since = EXCLUDED.since,
    person = EXCLUDED.person,
    username = EXCLUDED.username,
    is_staff = EXCLUDED.is_staff,
    is_support = EXCLUDED.is_support,
    is_active = EXCLUDED.is_active"""

# In the order of first descriptions, so that a rebuild gives everybody the same number again.
NUMBER_ACCOUNTS = """
UPDATE account a SET id = n.id
FROM (
    SELECT uuid, row_number() OVER (ORDER BY position) + (SELECT coalesce(max(id), 0) FROM account) AS id
    FROM account WHERE id IS NULL
) n
WHERE n.uuid = a.uuid"""

UPSERT_ROLE = upsert("role", Role.__struct_fields__)

INSERT_TOKENS = """
INSERT INTO token (token_uuid, token_hash, user_uuid, issued_at, expires_at, version, uses, offering_uuid)
SELECT token_uuid, token_hash, user_uuid, issued_at, expires_at, version, uses, offering_uuid
FROM json_populate_recordset(NULL::token, %(rows)s)"""

REVOKE_TOKENS = """
UPDATE token t SET revoked_at = n.revoked_at, version = n.version
FROM json_populate_recordset(NULL::token, %(rows)s) n
WHERE n.token_uuid = t.token_uuid"""


def project(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    """Write the last description of users and roles, and every token with its end."""
    accounts: dict[UUID, dict[str, Any]] = {}
    roles = {}
    for position, fact in facts:
        match fact:
            case UserDescribed(entity=user):
                first = accounts.get(user.uuid, {}).get("position", position)
                accounts[user.uuid] = {**structs.asdict(user), "position": first, "since": position}
            case RoleDescribed(entity=role):
                roles[role.uuid] = role
    if accounts:
        cursor.execute(UPSERT_ACCOUNT, {"rows": as_json(accounts.values())})
        cursor.execute(NUMBER_ACCOUNTS)
    if roles:
        cursor.execute(UPSERT_ROLE, {"rows": as_json(roles.values())})
    _project_tokens(cursor, facts)


def _project_tokens(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    issued = [
        {**structs.asdict(fact), "issued_at": fact.recorded_at, "version": fact.originator_version}
        for _, fact in facts
        if isinstance(fact, TokenIssued)
    ]
    revoked = [
        {"token_uuid": fact.token_uuid, "revoked_at": fact.recorded_at, "version": fact.originator_version}
        for _, fact in facts
        if isinstance(fact, TokenRevoked)
    ]
    if issued:
        cursor.execute(INSERT_TOKENS, {"rows": as_json(issued)})
    if revoked:
        cursor.execute(REVOKE_TOKENS, {"rows": as_json(revoked)})


ACCOUNTS = ReadModel[Fact](
    handles=(UserDescribed, RoleDescribed, TokenIssued, TokenRevoked),
    project=project,
    writes=("account", "role", "token"),
    is_cached=True,
)
