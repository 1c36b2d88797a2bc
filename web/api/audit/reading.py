"""Facts for those who may read them, block by block: memory and a connection are used for one at a time."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import Notification

from ledger.domain.access import READ_FACTS, Caller
from ledger.errors import NotPermitted
from ledger.journal.recorder import Search
from ledger.journal.tree.reading import Tree
from projections.queries.audit.facts_of_customers import NAMING_CUSTOMERS, OTHERS, Stored, are_of
from web.request.services import Services

BLOCK = 500
"""Facts that are read at a time."""

SPAN = 20_000
"""Positions that are looked through at a time, for facts that somebody may read."""


class Readable(NamedTuple):
    """The facts that somebody may read: those of these customers, None for all there are."""

    services: Services
    customers: Collection[UUID] | None

    @classmethod
    def by(cls, caller: Caller, services: Services) -> "Readable":
        """Return what staff, support and auditors of customers may read. Raises NotPermitted for others."""
        if caller.sees_all:
            return cls(services, None)
        if not (customers := caller.scopes("customer", READ_FACTS)):
            raise NotPermitted
        return cls(services, customers)

    def blocks(self, after: int, last: int, size: int = BLOCK) -> Iterator[list[Notification]]:
        """Yield the facts behind a position and up to another one, in order, in blocks that may be empty."""
        while after < last:
            until = min(after + SPAN, last)
            found = self.services.ledger.journal.select_stored(after, until, size, self._search)
            after = found[-1].id if len(found) == size else until
            yield [*self._own(found)]

    @property
    def _search(self) -> Search | None:
        """Return what to look through. A report that names none of the customers need not be read."""
        if self.customers is None:
            return None
        return Search(OTHERS, NAMING_CUSTOMERS, [customer.hex for customer in self.customers])

    def page(self, after: int, last: int, most: int) -> list[Notification]:
        """Return up to so many facts behind a position and up to another one, in order."""
        facts: list[Notification] = []
        for block in self.blocks(after, last, most if self.customers is None else BLOCK):
            facts += block
            if len(facts) >= most:
                break
        return facts[:most]

    def leaves(self, positions: Sequence[int]) -> dict[int, int]:
        """Return by position which leaf of the tree each of these facts, of a page or a block, is."""
        if not positions:
            return {}
        with self.services.reading() as cursor:
            if self.customers is not None:
                return Tree(cursor).leaves(positions)
            (first,) = Tree(cursor).leaves(positions[:1]).values()  # all of them, without a gap
        return {position: first + place for place, position in enumerate(positions)}

    def _own(self, facts: Collection[Notification]) -> Iterator[Notification]:
        if self.customers is None:
            yield from facts
            return
        with self.services.reading() as cursor:
            own = are_of(cursor, self.customers, [Stored(fact.topic, fact.state) for fact in facts])
        yield from (fact for fact, is_own in zip(facts, own, strict=True) if is_own)
