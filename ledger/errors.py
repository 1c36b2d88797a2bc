"""What the ledger refuses, by name. `web/wire/errors.py` gives each refusal its words and its HTTP status.

Facts keep refusals of reports by these names, so that none is ever renamed.
"""

from datetime import date
from decimal import Decimal
from typing import Any


class LedgerError(Exception):
    """Base class of everything that the ledger says no with."""


class Refusal(LedgerError):
    """A report, or a limit, broke a rule; nothing of it was appended."""


class ResourceHasNoPlan(Refusal):
    """Usage can be reported only for a resource with a plan."""


class ResourceNotInValidState(Refusal):
    """Usage can be reported only while a resource is OK, Updating or Terminating."""


class ComponentsNotReportable(Refusal):
    """Some component types do not exist here, or are billed in a way that takes no reports."""

    def __init__(self, component_types: list[str]) -> None:
        super().__init__(component_types)
        self.component_types = component_types


class MeasuredInFuture(Refusal):
    """The date of a report lies further ahead of now than clocks differ."""


class MayNotBackfill(Refusal):
    """Only staff and the provider may say when a usage was measured."""


class MonthIsClosed(Refusal):
    """A provider may report into a past month only for limit-based and one-time components."""


class OnlyCorrections(Refusal):
    """Somebody vouched for the offering's month: only a correction changes it."""

    def __init__(self, month: date) -> None:
        super().__init__(month)
        self.month = month


class AmountMissing(Refusal):
    """A user usage that exists already is replaced only by a stated amount."""


class UserLimitExceeded(Refusal):
    """One user's usage would exceed what was set as their limit. All three in the component's unit."""

    def __init__(self, limit: Decimal, current: Decimal, additional: Decimal) -> None:
        super().__init__(limit, current, additional)
        self.limit, self.current, self.additional = limit, current, additional


class LimitExists(Refusal):
    """There is a limit for this resource, component and offering user already."""


class NotInProject(Refusal):
    """The person behind an offering user has no active role on the resource's project itself."""


class ComponentOfOtherOffering(Refusal):
    """A component is not one of the resource's offering."""


class FigureTooLarge(Refusal):
    """What would stand for a month is larger than anything that may be reported."""


class FigureChanged(Refusal):
    """The figure does not stand as it did at the position that the report builds on."""

    def __init__(self, expected: int) -> None:
        super().__init__(expected)
        self.expected = expected


class FigureMoved(FigureChanged):
    """A figure of a correction is `now` another one than `then`, at the position at which somebody saw it.

    `then` is None where there was none.
    """

    def __init__(self, expected: int, then: Decimal | None, now: Decimal) -> None:
        super().__init__(expected)
        self.args, self.then, self.now = (expected, then, now), then, now


class InvalidItem(Refusal):
    """An item of a bulk report is not what it should be. `problems` are in the words of who read it."""

    def __init__(self, problems: dict[str, Any]) -> None:
        super().__init__(problems)
        self.problems = problems


class ItemsRefused(Refusal):
    """Some items of a bulk report break a rule. `refusals` is aligned with the items, None for a good one."""

    def __init__(self, refusals: list[Refusal | None]) -> None:
        super().__init__(refusals)
        self.refusals = refusals


class OfOtherProvider(Refusal):
    """A correction is of the figures of one provider, and this one is of another."""


class SameFigure(Refusal):
    """A correction says twice what a figure is to be. `place` is that of the first item, from 0."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class SecondPersonNeeded(LedgerError):
    """Who proposed a correction does not approve it."""


class NotPermitted(LedgerError):
    """The caller holds no role that permits this here."""


class NotFound(LedgerError):
    """What the caller names does not exist, or is not theirs to see."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class WrongStep(LedgerError):
    """A step can't follow what was done before; the message says which can."""


class CorrectionRefused(LedgerError):
    """Some items of a correction can't be applied. `refusals` is aligned with them, None for a good one."""

    def __init__(self, refusals: list[LedgerError | None]) -> None:
        super().__init__(refusals)
        self.refusals = refusals


class FiguresMoved(CorrectionRefused):
    """Figures of a correction moved since somebody saw them: its refusals are a FigureMoved for each."""


class Contended(LedgerError):
    """Other writers were faster at every attempt. Nothing was appended; the same report may be sent again."""


class Busy(LedgerError):
    """So much is being worked on that this would be too much. Nothing of it was begun."""


class Overdue(LedgerError):
    """The submission has waited for so long that newer ones may have been stored. Nothing was appended."""


class KeyReused(LedgerError):
    """An idempotency key came with another request than the one that it was first used for."""


class UnderWay(LedgerError):
    """The request with this idempotency key is still being worked on. The same may be sent again later."""


class StreamGap(LedgerError):
    """A fact's stream lacks the one before it: it was decided on what is not in the journal. Nothing was
    appended."""


class JournalIncomplete(LedgerError):
    """The database lacks a part of the journal that can't be made anew. The message says which."""


class UnreadableFact(LedgerError):
    """A fact can't be read: this version does not know its kind, or it does not say what that kind says.

    `why` tells which. `position` is where it is, None where nobody told.
    """

    def __init__(self, topic: str, why: str, position: int | None = None) -> None:
        super().__init__(topic, why, position)
        self.topic, self.why, self.position = topic, why, position

    def __str__(self) -> str:
        at = "" if self.position is None else f" at position {self.position}"
        return (
            f"The fact{at}, of the kind {self.topic[:100]}, can't be read: {self.why}. Either a newer version"
            " wrote it, and is to be installed here, or the journal was changed: `usage-ledger verify` tells"
            " of all that can't be read."
        )


class NoSigningKey(LedgerError):
    """There is no key to sign checkpoints with."""


class SigningRefused(LedgerError):
    """Nothing is signed. The message says why, and anybody may read it."""


class TreeDamaged(LedgerError):
    """The journal and its tree are not of one piece: one lacks what the other has."""
