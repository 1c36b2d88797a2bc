"""`usage-ledger manifest`: says what was sent for a month, and lists what was said."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO

import click

from web.commands.audit.tables import show, takes_format
from web.commands.billing.telling import told
from web.commands.errors import Group
from web.commands.tokens import user_named
from web.request.billing.manifests import (
    Sending,
    manifest_at,
    manifest_in,
    manifests,
    nobody_asks,
    send_manifest,
)
from web.runtime.database import open_services
from web.wire.billing.rows import done_by

COLUMNS = (
    *("position", "offering_name", "provider_name", "billing_period", "reports", "resources", "totals"),
    *("matches", "still_holds", "differences", "carried_over", "sent_at", "sent_by", "note"),
)


BY = "Who sends it, an active user; it is kept. Without it the list says command line."


@click.group("manifest", cls=Group)
def manifest_group() -> None:
    """Say what was sent for a month of an offering, and see whether it is what stands."""


@manifest_group.command("send")
@click.argument("file", type=click.File("rb"))
@click.option("--by", metavar="USERNAME", help=BY)
@takes_format
@click.pass_context
def send_command(context: click.Context, file: BinaryIO, by: str | None, form: str | None) -> None:
    """Compare the manifest in FILE (`-`: standard input) with what stands, and keep it.

    FILE is the body of POST /api/ledger/manifests/. What differs is shown, and the exit code is 1 then.
    """
    with open_services() as services, told(file.name):
        user = user_named(services, by) if by else None
        sending = Sending(manifest_in(services, file.read()), user)
        position, is_new = send_manifest(services, sending, nobody_asks)
        row = manifest_at(services, position)
    kept = f"manifest {position}" if is_new else f"as manifest {position} said already"
    if not row["differences"]:
        click.echo(f"{row['billing_period'][:7]} is as it was sent: {kept}.")
        return
    show(("name", "stated", "standing"), row["differences"], form)
    click.echo(f"{row['billing_period'][:7]} is not as it was sent: {kept}.", err=True)
    context.exit(1)


@manifest_group.command("list")
@takes_format
def list_command(form: str | None) -> None:
    """Show all manifests, the latest first, with what differs from what stands now."""
    with open_services(only_reads=True) as services:
        show(COLUMNS, map(_row, manifests(services)), form)


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **row,
        "billing_period": row["billing_period"][:7],
        "totals": [f"{name} {amount}" for name, amount in row["totals"].items()],
        "differences": [
            f"{each['name']} {each['stated'] or 'not stated'}, stands {each['standing']}"
            for each in row["differences"]
        ],
        "sent_at": datetime.fromisoformat(row["sent_at"]),
        "sent_by": done_by(row["sent_by"], row["source"]),
    }
