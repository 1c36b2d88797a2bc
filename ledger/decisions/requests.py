"""Decides about the reports of one request, one after the other: each sees what those before it led to."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from msgspec import Struct

from ledger import errors
from ledger.decisions.expecting import check_expected
from ledger.decisions.state import DecisionState
from ledger.decisions.usage import ReportDecision, report_usage
from ledger.decisions.user_usage import report_user_usages
from ledger.domain.access import Caller
from ledger.domain.catalogue import NAMESPACE
from ledger.domain.reports import ReadableReport, UsageReport, UserUsageReport
from ledger.events import Fact, RequestAnswered

AnyReport = ReadableReport | errors.InvalidItem
"""One that could not be read stands in its place among the others, and is refused."""

LONGEST_REFUSAL = 64 * 1024
"""How many bytes of a refusal are remembered: nothing that is in the journal can be taken out of it."""

Result = Literal["created", "changed", "unchanged", "refused"]


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a report: its facts, or why it was refused. `uuid` is of the figure that it states.

    `position` is that of its last fact, None if none was stored.
    """

    result: Result
    uuid: UUID | None = None
    facts: tuple[Fact, ...] = ()
    refusal: errors.LedgerError | None = None
    position: int | None = None


class Answer(NamedTuple):
    """What a request is told: an HTTP status and a body. `is_replayed`: it was told so before."""

    status: int
    body: str
    is_replayed: bool = False


class Request(Struct, frozen=True, kw_only=True):
    """A request that named itself with an idempotency key. `fingerprint` is the SHA-256 of what it asks."""

    user_uuid: UUID
    key: str
    fingerprint: str

    @property
    def stream(self) -> UUID:
        """Id of the stream that holds the answer. A key is the user's own."""
        return uuid5(NAMESPACE, f"request:{self.user_uuid.hex}:{self.key}")

    def answered(self, answer: Answer, now: datetime) -> RequestAnswered:
        return RequestAnswered(
            originator_id=self.stream,
            originator_version=1,
            recorded_at=now,
            user_uuid=self.user_uuid,
            fingerprint=self.fingerprint,
            status=answer.status,
            body=answer.body,
        )

    def replayed(self, fact: RequestAnswered) -> Answer:
        """What was answered before. Raises KeyReused."""
        if fact.fingerprint != self.fingerprint:
            raise errors.KeyReused
        return Answer(fact.status, fact.body, is_replayed=True)


def never() -> bool:
    return False


class Submission(Struct, frozen=True, kw_only=True):
    """The reports of one request, who sends them, and when.

    `is_atomic`: all are stored or none. `is_dry_run`: none is stored, whatever the outcome. `answer` makes
    the answer of the outcomes, which are aligned with the reports. `is_overdue` says whether the request has
    waited too long to be stored.
    """

    reports: Sequence[AnyReport]
    caller: Caller
    now: datetime
    answer: Callable[[Sequence[Outcome]], Answer]
    is_atomic: bool = True
    is_dry_run: bool = False
    request: Request | None = None
    is_overdue: Callable[[], bool] = never

    @property
    def size(self) -> int:
        """Return about how many figures it states."""
        lists = (each.items for each in self.reports if not isinstance(each, errors.InvalidItem))
        return sum(map(len, lists), start=1)

    def remembers(self, answer: Answer) -> bool:
        """Return whether the answer is kept for a request with the same key.

        Of what was stored always. A refusal is a fact for ever, too: it is kept for those only who may
        report somewhere, up to a size. Nothing was stored otherwise, and the key may be decided anew.
        """
        if self.request is None or answer.status < 400:
            return self.request is not None
        return self.caller.reports_somewhere and len(answer.body.encode()) <= LONGEST_REFUSAL


def decide(submission: Submission, known: DecisionState, zone: tzinfo) -> list[Outcome]:
    """The outcome of every report. `known` goes on to what is known after the facts that are to be stored."""
    trial = known.fork()
    outcomes = [_outcome(report, submission, trial, zone) for report in submission.reports]
    refused = any(outcome.refusal for outcome in outcomes)
    if submission.is_dry_run or (submission.is_atomic and refused):
        return [_without_facts(outcome) for outcome in outcomes]
    known.merge(trial)
    return outcomes


def _outcome(report: AnyReport, submission: Submission, known: DecisionState, zone: tzinfo) -> Outcome:
    try:
        decided = _decided(report, submission, known, zone)
        assert not isinstance(report, errors.InvalidItem), "it is raised"
        check_expected(report, known, submission.now, zone)
    except errors.LedgerError as refusal:
        refusal.__context__ = refusal.__cause__ = None  # nobody looks where it was raised, and it takes room
        return Outcome(result="refused", refusal=refusal.with_traceback(None))
    for fact in decided.facts:
        known.evolve(fact)
    result: Result = "unchanged"
    if decided.facts:
        result = "created" if decided.is_new else "changed"
    return Outcome(result=result, uuid=decided.uuid, facts=tuple(decided.facts))


def _decided(report: AnyReport, submission: Submission, known: DecisionState, zone: tzinfo) -> ReportDecision:
    caller, now = submission.caller, submission.now
    if isinstance(report, UsageReport):
        return report_usage(report, known.context_of(report.resource_uuid), caller, now, zone)
    if isinstance(report, UserUsageReport):
        context = known.context_of(report.resource_uuid, report.component_uuid)
        return report_user_usages(report, context, known.people, caller, now, zone)
    raise report


def _without_facts(outcome: Outcome) -> Outcome:
    return Outcome(result=outcome.result, uuid=outcome.uuid, refusal=outcome.refusal)
