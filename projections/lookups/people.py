"""Looks up people: who has a username, and what accounts and tokens they have."""

from collections.abc import Collection
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

SELECT_ACCOUNTS = "SELECT uuid FROM account WHERE person = ANY(%(people)s) AND is_active"

SELECT_TOKENS = """
SELECT t.token_uuid, t.version FROM token t JOIN account a ON a.uuid = t.user_uuid
WHERE a.person = ANY(%(people)s) AND t.revoked_at IS NULL"""

SELECT_LIKE = """
SELECT username FROM journal.person WHERE lower(username) = lower(%(username)s) AND username <> %(username)s
ORDER BY username"""

SELECT_FORGOTTEN = "SELECT person FROM forgotten_person WHERE person = ANY(%(people)s)"

SELECT_LAST_FORGOTTEN = "SELECT coalesce(max(position), 0) AS position FROM forgotten_person"


def active_accounts(cursor: Cursor[DictRow], people: Collection[UUID]) -> list[UUID]:
    """Return the accounts of people who can log in."""
    rows = cursor.execute(SELECT_ACCOUNTS, {"people": list(people)})
    return [row["uuid"] for row in rows.fetchall()]


def valid_tokens(cursor: Cursor[DictRow], people: Collection[UUID]) -> list[tuple[UUID, int]]:
    """Return the tokens of people that were not revoked, with the versions that their streams are at."""
    rows = cursor.execute(SELECT_TOKENS, {"people": list(people)})
    return [(row["token_uuid"], row["version"]) for row in rows.fetchall()]


def usernames_like(cursor: Cursor[DictRow], username: str) -> list[str]:
    """Return usernames that differ from this one in case only."""
    rows = cursor.execute(SELECT_LIKE, {"username": username})
    return [row["username"] for row in rows.fetchall()]


def forgotten(cursor: Cursor[DictRow], people: Collection[UUID]) -> set[UUID]:
    """Return those of the people who were forgotten."""
    rows = cursor.execute(SELECT_FORGOTTEN, {"people": list(people)})
    return {row["person"] for row in rows.fetchall()}


def last_forgotten(cursor: Cursor[DictRow]) -> int:
    """Return the position of the last fact that forgot somebody, 0 if there is none."""
    row = cursor.execute(SELECT_LAST_FORGOTTEN).fetchone()
    assert row is not None
    position: int = row["position"]
    return position
