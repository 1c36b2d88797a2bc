"""Decides what a verification of the read models leads to: a fact, whatever it found."""

from datetime import datetime
from uuid import uuid5

from ledger.domain.catalogue import NAMESPACE
from ledger.events import ReadModelsVerified

VERIFICATIONS = uuid5(NAMESPACE, "Verifications")
"""The stream of all of them."""


def verified(to: int, facts: int, differences: int, earlier: int, now: datetime) -> ReadModelsVerified:
    """Return the fact that so many differences were found up to a position, after so many earlier runs."""
    return ReadModelsVerified(
        originator_id=VERIFICATIONS,
        originator_version=earlier + 1,
        recorded_at=now,
        to=to,
        facts=facts,
        differences=differences,
    )
