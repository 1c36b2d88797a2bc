"""`usage-ledger restore`: a ledger from a backup, in an empty database."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from ledger.errors import SigningRefused
from ledger.proof import Malformed
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import read_note
from projections.rebuild import Rebuild
from projections.verification.findings import Finding
from web.backup import BackupError
from web.backup.archive import CHECKPOINT, Archive
from web.backup.manifest import Manifest
from web.backup.records import Backup, record_backup
from web.backup.restore import restore_journal
from web.commands.audit.tables import printable
from web.commands.audit.verify import MOST_FINDINGS, verification_of
from web.request.services import Services
from web.runtime.config import Settings
from web.runtime.database import (
    conninfo_of,
    database_url,
    open_ledger,
    prepare_database,
    projector_of,
    services_of,
)

log = logging.getLogger(__name__)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def restore_command(context: click.Context, file: Path) -> None:
    """Make the ledger again whose backup is in FILE, in an empty database.

    FILE is read and checked before anything is touched. The journal comes whole or not at all, and only as
    the backup says it was. Guards, indexes and read models are made, and all of it is verified, before this
    says that it is done. Where it was interrupted, run it again: it goes on.

    Copy the signing key, and beside it the newest `.checkpoint`, from where you keep them: that tells what
    the backup lacks, and stays as it is.
    """
    settings = Settings.from_environment()
    with (
        _checked(file) as archive,
        database_url(settings) as url,
    ):
        with _bar(0, "journal") as progress:
            manifest = restore_journal(conninfo_of(url), archive, progress)
        conninfo = prepare_database(url, settings, may_rebuild=False)
        with closing(open_ledger(conninfo, settings)) as ledger:
            services = services_of(ledger, projector_of(ledger), settings)
            with _bar(manifest.facts, "read models") as progress:
                Rebuild(ledger.pool, ledger.facts_after, progress=lambda done, _: progress(done)).run(
                    compare=False
                )
            differences = _verify(services, manifest)
            _remember(services, archive)
            with services.reading() as cursor:
                record_backup(cursor, Backup(manifest.created, manifest.position, file.stat().st_size))
            if differences:
                raise click.ClickException(
                    f"the journal is restored as it was backed up, and {differences} differences were found"
                )
            click.echo(
                f"{manifest.facts:,} facts up to position {manifest.position} are restored, as they were on"
                f" {manifest.created:%Y-%m-%d %H:%M:%S} UTC, and verified."
            )
            click.echo(_told_of_signing(services))


@contextmanager
def _checked(file: Path) -> Iterator[Archive]:
    with _bar(file.stat().st_size, "file") as progress, Archive(file, progress) as archive:
        yield archive


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    is_hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=is_hidden) as bar:
        yield bar.update


def _verify(services: Services, manifest: Manifest) -> int:
    """Print what differs, and return how much. The journal stays as it was backed up: it gets no result.

    What it lacks, by the checkpoint beside the key, is no fault of the backup, and told at the end.
    """
    findings = 0

    def tell(finding: Finding) -> None:
        nonlocal findings
        findings += 1
        if findings <= MOST_FINDINGS:
            click.echo(printable(finding.line))

    services.projector.catch_up()
    with _bar(manifest.facts, "verification") as progress:
        verification = verification_of(services, tell, lambda done, _: progress(done), is_alone=True)
        return verification.run().differences


def _remember(services: Services, archive: Archive) -> None:
    """Put the checkpoint of a backup beside the key, where there is none, or an older one.

    A newer one stays: it tells what the backup lacks.
    """
    files = services.signing.key_file
    if files is None or files.signer() is None or CHECKPOINT not in archive:
        return
    note, kept = archive.read(CHECKPOINT), files.last_checkpoint()
    try:
        if kept is None or _size(kept) < _size(note):
            files.remember(note)
    except Malformed as error:
        raise BackupError(f"a checkpoint can't be read: {error}") from error


def _size(note: bytes) -> int:
    return Checkpoint.parse(read_note(note)[0]).size


def _told_of_signing(services: Services) -> str:
    files = services.signing.key_file
    if files is None or files.signer() is None:
        return "No signing key is here: bring it, with the newest `.checkpoint` beside it, before you serve."
    try:
        services.signing.check()
    except SigningRefused as refused:
        return (
            f"Nothing will be signed: {refused} The last checkpoint that left the house is in"
            f" {files.checkpoint_path}. Restore a newer backup, or go on under another LEDGER_ORIGIN and key."
        )
    return (
        "Checkpoints will be signed: the journal is not older than the last of them. If this is a trial, and"
        " the other ledger goes on, take the key away first: two ledgers can't share one."
    )
