"""Decides what forgetting a username leads to: a fact for each person who had it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ledger.events import PersonForgotten


def forget_people(
    people: Iterable[UUID], reason: str, forgotten_by: UUID | None, now: datetime
) -> list[PersonForgotten]:
    """Return the facts that people were forgotten, in a stream each: nobody is forgotten twice."""
    return [
        PersonForgotten(
            originator_id=person,
            originator_version=1,
            recorded_at=now,
            person=person,
            reason=reason,
            forgotten_by=forgotten_by,
        )
        for person in people
    ]
