"""`usage-ledger month`: closes months of offerings, opens them again, and lists them."""

from collections.abc import Callable
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
from web.request.billing.months import Choose, MonthChange, change_month, months
from web.request.services import Services
from web.runtime.database import open_services
from web.wire.billing.rows import BILLING_MONTH

F = TypeVar("F", bound=Callable[..., Any])

COLUMNS = tuple(column.name for column in BILLING_MONTH.columns)


@click.group("month", cls=Group)
def month_group() -> None:
    """Close months of offerings, so that they take no reports, or open them again."""


def says_what(command: F) -> F:
    """Have a command take a month, and whose it is."""
    for option in (
        click.option("--note", default="", help="What for; it is kept."),
        click.option("--month", type=click.DateTime(["%Y-%m"]), required=True, metavar="YYYY-MM"),
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
        rows = (row | {"changed_by": (row["changed_by"] or {}).get("username")} for row in months(services))
        show(COLUMNS, rows, form)


def _change(*, is_closed: bool, month: date, note: str, offering: UUID | None, provider: UUID | None) -> None:
    if (offering is None) == (provider is None):
        raise click.UsageError("Name an --offering, or a --provider for all of its offerings.")
    choose = partial(_one, offering) if offering else partial(_all, provider)
    first = date(month.year, month.month, 1)
    with open_services() as services:
        of, changed = _changed(services, MonthChange(first, is_closed, note), choose)
    done = "closed" if is_closed else "opened again"
    click.echo(f"{first:%Y-%m} was {done} for {changed} of {len(of)} offerings.")


def _changed(services: Services, change: MonthChange, choose: Choose) -> tuple[Any, int]:
    try:
        return change_month(services, change, choose)
    except WrongStep as error:
        raise click.ClickException(str(error)) from None
    except ValidationError as error:
        raise click.ClickException(str(error.messages_dict["month"][0])) from None


def _one(offering: UUID | None, cursor: Any) -> list[UUID]:
    found = list(offerings(cursor, [offering] if offering else []))
    if not found:
        raise click.ClickException(f"there is no offering with the uuid {offering and offering.hex}")
    return found


def _all(provider: UUID | None, cursor: Any) -> list[UUID]:
    found = offerings_of(cursor, provider) if provider else []
    if not found:
        raise click.ClickException(f"no customer with the uuid {provider and provider.hex} offers anything")
    return found
