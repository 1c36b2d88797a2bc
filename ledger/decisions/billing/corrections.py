"""Decides about corrections: their steps, which of them may follow, and who may take them.

A correction is applied as the reports that its items are, by whoever applies it, at one moment and as a
whole. It may change months that are closed, and figures of resources that have ended, as that is what it is
for.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct, structs

from ledger import errors
from ledger.decisions.billing.figures import Figure, check_figures, item_of
from ledger.decisions.requests import ReportCommand
from ledger.decisions.state import DecisionState
from ledger.domain.access import READ_FACTS, Caller
from ledger.domain.billing.corrections import NEXT, CorrectedFigure, State, Step, sums_of
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import (
    CorrectionApplied,
    CorrectionApproved,
    CorrectionProposed,
    CorrectionRejected,
    CorrectionReverted,
    CorrectionStep,
    Fact,
    Source,
)

STATES: dict[type[Fact], State] = {
    CorrectionProposed: "proposed",
    CorrectionApproved: "approved",
    CorrectionRejected: "rejected",
    CorrectionApplied: "applied",
    CorrectionReverted: "reverted",
}
"""What a correction is after each kind of step."""

DONE: dict[Step, str] = {
    "approve": "approved",
    "reject": "rejected",
    "apply": "applied",
    "revert": "reverted",
}


LONGEST_TITLE = 500


class Correction(Struct, frozen=True, kw_only=True):
    """A correction as its facts make it: its steps, with their positions, in order."""

    steps: tuple[tuple[int, CorrectionStep], ...]

    @property
    def uuid(self) -> UUID:
        return self.proposal.correction_uuid

    @property
    def proposal(self) -> CorrectionProposed:
        """Return the first step."""
        _, first = self.steps[0]
        assert isinstance(first, CorrectionProposed), "nothing comes before it"
        return first

    @property
    def version(self) -> int:
        """Return the version of its stream."""
        return self.steps[-1][1].originator_version

    @property
    def state(self) -> State:
        return STATES[type(self.steps[-1][1])]

    @property
    def is_open(self) -> bool:
        """Return whether it may still be applied."""
        return self.state in ("proposed", "approved")

    @property
    def figures(self) -> tuple[CorrectedFigure, ...]:
        """Return what it changed, aligned with its items; nothing before it was applied."""
        return next((each.figures for _, each in self.steps if isinstance(each, CorrectionApplied)), ())

    @property
    def approved_as_of(self) -> int | None:
        """Return the position as of which somebody stood behind it, None where nobody did.

        That is the one at which they had seen its figures, or that of their approval if they named none.
        """
        for position, fact in self.steps:
            if isinstance(fact, CorrectionApproved):
                return position if fact.seen_at is None else fact.seen_at
        return None

    @property
    def offerings(self) -> set[UUID]:
        """Return the offerings whose figures it changes."""
        return {item.ownership.offering_uuid for item in self.proposal.items}

    def is_within(self, caller: Caller) -> bool:
        """Return whether the caller may report all that it changes."""
        provider = self.proposal.provider_uuid
        return all(caller.may_report(offering, provider) for offering in self.offerings)

    def is_seen_by(self, caller: Caller) -> bool:
        """Return whether the caller sees it: who may report all of it, and who audits its provider."""
        audits = self.proposal.provider_uuid in caller.providers_with(READ_FACTS)
        return caller.sees_all or audits or self.is_within(caller)

    def check(self, step: Step) -> None:
        """Raise WrongStep if this step can't follow now."""
        if step not in NEXT[self.state]:
            possible = " or ".join(DONE[each] for each in NEXT[self.state])
            can = f"it can be {possible}" if possible else "nothing can follow"
            raise errors.WrongStep(f"This correction is {self.state}: {can}.")


class StepTaken(NamedTuple):
    """Who takes a step, when, and what its fact says of the request."""

    done_by: UUID | None
    now: datetime
    source: Source = "api"
    provenance: Provenance = NOBODY_KNOWN

    def said(self, correction_uuid: UUID, provider_uuid: UUID, version: int) -> dict[str, Any]:
        """Return what the fact of every step has."""
        return {
            "originator_id": correction_uuid,
            "originator_version": version,
            "recorded_at": self.now,
            "correction_uuid": correction_uuid,
            "provider_uuid": provider_uuid,
            "done_by": self.done_by,
            "source": self.source,
            **structs.asdict(self.provenance),
        }

    def next(self, correction: Correction) -> dict[str, Any]:
        """Return what the fact of a correction's next step has."""
        return self.said(correction.uuid, correction.proposal.provider_uuid, correction.version + 1)


class Words(Struct, frozen=True, kw_only=True):
    """The words of a proposal: a title, the reason, and the ticket that it is about."""

    title: str
    reason: str
    ticket: str = ""


def said_of(correction: Correction, words: Words) -> Words:
    """Return what the proposal to revert a correction says of itself: it has a title in any case."""
    title = words.title or f"Revert: {correction.proposal.title}"
    return structs.replace(words, title=title[:LONGEST_TITLE])


def propose(
    uuid: UUID,
    words: Words,
    command: ReportCommand,
    figures: Sequence[Figure],
    state: DecisionState,
    zone: tzinfo,
    taken: StepTaken,
    reverts: UUID | None = None,
) -> CorrectionProposed:
    """Return the proposal of reports, whose figures are known. Raises CorrectionRefused, NotPermitted."""
    check_figures(figures)
    items = [
        item_of(report, figure, command.now, state, zone)
        for report, figure in zip(command.reports, figures, strict=True)
        if not isinstance(report, errors.InvalidItem)
    ]
    provider = state.resources[items[0].ownership.resource_uuid].provider_uuid
    return CorrectionProposed(
        **taken.said(uuid, provider, 1),
        **structs.asdict(words),
        items=tuple(items),
        sums=sums_of((item, item.amount_seen, item.amount_after) for item in items),
        reverts=reverts,
        fingerprint=command.request.fingerprint if command.request else "",
    )


def approve(
    correction: Correction, taken: StepTaken, *, needs_second: bool, seen_at: int | None = None
) -> CorrectionApproved:
    """Return the approval by somebody who had seen its figures at a position, if they say so.

    Raises WrongStep, and SecondPersonNeeded for whoever proposed it.
    """
    correction.check("approve")
    is_by_proposer = taken.done_by == correction.proposal.done_by
    if is_by_proposer and needs_second:
        raise errors.SecondPersonNeeded
    return CorrectionApproved(**taken.next(correction), is_by_proposer=is_by_proposer, seen_at=seen_at)


def reject(correction: Correction, taken: StepTaken, *, reason: str) -> CorrectionRejected:
    """Return the rejection. Raises WrongStep."""
    correction.check("reject")
    return CorrectionRejected(**taken.next(correction), reason=reason)


def apply(
    correction: Correction,
    reverted: Correction | None,
    figures: Sequence[Figure],
    positions: Sequence[int],
    taken: StepTaken,
) -> list[CorrectionStep]:
    """Return the last facts of a correction that is applied. `positions` are those of its figures' facts.

    `reverted` is the correction that it puts back. Raises WrongStep where that was put back already.
    """
    at = iter(positions)
    corrected = []
    for figure in figures:
        assert figure.uuid is not None, "it is not refused"
        assert figure.after is not None, "it is not refused"
        position = [next(at) for _ in figure.facts][-1]
        corrected.append(
            CorrectedFigure(uuid=figure.uuid, before=figure.before, after=figure.after, position=position)
        )
    of_items = zip(correction.proposal.items, corrected, strict=True)
    sums = sums_of((item, figure.before, figure.after) for item, figure in of_items)
    steps: list[CorrectionStep] = [
        CorrectionApplied(**taken.next(correction), figures=tuple(corrected), sums=sums)
    ]
    if reverted:
        reverted.check("revert")
        steps.append(CorrectionReverted(**taken.next(reverted), reverted_with=correction.uuid))
    return steps
