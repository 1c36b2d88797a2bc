"""`usage-ledger carry-over`: what is assumed of a month where nobody reported, by the policy of the last
report. Run by an operator on the first of a month, as often as they like."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from ledger.decisions.carry_over import carry_over
from ledger.domain.months import month_of, next_month
from ledger.domain.reports import LastUsage
from ledger.errors import Contended
from ledger.journal.ledger import Decision
from projections.lookups.carry_over import FIRST, Key, candidates, last_month
from web.importer.structure import check_year
from web.request.services import Services

CHUNK = 1_000

Tell = Callable[[str, LastUsage], None]
"""Told of each usage that is carried over, with the name of its resource."""


class MonthError(Exception):
    """The month can't be carried over into; the message is one line for people."""


class Plan(NamedTuple):
    """The months to carry over into, in order. `is_first`: nothing was ever carried over before."""

    months: list[date]
    is_first: bool = False


def plan_of(text: str | None, services: Services) -> Plan:
    """The month written YYYY-MM. Without one all since the last that was carried over into, which may have
    been broken off, to the current one; that alone if there was none. Raises MonthError."""
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
    """A month written YYYY-MM. Raises MonthError."""
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


def carry_into(month: date, services: Services, tell: Tell, *, dry_run: bool = False) -> int:
    """Carries over what is missing in `month`; returns how much. `dry_run` only tells of it."""
    carried, after = 0, FIRST
    while chunk := _next_chunk(month, after, services, CHUNK, dry_run=dry_run):
        for name, usage in chunk:
            tell(name, usage)
        carried += len(chunk)
        after = (chunk[-1][1].site.resource_uuid, chunk[-1][1].site.component_uuid)
    return carried


def _next_chunk(
    month: date, after: Key, services: Services, size: int, *, dry_run: bool
) -> list[tuple[str, LastUsage]]:
    chunk: list[tuple[str, LastUsage]] = []

    def decide() -> Decision:
        now = services.clock()
        with services.deciding() as cursor:
            chunk[:] = candidates(cursor, month, now, services.ledger.zone, after, size)
        return Decision([] if dry_run else carry_over([usage for _, usage in chunk], month, now))

    try:
        services.projector.catch_up(services.ledger.append(decide))
    except Contended:  # reports come in faster than so many are decided about
        if size == 1:
            raise
        return _next_chunk(month, after, services, size // 2, dry_run=dry_run)
    return chunk
