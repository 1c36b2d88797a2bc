"""`usage-ledger carry-over`: what is assumed of a month where nobody reported, by the policy of the last
report. Run by an operator on the first of a month, as often as they like."""

from collections.abc import Callable
from datetime import date

from ledger.application import Decision
from ledger.carry_over import carry_over
from ledger.errors import Contended
from ledger.months import month_of
from ledger.reports import LastUsage
from projections.carry_over import FIRST, Key, candidates
from web.services import Services
from web.structure import check_year

CHUNK = 1_000

Tell = Callable[[str, LastUsage], None]
"""Told of each usage that is carried over, with the name of its resource."""


class MonthError(Exception):
    """The month can't be carried over into; the message is one line for people."""


def month_from(text: str | None, services: Services) -> date:
    """A month written YYYY-MM, the current one by default. Raises MonthError."""
    current = month_of(services.clock(), services.ledger.zone)
    if text is None:
        return current
    try:
        month = date.fromisoformat(f"{text}-01")
        check_year(month)
    except ValueError:
        raise MonthError(f"{text!r} is no month like {current:%Y-%m}") from None
    if month > current:
        raise MonthError(f"{text} lies in the future, nothing can be missing from it yet")
    return month


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
