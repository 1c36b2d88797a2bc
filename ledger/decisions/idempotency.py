"""Requests that name themselves with an idempotency key: what came of them is a fact, and told again.

The fact is appended with those that it tells of. A key can't be used twice, as its stream has one version.
Price: the journal keeps as many outcomes as a bulk had. A refusal is kept up to LONGEST_REFUSAL, and only for
users who may report somewhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_type_hints
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct, structs

from ledger import errors
from ledger.domain.catalogue import NAMESPACE
from ledger.domain.provenance import Provenance
from ledger.domain.reports import RecordedOutcome, RecordedRefusal
from ledger.events import CorrectionProposed, Fact, RequestAnswered, RequestDecided

LONGEST_REFUSAL = 64 * 1024
"""How many bytes of a refusal are remembered: nothing that is in the journal can be taken out of it."""

Result = Literal["created", "changed", "unchanged", "refused"]

Remembered = RequestDecided | RequestAnswered
"""What the journal knows of a request that was decided before."""


class Outcome(Struct, frozen=True, kw_only=True):
    """The outcome of a report: its facts, or why it was refused. `uuid` is of the figure that it states.

    `position` is that of its last fact, None if none was stored.
    """

    result: Result
    uuid: UUID | None = None
    facts: tuple[Fact, ...] = ()
    refusal: errors.LedgerError | None = None
    position: int | None = None


class IdempotentRequest(Struct, frozen=True, kw_only=True):
    """A request that named itself with a key. `fingerprint` is the SHA-256 of what it asks."""

    user_uuid: UUID
    key: str
    fingerprint: str

    @property
    def stream(self) -> UUID:
        """Return the id of the stream that holds what came of it. A key is the user's own."""
        return uuid5(NAMESPACE, f"request:{self.user_uuid.hex}:{self.key}")

    def decided(
        self, outcomes: Sequence[Outcome], form: str, now: datetime, provenance: Provenance
    ) -> RequestDecided:
        """Return the fact of what came of its reports."""
        return RequestDecided(
            originator_id=self.stream,
            originator_version=1,
            recorded_at=now,
            **structs.asdict(provenance),
            user_uuid=self.user_uuid,
            fingerprint=self.fingerprint,
            form=form,
            outcomes=tuple(map(recorded, outcomes)),
        )

    def check_same(self, earlier: Remembered | CorrectionProposed) -> None:
        """Raise KeyReused if the key was used for another request."""
        if earlier.fingerprint != self.fingerprint:
            raise errors.KeyReused


def is_kept(fact: RequestDecided, *, reports_somewhere: bool) -> bool:
    """Return whether what came of a request is kept for the next one with its key.

    Of what was stored always. A refusal is a fact for ever, too: it is kept for those only who may report
    somewhere, up to a size. Nothing was stored otherwise, and the key may be decided anew.
    """
    is_refusal = any(each.refusal for each in fact.outcomes)
    is_stored = any(each.position is not None for each in fact.outcomes)
    if is_stored or not is_refusal:
        return True
    return reports_somewhere and len(msgspec.json.encode(fact.outcomes)) <= LONGEST_REFUSAL


def recorded(outcome: Outcome) -> RecordedOutcome:
    """Return an outcome as facts keep it."""
    refusal = recorded_refusal(outcome.refusal) if outcome.refusal else None
    return RecordedOutcome(outcome.result, outcome.uuid, outcome.position, refusal)


def outcomes_of(fact: RequestDecided) -> list[Outcome]:
    """Return the outcomes that a fact keeps, without the facts that they led to."""
    return [
        Outcome(
            result=each.result,
            uuid=each.uuid,
            position=each.position,
            refusal=refusal_of(each.refusal) if each.refusal else None,
        )
        for each in fact.outcomes
    ]


OF_ITEMS = (errors.ItemsRefused, errors.CorrectionRefused, errors.FiguresMoved)


def recorded_refusal(refusal: errors.LedgerError) -> RecordedRefusal:
    """Return a refusal as facts keep it: every one of them hands what it is made with to Exception."""
    name = type(refusal).__name__
    if isinstance(refusal, OF_ITEMS):
        items = tuple(recorded_refusal(each) if each else None for each in refusal.refusals)
        return RecordedRefusal(name, items=items)
    return RecordedRefusal(name, refusal.args)


def refusal_of(kept: RecordedRefusal) -> Any:
    """Return the refusal that a fact keeps."""
    kind = getattr(errors, kept.name)
    if kind in OF_ITEMS:
        return kind([refusal_of(each) if each else None for each in kept.items])
    if not kept.values:
        return kind()
    types = [hint for name, hint in get_type_hints(kind.__init__).items() if name != "return"]
    return kind(*msgspec.convert(kept.values, tuple[tuple(types)]))  # type: ignore[misc]
