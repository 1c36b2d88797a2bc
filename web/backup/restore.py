"""Restores a backup into an empty database.

All of the journal comes in one transaction, which ends only when what was restored is what the manifest says.
What comes after it, guards and read models, can be made again at any time: whoever was interrupted there
restores the same file again, and goes on with it.
"""

import logging
from collections.abc import Callable
from contextlib import closing

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from ledger.journal.guard import LOCK_CREATION
from web.backup import BackupError
from web.backup.archive import DUMP, MANIFEST, Archive
from web.backup.manifest import Manifest, content_of, differences, read_manifest
from web.backup.programs import find_program, running
from web.backup.script import run_dump
from web.runtime.database import check_suitable

FACTS = "journal.ledger_events"

# Of what a ledger makes. Other schemas are nobody's business here.
SELECT_SCHEMAS = """
SELECT n.nspname || ' (' || count(c.oid) || ' tables)' AS told
FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
WHERE n.nspname IN ('journal', 'dashboard', 'operations') OR n.nspname LIKE 'read\\_models%'
GROUP BY n.nspname ORDER BY n.nspname"""

HAS_JOURNAL = """
SELECT to_regclass('journal.ledger_events') IS NOT NULL AND to_regclass('journal.tree_tail') IS NOT NULL AND
    to_regclass('journal.ledger') IS NOT NULL AS found"""

log = logging.getLogger(__name__)


def restore_journal(
    conninfo: str, archive: Archive, progress: Callable[[int], None] = lambda _: None
) -> Manifest:
    """Restore the journal, all of it or nothing, unless it is there already, and return its manifest.

    `progress` is told how many facts came. Raises BackupError, ConfigurationError.
    """
    manifest = read_manifest(archive.read(MANIFEST))
    with closing(psycopg.connect(conninfo, row_factory=dict_row)) as connection:
        check_suitable(connection)
        connection.execute(LOCK_CREATION)
        connection.commit()
        with connection.transaction():
            if not _is_there(connection, manifest):
                _restore(connection, archive, manifest, progress)
                if wrong := differences(manifest, content_of(connection)):
                    raise BackupError(f"{archive.path} has other facts than its manifest says: {wrong}")
    return manifest


def _is_there(connection: Connection[DictRow], manifest: Manifest) -> bool:
    """Return whether this backup was restored already. Raises BackupError where anything else is there."""
    rows = connection.execute(SELECT_SCHEMAS).fetchall()
    if not rows:
        return False
    if (row := connection.execute(HAS_JOURNAL).fetchone()) and row["found"]:
        found = content_of(connection)
        if not differences(manifest, found):
            log.info("The journal of this backup is there already: going on with it")
            return True
        told = f"a journal of {found.facts} facts up to position {found.position} is in it"
    else:
        told = "it has the schemas " + ", ".join(row["told"] for row in rows)
    raise BackupError(f"the database is not empty: {told}. Nothing was changed; name an empty one")


def _restore(
    connection: Connection[DictRow], archive: Archive, manifest: Manifest, progress: Callable[[int], None]
) -> None:
    server = connection.info.server_version // 10_000
    program = find_program("pg_restore", max(manifest.postgresql, server))

    def tell(table: str, rows: int) -> None:
        if table == FACTS:
            progress(rows)

    options = ("--file=-", "--no-owner", "--no-privileges")
    with (
        archive.at(DUMP) as dump,
        running([program, *options], {}, dump) as script,
        connection.cursor() as cursor,
    ):
        run_dump(cursor, script, tell)
