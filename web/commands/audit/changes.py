"""`usage-ledger diff` and `usage-ledger unexplained`: which figures changed, in names."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import click
from marshmallow import ValidationError

from web.commands.audit.tables import Row, show, takes_format
from web.request.audit.changes import Point, changes, unexplained
from web.runtime.database import open_services
from web.wire.audit.positions import position_or_time

FIGURES = ("usage_before", "usage_after", "delta")

COLUMNS = (
    *("billing_period", "customer_name", "project_name", "resource_name", "offering_name"),
    *("name", "measured_unit", *FIGURES),
)


def point_of(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Point | None:
    """Return the point of the journal that an argument says. Raises BadParameter."""
    try:
        return None if value is None else position_or_time(value)
    except ValidationError as error:
        raise click.BadParameter(f"{value!r}: {error.messages[0]}") from None


@click.command("diff")
@click.argument("begin", metavar="FROM", callback=point_of)
@click.argument("end", metavar="[TO]", required=False, callback=point_of)
@takes_format
def diff_command(begin: Point, end: Point | None, form: str | None) -> None:
    """Show the figures that differ between FROM and TO, by default now, those of the newest month first.

    Both are positions of the journal, or times like 2026-10-03T12:00:00+02:00, which stand for what was
    recorded by then. `positions` are the facts that changed a figure, and `reasons` what they say of it.
    Names are those of TO, and `uuid` is for `usage-ledger history`.
    """
    with open_services(only_reads=True) as services:
        try:
            rows = changes(services, begin, end)
        except ValidationError as error:
            ((name, messages),) = error.messages_dict.items()
            raise click.ClickException(f"{name}: {messages[0]}") from None
        if not show((*COLUMNS, "positions", "reasons", "uuid"), map(_row, rows), form):
            click.echo("No figure differs.", err=True)


@click.command("unexplained")
@takes_format
def unexplained_command(form: str | None) -> None:
    """Show what lowered a figure of a month that was past already, and does not say why, newest first."""
    with open_services(only_reads=True) as services:
        rows = map(_row, unexplained(services))
        if not show(("position", "recorded_at", "reported_by", *COLUMNS, "uuid"), rows, form):
            click.echo("Nothing is unexplained.", err=True)


def _row(row: dict[str, Any]) -> Row:
    figures = {name: None if row[name] is None else Decimal(row[name]) for name in FIGURES}
    shown = row | figures | {"billing_period": row["billing_period"][:7]}
    if "revision_date" in row:
        who = row["reported_by"]
        shown["recorded_at"] = datetime.fromisoformat(row["revision_date"])
        shown["reported_by"] = who and (who["username"] or who["uuid"])
    return shown
