"""What somebody who takes a step of a correction has seen: its figures as of the position of an answer.

They say so by `expect` in the body, and then none of the figures may have moved since.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from uuid import UUID

from ledger.decisions.billing.seen import Amounts, check_seen, standing_of
from ledger.decisions.state import DecisionState
from ledger.domain.billing.corrections import CorrectionItem
from projections.queries.billing import corrections as stored
from web.request.audit.past import past_named, reading_as_of

EXPECT = "expect"

Place = tuple[UUID, UUID]
"""A figure, and its resource."""


class Seen:
    """The figures of a correction as they were at a position."""

    def __init__(self, position: int) -> None:
        """Prepare to look there. Raises ValidationError for a position where the journal never was."""
        self.position = past_named(EXPECT, str(position)).end.position
        self._then: dict[UUID, Decimal] = {}

    def check(self, items: Sequence[CorrectionItem], state: DecisionState) -> None:
        """Raise FiguresMoved unless the figures of items stand as they did.

        What they were then is read once, however often the step is tried.
        """
        standing = [standing_of(item, state) for item in items]
        if missing := {each for each in places_of(items, standing) if each[0] not in self._then}:
            self._then |= figures_at(self.position, missing)
        check_seen(self.position, standing, self._then)


def places_of(items: Sequence[CorrectionItem], standing: Sequence[Amounts]) -> set[Place]:
    """Return the figures that stand for items."""
    return {
        (uuid, item.ownership.resource_uuid)
        for item, amounts in zip(items, standing, strict=True)
        for uuid in amounts
    }


def figures_at(position: int, places: Collection[Place]) -> dict[UUID, Decimal]:
    """Return what figures were at the position of a fact, those that were there."""
    with reading_as_of(position) as cursor:
        return stored.figures(cursor, list(places))
