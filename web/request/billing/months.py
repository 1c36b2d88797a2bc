"""Closes months of offerings, and opens them again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from marshmallow import ValidationError
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.decisions.descriptions import describe
from ledger.decisions.requests import Decision
from ledger.domain.catalogue import BillingMonth
from ledger.domain.months import month_of
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.errors import WrongStep
from ledger.events import Source
from ledger.journal.transaction import JournalTransaction
from projections.lookups import catalogue
from projections.queries.billing.months import MONTHS
from projections.rows import digest
from web.request.services import Services
from web.wire.billing.months import NOT_YET
from web.wire.billing.rows import BILLING_MONTH

Choose = Callable[[Cursor[DictRow]], Sequence[UUID]]
"""Returns the offerings whose month is meant, and raises what its caller may not do."""

CLOSED_ALREADY = (
    "{:%Y-%m} is closed already, by {} at {:%Y-%m-%d %H:%M} UTC, with another note: to be closed with this"
    " one it has to be opened again first."
)
NOT_CLOSED = "{:%Y-%m} is not closed here: it can only be closed."


class MonthChange(NamedTuple):
    """A month that is to be closed or open, what for, and who wants that."""

    month: date
    is_closed: bool
    note: str = ""
    changed_by: UUID | None = None
    source: Source = "command-line"
    provenance: Provenance = NOBODY_KNOWN


def change_month(services: Services, change: MonthChange, choose: Choose) -> tuple[Sequence[UUID], int]:
    """Close a month of the offerings that `choose` returns, or open it again, all of them or none.

    Returns the offerings, and of how many the month was not so already. `choose` is called again where
    another writer was faster. Raises what it raises, ValidationError for a month of the future, WrongStep for
    one that is to be opened and is not closed for any of them, or that is closed with another note for all of
    them, Contended and Busy.
    """
    if change.month > month_of(services.clock(), services.ledger.zone):
        raise ValidationError({"month": [NOT_YET]})

    def decide(transaction: JournalTransaction) -> Decision[tuple[Sequence[UUID], int]]:
        offerings = choose(transaction.cursor)
        closed = catalogue.closed_for(transaction.cursor, offerings, change.month)
        if not change.is_closed and not closed:
            raise WrongStep(NOT_CLOSED.format(change.month))
        if change.is_closed and closed:
            _check_note(change, offerings, closed)
        changing = [
            BillingMonth(
                offering_uuid=offering,
                month=change.month,
                is_closed=change.is_closed,
                note=change.note,
            )
            for offering in offerings
            if (offering in closed) != change.is_closed
        ]
        known = catalogue.descriptions(transaction.cursor, [each.stream for each in changing])
        digests = [digest(each) for each in changing]
        about = (change.source, change.changed_by, change.provenance)
        return Decision(
            (offerings, len(changing)), describe(changing, known, digests, services.clock(), *about)
        )

    return services.handler.execute(decide)


def _check_note(change: MonthChange, offerings: Sequence[UUID], closed: Mapping[UUID, DictRow]) -> None:
    """Raise WrongStep if nothing would come of the closing, and its note be lost.

    Who closes the rest of a provider's offerings, and sends that again, finds the note with the rest.
    """
    notes = {row["note"] for row in closed.values()}
    if change.note and change.note not in notes and closed.keys() >= set(offerings):
        last = next(iter(closed.values()))
        who = last["closed_by"] or "somebody"
        raise WrongStep(CLOSED_ALREADY.format(change.month, who, last["closed_at"].astimezone(UTC)))


def months(services: Services) -> Iterator[dict[str, Any]]:
    """Yield all months that were closed, the latest first, as the endpoint answers them."""
    services.projector.catch_up()
    with services.reading() as cursor, cursor.connection.transaction():
        yield from map(orjson.loads, MONTHS.every_row(cursor.connection, BILLING_MONTH.columns, {}))
