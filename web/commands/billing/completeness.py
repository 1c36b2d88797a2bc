"""`usage-ledger completeness`: what is missing of a month, and what somebody should look at."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import click

from web.commands.audit.tables import show, takes_format
from web.commands.billing.months import all_offerings, one_offering
from web.commands.billing.telling import told
from web.request.billing.completeness import completeness, suspect_figures
from web.request.services import Services
from web.runtime.database import open_services
from web.wire.billing.completeness import COMPLETENESS, JUMP, SUSPECT_KINDS

COLUMNS = tuple(column.name for column in COMPLETENESS.columns)
AMOUNTS = ("usage", "compared_with", "delta")
OF_FIGURES = (
    *("kind", "customer_name", "project_name", "resource_name", "offering_name", "name", "measured_unit"),
    *(*AMOUNTS, "position", "uuid"),
)


@click.command("completeness")
@click.argument("month", metavar="YYYY-MM")
@click.option("--offering", type=click.UUID, help="This offering alone.")
@click.option("--provider", type=click.UUID, help="All offerings of this customer.")
@click.option("--jump", help=f"How many times the month before is too much; {JUMP} unless said otherwise.")
@click.option("--figures", "has_figures", is_flag=True, help="The figures that somebody should look at.")
@click.option("--kind", type=click.Choice(SUSPECT_KINDS), help="Only figures that did this.")
@takes_format
def completeness_command(
    month: str,
    offering: UUID | None,
    provider: UUID | None,
    jump: str | None,
    has_figures: bool,
    kind: str | None,
    form: str | None,
) -> None:
    """Show by offering what is there of a month, what is missing, and whether manifests hold.

    With --figures, those that fell, that jumped since the month before, or that differ from their users.
    """
    if kind and not has_figures:
        raise click.UsageError("--kind is about --figures.")
    named = {"offering_uuid": offering and offering.hex, "provider_uuid": provider and provider.hex}
    named |= {"jump": jump, "kind": kind}
    asked = {"billing_period": month} | {name: value for name, value in named.items() if value}
    with open_services(only_reads=True) as services, told():
        _check(services, offering, provider)
        if has_figures:
            show(OF_FIGURES, map(_figure, suspect_figures(services, asked)), form)
        else:
            show(COLUMNS, map(_row, completeness(services, asked)), form)


def _check(services: Services, offering: UUID | None, provider: UUID | None) -> None:
    """Raise ClickException for what is not there, of which an empty table would tell nothing missing."""
    with services.deciding() as cursor:
        if offering:
            one_offering(offering, cursor)
        if provider:
            all_offerings(provider, cursor)


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    last = row["last_manifest"]
    said = last and f"{last['position']} {'holds' if last['still_holds'] else 'does not hold'}"
    return {**row, "billing_period": row["billing_period"][:7], "last_manifest": said}


def _figure(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, **{name: Decimal(row[name]) for name in AMOUNTS}}
