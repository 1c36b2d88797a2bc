"""`usage-ledger month`: closes months of offerings, opens them again, and lists them."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import click
from marshmallow import ValidationError

from ledger.errors import WrongStep
from projections.lookups.catalogue import offerings, offerings_of
from web.commands.audit.tables import show, takes_format
from web.commands.errors import Group
from web.commands.tokens import user_named
from web.request.billing.months import Choose, MonthChange, change_month, months
from web.request.services import Services
from web.runtime.database import open_services
from web.wire.billing.rows import BILLING_MONTH, done_by

F = TypeVar("F", bound=Callable[..., Any])

BY = "Who wants it, an active user; it is kept. Without it the lists say command line."

COLUMNS = tuple(column.name for column in BILLING_MONTH.columns)


@click.group("month", cls=Group)
def month_group() -> None:
    """Close months of offerings, so that they take no reports, or open them again."""


def says_what(command: F) -> F:
    """Have a command take a month, and whose it is."""
    for option in (
        click.option("--by", metavar="USERNAME", help=BY),
        click.option("--note", default="", help="What for; it is kept."),
        click.option(
            "--month",
            type=click.DateTime(["%Y-%m", "%Y-%m-01"]),
            required=True,
            metavar="YYYY-MM",
        ),
        click.option("--provider", type=click.UUID, help="All offerings of this customer."),
        click.option("--offering", type=click.UUID, help="This offering alone."),
    ):
        command = option(command)
    return command


@month_group.command("close")
@says_what
def close_command(**options: Any) -> None:
    """Close a month: reports into it are refused, staff's too, and nothing is carried over into it."""
    _change(is_closed=True, **options)


@month_group.command("reopen")
@says_what
def reopen_command(**options: Any) -> None:
    """Open a month again: it takes reports as before."""
    _change(is_closed=False, **options)


@month_group.command("list")
@takes_format
def list_command(form: str | None) -> None:
    """Show all months that were closed, the latest first, with how many figures have moved since."""
    with open_services(only_reads=True) as services:
        show(COLUMNS, map(_row, months(services)), form)


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    closed_by = done_by(row["closed_by"], row["closed_source"]) if row["closed_at"] else None
    people = {"changed_by": done_by(row["changed_by"], row["source"]), "closed_by": closed_by}
    return {**row, **people, "billing_period": row["billing_period"][:7]}


def _change(
    *,
    is_closed: bool,
    month: date,
    note: str,
    by: str | None,
    offering: UUID | None,
    provider: UUID | None,
) -> None:
    if (offering is None) == (provider is None):
        raise click.UsageError("Name an --offering, or a --provider for all of its offerings.")
    choose = partial(one_offering, offering) if offering else partial(all_offerings, provider)
    first = date(month.year, month.month, 1)
    with open_services() as services:
        user = user_named(services, by) if by else None
        of, changed = _changed(services, MonthChange(first, is_closed, note, user), choose)
    if is_closed and not changed:
        click.echo(f"{first:%Y-%m} was closed already for {len(of)} of {len(of)} offerings.")
        return
    done = "closed" if is_closed else "opened again"
    click.echo(f"{first:%Y-%m} was {done} for {changed} of {len(of)} offerings.")


def _changed(services: Services, change: MonthChange, choose: Choose) -> tuple[Any, int]:
    try:
        return change_month(services, change, choose)
    except WrongStep as error:
        raise click.ClickException(str(error)) from None
    except ValidationError as error:
        raise click.ClickException(str(error.messages_dict["month"][0])) from None


def one_offering(offering: UUID | None, cursor: Any) -> list[UUID]:
    """Return the offering. Raises ClickException where there is none."""
    found = list(offerings(cursor, [offering] if offering else []))
    if not found:
        raise click.ClickException(f"there is no offering with the uuid {offering and offering.hex}")
    return found


def all_offerings(provider: UUID | None, cursor: Any) -> list[UUID]:
    """Return a provider's offerings. Raises ClickException where there are none."""
    found = offerings_of(cursor, provider) if provider else []
    if not found:
        raise click.ClickException(f"no customer with the uuid {provider and provider.hex} offers anything")
    return found
