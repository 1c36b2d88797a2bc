"""`usage-ledger audit-bundle` and `verify-bundle`: all of a ledger in a file, and whether it is as signed."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from psycopg import Connection
from psycopg.rows import DictRow

from ledger.errors import NoSigningKey, SigningRefused, TreeDamaged
from ledger.journal.tree import checkpoints
from ledger.journal.tree.checkpoints import Kept
from ledger.journal.tree.earlier import checkpoint_up_to
from ledger.journal.tree.entries import entries_up_to
from ledger.proof import Malformed, Unproven
from ledger.proof.bundles.manifest import Manifest
from ledger.proof.bundles.writing import write_bundle
from ledger.proof.notes import Signer, Verifier
from ledger.proof.verify_bundle import verify_bundle
from projections.exports import tables_as_of
from projections.schema import is_of_this_version, snapshot
from projections.verification.verification import NotThere, OtherVersion
from web.backup.files import whole_file
from web.commands.audit.tables import printable
from web.request.services import Services
from web.runtime.database import open_services

SETTINGS = (
    # A rebuild is waited for, and so is a slow disk.
    "SET lock_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
)

STEPS = 5_000
"""Facts after which a progress bar moves."""

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def keys_of(_context: click.Context, _parameter: click.Parameter, lines: tuple[str, ...]) -> list[Verifier]:
    """Return the public keys that options say. Raises BadParameter."""
    try:
        return [Verifier.parse(line) for line in lines]
    except Malformed as error:
        raise click.BadParameter(printable(str(error))) from None


class NoBundle(click.ClickException):
    """No bundle is written; the message is one line for people."""


@click.command("audit-bundle")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", type=click.IntRange(0), metavar="POSITION", help="As of then, and nothing later.")
def audit_bundle_command(file: Path, to: int | None) -> None:
    """Write all facts, what is signed of them, and the read tables to FILE, a tar archive, for auditors.

    A checkpoint of them is signed first, unless there is one. The hashes are made anew of the facts, and
    nothing is written where they do not lead to each of the checkpoints that are kept. `verify-bundle` checks
    the file elsewhere. It has names of people in it, so nobody else may read it.
    """
    with open_services() as services:
        manifest = write(services, file, to)
    click.echo(f"{manifest.size} facts up to position {manifest.position}, {file.stat().st_size} bytes")


def write(services: Services, file: Path, to: int | None = None) -> Manifest:
    """Write a bundle into a file that is not there yet. Raises NoBundle, OtherVersion, ProjectingFailed,
    OSError."""
    newest, signer = _signed(services, to)
    services.projector.catch_up()
    with whole_file(file) as out, closing(services.ledger.connect()) as connection:
        if not is_of_this_version(connection):
            raise OtherVersion("the read models were built by another version; a rebuild makes them anew")
        for setting in SETTINGS:
            connection.execute(setting)
        with snapshot(connection), _progress(connection, newest) as entries:
            try:
                return write_bundle(
                    out,
                    signer=signer,
                    position=newest.position,
                    created=services.clock(),
                    checkpoints=_notes(connection, newest),
                    entries=entries,
                    tables=tables_as_of(connection, newest.position),
                    folder=file.parent,
                )
            except (Malformed, Unproven) as error:
                told = "; `usage-ledger verify` looks for the fact" if isinstance(error, Unproven) else ""
                raise NoBundle(printable(f"{error}{told}")) from error


def _signed(services: Services, to: int | None) -> tuple[Kept, Signer]:
    """Return the checkpoint that a bundle ends with, and who signs. Raises NoBundle, NotThere."""
    now, key_file = services.clock(), services.signing.key_file
    try:
        newest = services.signing.checkpoint(now, is_due=True)
        signer = key_file.signer() if key_file else None
        if signer is None:
            raise NoSigningKey
        if to is not None:
            if to > newest.position:
                raise NotThere("The journal has not got that far.")
            with closing(services.ledger.connect()) as connection:
                newest = checkpoint_up_to(connection, to, newest, signer, now)
    except NoSigningKey:
        raise NoBundle("there is no signing key; `usage-ledger key create` makes one") from None
    except (SigningRefused, TreeDamaged) as error:
        raise NoBundle(printable(str(error))) from error
    return newest, signer


def _notes(connection: Connection[DictRow], newest: Kept) -> Iterator[bytes]:
    """Yield the checkpoints that are kept, up to one."""
    for kept in checkpoints.all_of_them(connection.cursor()):
        if kept.size > newest.size:
            return
        yield bytes(kept.note)


@contextmanager
def _progress(connection: Connection[DictRow], newest: Kept) -> Iterator[Iterator[bytes]]:
    entries = entries_up_to(connection, newest.position)
    is_hidden = not sys.stderr.isatty()
    with click.progressbar(
        entries, length=newest.size, file=sys.stderr, hidden=is_hidden, update_min_steps=STEPS
    ) as bar:
        yield iter(bar)


@click.command("verify-bundle")
@click.argument("file", type=FILE)
@click.option(
    "--key", "keys", required=True, multiple=True, callback=keys_of, metavar="KEY", help="Of the ledger."
)
@click.option(
    "--checkpoint", "checkpoints", multiple=True, type=FILE, help="One of the ledger's that you have kept."
)
@click.option(
    "--witness-key",
    "witnesses",
    multiple=True,
    callback=keys_of,
    metavar="KEY",
    help="Of one who must have signed.",
)
@click.pass_context
def verify_bundle_command(
    context: click.Context,
    file: Path,
    keys: list[Verifier],
    checkpoints: tuple[Path, ...],
    witnesses: list[Verifier],
) -> None:
    """Check the bundle in FILE, without database and network, against the ledger's KEY and kept checkpoints.

    A line is printed for each finding, which names the position of the first fact that does not fit, or the
    positions that it is between. Exits with 1 if there are any. Whoever wants to read what checks runs
    `python -m ledger.proof.verify_bundle` with the same arguments: it needs `cryptography` alone.
    """
    findings, summary = verify_bundle(file, keys, checkpoints, witnesses)
    for line in findings or [summary]:
        click.echo(printable(line))
    context.exit(1 if findings else 0)
