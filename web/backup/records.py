"""Keeps the time and the position of each backup, for whoever watches the ledger.

In a schema of its own, `operations`: no rebuild touches it, and no backup has it. A fact would be kept for
ever, and be missing in the very backup that it is about.
"""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from ledger.journal.scripts import ensure_table

CREATE_TABLE = """
CREATE SCHEMA IF NOT EXISTS operations;
CREATE TABLE IF NOT EXISTS operations.backup (
    taken_at timestamptz NOT NULL,
    position bigint NOT NULL,
    bytes bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS backup_taken_at ON operations.backup (taken_at)"""

INSERT = """
INSERT INTO operations.backup (taken_at, position, bytes) VALUES (%(taken_at)s, %(position)s, %(bytes)s)"""


class Backup(NamedTuple):
    """A backup that was made: the time of its snapshot, its last position, the size of its file."""

    taken_at: datetime
    position: int
    bytes: int


def ensure_backups(connection: Connection[DictRow]) -> None:
    """Make the table of backups where it is missing. The caller holds LOCK_CREATION."""
    ensure_table(connection, "operations", "backup", CREATE_TABLE)


def record_backup(cursor: Cursor[DictRow], backup: Backup) -> None:
    """Note that a backup was made."""
    cursor.execute(INSERT, backup._asdict())
