"""`usage-ledger verify-bundle`: whether a bundle has the facts that the ledger signed."""

from pathlib import Path

import click

from ledger.proof import Malformed
from ledger.proof.notes import Verifier
from ledger.proof.verify_bundle import verify_bundle
from web.commands.audit.tables import printable

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def keys_of(_context: click.Context, _parameter: click.Parameter, lines: tuple[str, ...]) -> list[Verifier]:
    """Return the public keys that options say. Raises BadParameter."""
    try:
        return [Verifier.parse(line) for line in lines]
    except Malformed as error:
        raise click.BadParameter(printable(str(error))) from None


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
