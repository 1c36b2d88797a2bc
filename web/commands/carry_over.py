"""`usage-ledger carry-over`: usages of a month that nobody reported, by the policy of the last report.

An operator runs it on the first of a month, as often as they like.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import click

from ledger.decisions.carry_over import carry_over
from ledger.decisions.requests import Decision
from ledger.domain.months import month_of, next_month
from ledger.domain.records import LastUsage
from ledger.journal.transaction import JournalTransaction
from projections.lookups.carry_over import FIRST, Key, candidates, last_month, left_out
from web.importer.values import check_year
from web.request.services import Services
from web.runtime.database import open_services

CHUNK = 1_000

NEVER_CARRIED = (
    "Nothing was ever carried over here, so this is done for {:%Y-%m} alone; where earlier months were"
    " missed, name them with --month, one after the other, and begin with the first."
)

CLOSED = "Offerings whose usages were left out, as {1:%Y-%m} is closed for them: {0}."

OnCarried = Callable[[str, LastUsage], None]
"""Called for each usage that is carried over, with the name of its resource."""


Chunk = list[tuple[str, LastUsage]]


class MonthError(click.ClickException):
    """The month can't be carried over into; the message is one line for people."""


class Plan(NamedTuple):
    """The months to carry over into, in order. `is_first`: nothing was ever carried over before."""

    months: list[date]
    is_first: bool = False


def plan_of(text: str | None, services: Services) -> Plan:
    """Return the month written YYYY-MM; without one, all months from the last one that was carried over into.

    That one is among them, as it may have been broken off. Where nothing was ever carried over, it is the
    current month alone. Raises MonthError.
    """
    if text is not None:
        return Plan([month_from(text, services)])
    current = _current(services)
    with services.deciding() as cursor:
        last = last_month(cursor)
    months = [min(last or current, current)]
    while months[-1] < current:
        months.append(next_month(months[-1]))
    return Plan(months, is_first=last is None)


def month_from(text: str, services: Services) -> date:
    """Return the month written YYYY-MM, as its first day. Raises MonthError."""
    current = _current(services)
    try:
        month = date.fromisoformat(f"{text}-01")
        check_year(month)
    except ValueError:
        raise MonthError(f"{text!r} is no month like {current:%Y-%m}") from None
    if month > current:
        raise MonthError(f"{text} lies in the future, nothing can be missing from it yet")
    return month


def _current(services: Services) -> date:
    return month_of(services.clock(), services.ledger.zone)


def carry_into(month: date, services: Services, on_carried: OnCarried, *, dry_run: bool = False) -> int:
    """Carry over the usages that are missing in `month`; return how many.

    `dry_run` stores nothing, and calls `on_carried` all the same.
    """
    carried, after = 0, FIRST
    while chunk := _carry_chunk(month, after, services, dry_run=dry_run):
        for name, usage in chunk:
            on_carried(name, usage)
        carried += len(chunk)
        after = (chunk[-1][1].ownership.resource_uuid, chunk[-1][1].ownership.component_uuid)
    return carried


def _carry_chunk(month: date, after: Key, services: Services, *, dry_run: bool) -> Chunk:
    def decide(transaction: JournalTransaction) -> Decision[Chunk]:
        now = services.clock()
        chunk = candidates(transaction.cursor, month, now, services.ledger.zone, after, CHUNK)
        return Decision(chunk, [] if dry_run else carry_over([usage for _, usage in chunk], month, now))

    return services.handler.execute(decide)


@click.command("carry-over")
@click.option("--month", metavar="YYYY-MM", help="Default: all since the last time, to the current one.")
@click.option("--dry-run", is_flag=True, help="Only show what would be carried over.")
def carry_over_command(month: str | None, dry_run: bool) -> None:
    """Carry usages with a missing-usage policy over into months that have no report of them.

    `reuse` repeats the amount of the month before, `zero` sets it to zero. A report that is there is
    never touched, so it may be run at any time and again; run it on the first of every month. Months in
    which it was not run are made up for, from the last one on that anything was carried over into.
    """

    def tell(name: str, usage: LastUsage) -> None:
        policy, component = usage.missing_usage_policy, usage.ownership.component_type
        amount = usage.amount if policy == "reuse" else 0
        click.echo(f"{usage.ownership.resource_uuid.hex}  {component}  {amount}  ({policy}, {name})")

    would = "would be" if dry_run else "were"
    with open_services() as services:
        plan = plan_of(month, services)
        if plan.is_first:
            click.echo(NEVER_CARRIED.format(plan.months[0]), err=True)
        for number, into in enumerate(plan.months, start=1):
            carried = carry_into(into, services, tell, dry_run=dry_run)
            click.echo(f"{carried} usages {would} carried over into {into:%Y-%m}.")
            with services.deciding() as cursor:
                closed = left_out(cursor, into)
            if closed:
                click.echo(CLOSED.format(closed, into), err=True)
            if dry_run and carried and number < len(plan.months):
                click.echo("They are not stored, so what would follow from them later is not shown.")
