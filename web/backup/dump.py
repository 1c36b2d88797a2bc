"""Makes a backup, while the service runs."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from typing import BinaryIO

import msgspec
from psycopg import IsolationLevel

from ledger.errors import NoSigningKey, SigningRefused, TreeDamaged
from ledger.journal.tree.earlier import checkpoint_up_to
from ledger.journal.tree.keys import KeyUnusable
from web.backup.archive import CHECKPOINT, CHUNK, DUMP, MANIFEST, ArchiveWriter
from web.backup.manifest import FORMAT, Manifest, content_of
from web.backup.programs import connecting, find_program, running
from web.request.services import Services

SETTINGS = (
    # A rebuild is waited for, and so is a slow disk.
    "SET lock_timeout TO 0",
    "SET statement_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
)

EXPORT_SNAPSHOT = "SELECT pg_export_snapshot() AS name"

log = logging.getLogger(__name__)


def write_backup(
    services: Services, conninfo: str, file: BinaryIO, progress: Callable[[int], None] = lambda _: None
) -> Manifest:
    """Write the journal of a ledger as it is now, with its checkpoint if there is a key.

    `conninfo` is that of its database; `progress` is told how many bytes were dumped so far. Raises
    BackupError, OSError.
    """
    target, variables = connecting(conninfo)
    with closing(services.ledger.connect()) as connection:
        for setting in SETTINGS:
            connection.execute(setting)
        postgresql = connection.info.server_version // 10_000
        program = find_program("pg_dump", postgresql)
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        with connection.transaction():
            row = connection.execute(EXPORT_SNAPSHOT).fetchone()
            assert row is not None
            manifest = Manifest(
                **msgspec.structs.asdict(content_of(connection)),
                format=FORMAT,
                origin=services.origin(),
                version=version("usage-ledger"),
                postgresql=postgresql,
                created=services.clock(),
            )
            archive = ArchiveWriter(file, manifest.created)
            archive.add(MANIFEST, [msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"])
            options = ("--format=custom", "--schema=journal", "--no-password", f"--snapshot={row['name']}")
            with running([program, *options, f"--dbname={target}"], variables) as output:
                archive.add(DUMP, _told(iter(lambda: output.read(CHUNK), b""), progress))
    if checkpoint := _checkpoint(services, manifest):
        archive.add(CHECKPOINT, [checkpoint])
    archive.finish()
    return manifest


def _told(parts: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    for part in parts:
        yield part
        done += len(part)
        progress(done)


def _checkpoint(services: Services, manifest: Manifest) -> bytes | None:
    """Return the note of a checkpoint of just these facts, None where none is signed: the log says why."""
    try:
        newest = services.signing.checkpoint(services.clock(), is_due=True)
        signer = services.signing.key_file.signer() if services.signing.key_file else None
        if signer is None:
            raise NoSigningKey
        with closing(services.ledger.connect()) as connection:
            kept = checkpoint_up_to(connection, manifest.position, newest, signer, services.clock())
    except NoSigningKey:
        log.info("The backup has no checkpoint, as this ledger has no signing key")
    except (SigningRefused, TreeDamaged, KeyUnusable) as error:
        log.error("The backup has no checkpoint: %s", error)
    else:
        return bytes(kept.note)
    return None
