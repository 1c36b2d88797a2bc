"""`usage-ledger backup`: the journal in a file, while the service runs."""

import logging
import sys
import time
from contextlib import closing
from pathlib import Path

import click
import psycopg

from web.backup.dump import write_backup
from web.backup.files import whole_file
from web.backup.records import Backup, record_backup
from web.request.services import Services
from web.runtime.config import Settings
from web.runtime.database import check_exists, open_database, open_ledger, projector_of, services_of

SHOWN_SECONDS = 0.2
"""How long after a progress the next one is shown."""

log = logging.getLogger(__name__)


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Take the place of a FILE that is there already.")
def backup_command(file: Path, replace: bool) -> None:
    """Write the journal to FILE, while the service runs: all that a ledger can be made of again.

    FILE is a tar archive with a dump of PostgreSQL in it, and with what it has to be once it is restored. It
    appears when it is whole, for its owner alone, as it has names of people in it. A checkpoint is signed, if
    there is a key, which is not in it: keep a copy of that elsewhere. `restore` is the way back.
    """
    settings = Settings.from_environment()
    check_exists(settings)
    with (
        open_database(settings, may_rebuild=False) as conninfo,
        closing(open_ledger(conninfo, settings)) as ledger,
    ):
        services = services_of(ledger, projector_of(ledger), settings)
        progress = Progress()
        with whole_file(file, may_replace=replace) as out:
            manifest = write_backup(services, conninfo, out, progress)
        progress.end()
        size = file.stat().st_size
        record(services, Backup(manifest.created, manifest.position, size))
    click.echo(f"{manifest.facts:,} facts up to position {manifest.position}, {size:,} bytes in {file}")


def record(services: Services, backup: Backup) -> None:
    """Note a backup for whoever watches. It is one all the same where that fails: the log says so."""
    try:
        with services.reading() as cursor:
            record_backup(cursor, backup)
    except psycopg.Error as error:
        log.error("The backup is whole, and could not be noted in the database: %s", error)


class Progress:
    """Tells a terminal how many bytes there are so far."""

    def __init__(self) -> None:
        self._shown, self._is_shown = time.monotonic(), sys.stderr.isatty()

    def __call__(self, size: int) -> None:
        if self._is_shown and time.monotonic() - self._shown > SHOWN_SECONDS:
            self._shown = time.monotonic()
            click.echo(f"\r{size / 1e6:,.1f} MB", nl=False, err=True)

    def end(self) -> None:
        """Leave the line to others."""
        if self._is_shown:
            click.echo("\r", nl=False, err=True)
