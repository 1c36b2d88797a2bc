"""Corrections, as requests propose them, take their steps, and read them.

A step is decided on the correction's facts, read in the transaction that appends the next one: whoever was
faster with another step is seen, or the stream's version is taken and all is read again.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4, uuid5

from msgspec import structs

from ledger.decisions.billing import corrections as deciding
from ledger.decisions.billing.corrections import Correction, StepTaken, Words, said_of
from ledger.decisions.billing.figures import (
    Figure,
    check_figures,
    figures_of,
    putting_back,
    reports_of,
)
from ledger.decisions.billing.seen import Amounts, standing_of
from ledger.decisions.requests import AnyReport, Decision, ReportCommand
from ledger.decisions.state import DecisionState
from ledger.domain.access import READ_FACTS, SET_USAGE, Caller
from ledger.domain.billing.corrections import CorrectionItem
from ledger.domain.catalogue import NAMESPACE
from ledger.domain.metering import VersionedResources
from ledger.errors import CorrectionRefused, NotFound, NotPermitted, WrongStep
from ledger.events import CorrectionProposed, CorrectionStep, Fact
from ledger.journal.transaction import JournalTransaction
from projections.queries.billing import corrections as stored
from web.request.authentication import caller, check_caller, identify_again, provenance
from web.request.billing.seen import Seen
from web.request.services import current, services
from web.wire.body import Found

KIND = "Correction"

NOTHING_STANDS = (
    "There is nothing to put back: what this correction changed, if anything, was stated again since, or is"
    " of somebody who was forgotten."
)

NEEDS_SECOND = "LEDGER_FOUR_EYES"
"""Key in an app's config: whether a second person has to approve."""

Take = Callable[[Correction, StepTaken], CorrectionStep]


EVERYBODYS: dict[str, Any] = {"sees_all": True, "seen_providers": [], "seen_offerings": []}
"""For whoever may know of every correction."""


def seen() -> dict[str, Any]:
    """Return the parameters that say of which corrections the caller may know."""
    who = caller()
    providers = {*who.providers_with(SET_USAGE), *who.providers_with(READ_FACTS)} - {None}
    return {
        "sees_all": who.sees_all,
        "seen_providers": list(providers),
        "seen_offerings": who.scopes("offering", SET_USAGE),
    }


def correction_in(transaction: JournalTransaction, uuid: UUID) -> Correction | None:
    """Return a correction, up to date, whoever may know of it."""
    steps = [
        (position, fact)
        for position, fact in transaction.facts_since(0, [uuid])
        if isinstance(fact, CorrectionStep)
    ]
    return Correction(steps=tuple(steps)) if steps else None


def own_correction(transaction: JournalTransaction, uuid: UUID) -> Correction:
    """Return a correction that the caller may take steps of. Raises NotFound, NotPermitted."""
    identify_again(services().projector.shared_position.known().described)
    found = correction_in(transaction, uuid)
    if found is None or not found.is_seen_by(caller()):
        raise NotFound(KIND)
    if not found.is_within(caller()):
        raise NotPermitted
    return found


def propose(words: Words, reports: Sequence[AnyReport], found: Found) -> tuple[UUID, bool]:
    """Append the proposal of reports, whose objects were `found`. Returns its uuid, and whether it is new.

    The same request with the same idempotency key finds what it proposed before. Raises CorrectionRefused,
    NotPermitted, KeyReused, Contended and Busy.
    """
    asked, taken = current().idempotent, _taken()
    uuid = uuid5(NAMESPACE, f"correction:{asked.stream.hex}") if asked else uuid4()
    looked_up = VersionedResources(found.version, found.resources)
    command = _command(uuid, words.reason, reports, looked_up)

    def decide(transaction: JournalTransaction) -> Decision[bool]:
        identify_again(services().projector.shared_position.known().described)
        for _, earlier in transaction.facts_since(0, [uuid]) if asked else ():
            if asked and isinstance(earlier, CorrectionProposed):
                asked.check_same(earlier)
                return Decision(False)
        state = services().handler.state_of([command], transaction)
        return _proposal(uuid, words, command, state, taken, reverts=None)

    return uuid, services().handler.execute(decide)


def revert(uuid: UUID, words: Words) -> UUID:
    """Append a proposal that puts back what a correction changed, where it still stands. Returns its uuid.

    Raises NotFound, NotPermitted, WrongStep, CorrectionRefused, Contended and Busy.
    """
    taken = _taken()

    def decide(transaction: JournalTransaction) -> Decision[UUID]:
        correction = own_correction(transaction, uuid)
        correction.check("revert")
        if under_way := stored.revert_of(transaction.cursor, uuid):
            raise WrongStep(f"It is to be reverted by {under_way.hex}: that can be approved, or rejected.")
        # The same id for all who ask at once: of two proposals the second one finds its place taken.
        new = uuid5(NAMESPACE, f"revert:{uuid.hex}:{stored.count_reverts(transaction.cursor, uuid)}")
        standing = _standing_items(transaction, correction)
        if not standing:
            raise WrongStep(NOTHING_STANDS)
        command = _command_of(new, words.reason, [*standing.values()], transaction)
        state = services().handler.state_of([command], transaction)
        items = putting_back([*standing.values()], state)
        command = _command_of(new, words.reason, items, transaction)
        try:
            proposal = _proposal(new, said_of(correction, words), command, state, taken, reverts=uuid)
        except CorrectionRefused as refused:  # whoever asked knows the places of the correction alone
            of_places = dict(zip(standing, refused.refusals, strict=True))
            places = range(len(correction.proposal.items))
            raise CorrectionRefused([of_places.get(place) for place in places]) from None
        return Decision(new, proposal.facts, proposal.people)

    return services().handler.execute(decide)


def take_step(uuid: UUID, take: Take, seen: Seen | None = None) -> None:
    """Append the fact that `take` makes of a correction, whose figures are as they were `seen`.

    Raises what it raises, NotFound, NotPermitted, FiguresMoved, Contended and Busy.
    """
    taken = _taken()

    def decide(transaction: JournalTransaction) -> Decision[None]:
        correction = own_correction(transaction, uuid)
        fact = take(correction, taken)
        if seen:
            proposal = correction.proposal
            command = _command_of(uuid, proposal.reason, proposal.items, transaction)
            seen.check(proposal.items, services().handler.state_of([command], transaction))
        return Decision(None, [fact])

    services().handler.execute(decide)


def apply(uuid: UUID, seen: Seen | None = None) -> None:
    """Change all figures of a correction, or none of them: not if one is another than was `seen`.

    Raises NotFound, NotPermitted, WrongStep, CorrectionRefused, FiguresMoved, Contended and Busy.
    """
    taken = _taken()

    def decide(transaction: JournalTransaction) -> Decision[None]:
        correction = own_correction(transaction, uuid)
        correction.check("apply")
        reverts = correction.proposal.reverts
        reverted = correction_in(transaction, reverts) if reverts else None
        proposal = correction.proposal
        command = _command_of(uuid, proposal.reason, proposal.items, transaction)
        state = services().handler.state_of([command], transaction)
        before = state.fork()
        figures = figures_of(command, state, services().ledger.zone)
        check_figures(figures)
        if seen:
            seen.check(proposal.items, before)

        def conclude(_: None, positions: Sequence[int]) -> tuple[None, Sequence[Fact]]:
            return None, deciding.apply(correction, reverted, figures, positions, taken)

        return Decision(None, [fact for each in figures for fact in each.facts], conclude=conclude)

    services().handler.execute(decide)


def previewed(correction: Correction) -> list[tuple[Figure, Amounts]]:
    """Return what the items of a correction would come to now, whoever applied it, and what stands."""
    proposal = correction.proposal
    anybody = Caller(user_uuid=proposal.done_by or proposal.correction_uuid, is_staff=True, is_support=False)
    with services().ledger.transaction() as transaction:
        command = _command_of(correction.uuid, proposal.reason, proposal.items, transaction)
        command = structs.replace(command, caller=anybody, described=None)
        state = services().handler.state_of([command], transaction)
    standing = [standing_of(item, state) for item in proposal.items]
    return list(zip(figures_of(command, state, services().ledger.zone), standing, strict=True))


def _proposal(
    uuid: UUID,
    words: Words,
    command: ReportCommand,
    state: DecisionState,
    taken: StepTaken,
    reverts: UUID | None,
) -> Decision[bool]:
    zone = services().ledger.zone
    figures = figures_of(command, state, zone)
    fact = deciding.propose(uuid, words, command, figures, state, zone, taken, reverts)
    named = {item.person for item in fact.items if item.person}
    return Decision(True, [fact], [each for each in state.new_people.values() if each.uuid in named])


def _standing_items(transaction: JournalTransaction, correction: Correction) -> dict[int, CorrectionItem]:
    """Return the items, by their places, whose figures stand as a correction made them, as they were before.

    Whose figures were forgotten is left out.
    """
    people = transaction.usernames({each.person for each in correction.proposal.items if each.person})
    changed = {
        place: (item, figure)
        for place, (item, figure) in enumerate(
            zip(correction.proposal.items, correction.figures, strict=True)
        )
        if figure.before != figure.after and (item.person is None or item.person in people)
    }
    figures = [
        (figure.uuid, item.ownership.resource_uuid, figure.position) for item, figure in changed.values()
    ]
    standing = stored.standing(transaction.cursor, correction.uuid, figures)
    return {
        place: structs.replace(item, figure_uuid=figure.uuid, amount=figure.before or Decimal("0.00"))
        for place, (item, figure) in changed.items()
        if figure.uuid in standing
    }


def _command_of(
    uuid: UUID, reason: str, items: Sequence[CorrectionItem], transaction: JournalTransaction
) -> ReportCommand:
    """Return the command of items that facts have."""
    version, resources = services().resources({each.ownership.resource_uuid for each in items})
    usernames = transaction.usernames({each.person for each in items if each.person})
    reports = reports_of(items, resources, usernames)
    return _command(uuid, reason, reports, VersionedResources(version, resources))


def _command(
    uuid: UUID, reason: str, reports: Sequence[AnyReport], looked_up: VersionedResources
) -> ReportCommand:
    sender = current().credentials
    assert sender, "the pipeline has found out who asks"
    return ReportCommand(
        reports=reports,
        caller=caller(),
        described=current().identified.described,
        check_caller=partial(check_caller, sender, services()),
        now=services().clock(),
        form="",
        request=current().idempotent,
        looked_up=looked_up,
        provenance=provenance(),
        reason=reason,
        correction_uuid=uuid,
    )


def _taken() -> StepTaken:
    return StepTaken(caller().user_uuid, services().clock(), "api", provenance())
