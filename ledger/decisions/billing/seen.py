"""Figures of a correction as somebody saw them: who takes a step may say at which position that was.

An item of a component states what all plans of its month come to. So another plan's figure changes what it
becomes, and is looked at, too.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from ledger.decisions.state import DecisionState
from ledger.domain.billing.corrections import CorrectionItem
from ledger.domain.records import NO_RECORD
from ledger.errors import FigureMoved, FiguresMoved

Amounts = Mapping[UUID, Decimal]
"""What figures are, by their uuids."""


def standing_of(item: CorrectionItem, state: DecisionState) -> Amounts:
    """Return the figures that stand for an item: of its component in the month, or of its user."""
    key = (item.ownership.resource_uuid, item.ownership.component_uuid, item.month)
    record = state.records.get(key, NO_RECORD)
    if item.person is None:
        return {row.usage_uuid: row.amount for row in record.rows}
    of_person = (each for each in record.users.values() if each.person == item.person)
    return {each.user_usage_uuid: each.amount for each in of_person}


def moved(standing: Amounts, then: Amounts) -> tuple[Decimal | None, Decimal] | None:
    """Return what the first figure that moved was then, if it was there, and what it is. None if none did."""
    for uuid, now in standing.items():
        if then.get(uuid) != now:
            return then.get(uuid), now
    return None


def check_seen(position: int, standing: Sequence[Amounts], then: Amounts) -> None:
    """Raise FiguresMoved if any of the figures of items is another one than `then`, at that position."""
    moves = [moved(each, then) for each in standing]
    if any(moves):
        raise FiguresMoved([FigureMoved(position, *move) if move else None for move in moves])
