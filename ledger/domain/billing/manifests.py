"""Manifests: what somebody says that they sent for a month of an offering, to be held against what stands."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.domain.catalogue import NAMESPACE


class ControlTotals(Struct, frozen=True, kw_only=True):
    """How many figures there are, of how many resources, and what they come to by type of component.

    A figure is that of a component of a resource in a month. Sums are in the components' units.
    """

    reports: int
    resources: int
    totals: Mapping[str, Decimal]

    def match(self, standing: "ControlTotals") -> bool:
        """Return whether what is stated is what stands: all types that stand have to be stated.

        No figures come to nothing: 0 is right for a type that nothing stands of.
        """
        return (
            (self.reports, self.resources) == (standing.reports, standing.resources)
            and standing.totals.keys() <= self.totals.keys()
            and all(amount == standing.totals.get(name, 0) for name, amount in self.totals.items())
        )


class Standing(Struct, frozen=True, kw_only=True):
    """What stands for an offering and a month at a position of the journal, whoever reported it.

    Figures that were carried over were not sent by anybody: they are not among `figures`. `component_types`
    are those that can be stated.
    """

    position: int
    figures: ControlTotals
    carried_over: int
    component_types: frozenset[str] = frozenset()


class Manifest(Struct, frozen=True, kw_only=True):
    """What is said to have been sent for an offering and a month."""

    offering_uuid: UUID
    provider_uuid: UUID
    month: date
    stated: ControlTotals
    note: str = ""

    @property
    def stream(self) -> UUID:
        """Return the stream of all manifests of the offering and the month."""
        return uuid5(NAMESPACE, f"Manifests:{self.offering_uuid.hex}:{self.month:%Y-%m}")
