"""Decides about the reports of requests, one after the other: each sees what those before it led to."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct, structs

from ledger import errors
from ledger.decisions.expecting import check_expected
from ledger.decisions.idempotency import IdempotentRequest, Outcome, Remembered, Result, is_kept
from ledger.decisions.state import DecisionState
from ledger.decisions.usage import ReportDecision, report_usage
from ledger.decisions.user_usage import report_user_usages
from ledger.domain.access import Caller
from ledger.domain.metering import VersionedResources
from ledger.domain.people import Person
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.domain.reports import ReadableReport, UsageReport, UserUsageReport
from ledger.events import Fact, Report, RequestDecided, UserUsageReported

AnyReport = ReadableReport | errors.InvalidItem
"""One that could not be read stands in its place among the others, and is refused."""

R = TypeVar("R")


def nothing_more(result: R, _positions: Sequence[int]) -> tuple[R, Sequence[Fact]]:
    return result, ()


class Decision(NamedTuple, Generic[R]):
    """The facts that a command leads to, and the people whom they name and the ledger does not know yet.

    `conclude` makes of the result, and the positions of the facts, the result that names them, and facts that
    do. They are appended in the same transaction.
    """

    result: R
    facts: Sequence[Fact] = ()
    people: Collection[Person] = ()
    conclude: Callable[[R, Sequence[int]], tuple[R, Sequence[Fact]]] = nothing_more


def never() -> bool:
    return False


def nothing() -> None:
    """Do nothing."""


class ReportCommand(Struct, frozen=True, kw_only=True):
    """The reports of one request, who sends them, and when.

    `is_atomic`: all are stored or none. `is_dry_run`: none is stored, whatever the outcome. `form` names how
    the answer is worded, for whoever asks again with the same key. `is_overdue` says whether the request has
    waited too long to be stored. The caller is who they are as of the description at `described`: where there
    is another one since, `check_caller` is called, which raises if they are no longer. `looked_up` are the
    resources that it names: they are not looked up again unless the catalogue has changed since. `provenance`
    is what its facts say of the request. `reason` is that of the reports that have none of their own, and
    `correction_uuid` the correction whose items they are.
    """

    reports: Sequence[AnyReport]
    caller: Caller
    now: datetime
    form: str
    is_atomic: bool = True
    is_dry_run: bool = False
    request: IdempotentRequest | None = None
    is_overdue: Callable[[], bool] = never
    described: int | None = None
    check_caller: Callable[[], None] = nothing
    looked_up: VersionedResources | None = None
    provenance: Provenance = NOBODY_KNOWN
    reason: str = ""
    correction_uuid: UUID | None = None

    @property
    def may_append_nothing(self) -> bool:
        """Return whether it is worth a look of its own: it may be that nothing follows from it.

        An undated report is of now, which is a change. What came of a request with a key is itself a fact.
        """
        return not self.request and (self.is_dry_run or all(map(_may_change_nothing, self.reports)))

    @property
    def size(self) -> int:
        """Return about how many figures it states."""
        lists = (each.items for each in self.reports if not isinstance(each, errors.InvalidItem))
        return sum(map(len, lists), start=1)


def _may_change_nothing(report: AnyReport) -> bool:
    """Return whether the rows alone say what a report changes, and it may be nothing."""
    if isinstance(report, UsageReport) and report.measured is None:
        return False
    return isinstance(report, errors.InvalidItem) or report.expected is None


Reported = Sequence[Outcome] | Remembered
"""What came of a command's reports, aligned with them, or of the request that had its key before."""

Results = list[Reported | Exception]
"""What came of each command of several, or why it could not be decided."""


def decide_all(commands: Sequence[ReportCommand], state: DecisionState, zone: tzinfo) -> Decision[Results]:
    """Return what follows from commands. `state` goes on to what is known once their facts are stored."""
    results = [_result(command, state, zone) for command in commands]
    facts = [fact for result in results for fact in facts_of(result)]
    named = {fact.person for fact in facts if isinstance(fact, UserUsageReported)}
    people = [person for person in state.new_people.values() if person.uuid in named]

    def conclude(results: Results, positions: Sequence[int]) -> tuple[Results, Sequence[Fact]]:
        pairs = zip(commands, results, strict=True)
        if any(facts_of(result) and command.is_overdue() for command, result in pairs):
            raise errors.Overdue  # they waited for the lock: all is decided anew, and they are refused
        at = iter(positions)
        results = [_placed(result, at) for result in results]
        return results, list(_decided_requests(commands, results))

    return Decision(results, facts, people, conclude)


def _result(command: ReportCommand, state: DecisionState, zone: tzinfo) -> Reported | Exception:
    """Decide a command. One that can't be decided, through a fault of ours, does not harm the others."""
    try:
        if command.request and (earlier := state.remembered.get(command.request.stream)):
            command.request.check_same(earlier)
            return earlier
        if command.is_overdue():
            raise errors.Overdue
        return decide(command, state, zone)
    except Exception as error:
        return error


def facts_of(result: Reported | Exception) -> list[Fact]:
    """Return the facts that a command leads to."""
    if isinstance(result, Remembered | Exception):
        return []
    return [fact for outcome in result for fact in outcome.facts]


def _placed(result: Reported | Exception, positions: Iterator[int]) -> Reported | Exception:
    if isinstance(result, Remembered | Exception):
        return result
    return [
        structs.replace(each, position=[next(positions) for _ in each.facts][-1]) if each.facts else each
        for each in result
    ]


def _decided_requests(commands: Sequence[ReportCommand], results: Results) -> Iterator[RequestDecided]:
    for command, result in zip(commands, results, strict=True):
        if command.request and not isinstance(result, Remembered | Exception):
            fact = command.request.decided(result, command.form, command.now, command.provenance)
            if is_kept(fact, reports_somewhere=command.caller.reports_somewhere):
                yield fact


def decide(command: ReportCommand, state: DecisionState, zone: tzinfo) -> list[Outcome]:
    """Return the outcome of every report. `state` goes on to what is known once their facts are stored.

    Raises what the command's `check_caller` raises.
    """
    if command.described not in (None, state.described):
        command.check_caller()
    branch = state.fork()
    outcomes = [_outcome(report, command, branch, zone) for report in command.reports]
    refused = any(outcome.refusal for outcome in outcomes)
    if command.is_dry_run or (command.is_atomic and refused):
        return [_without_facts(outcome) for outcome in outcomes]
    state.merge(branch)
    return outcomes


def _outcome(report: AnyReport, command: ReportCommand, state: DecisionState, zone: tzinfo) -> Outcome:
    try:
        decided = _decided(report, command, state, zone)
        assert not isinstance(report, errors.InvalidItem), "it is raised"
        if report.expected is not None:
            check_expected(report, report.expected, state, command.now, zone)
    except errors.LedgerError as refusal:
        refusal.__context__ = refusal.__cause__ = None  # nobody looks where it was raised, and it takes room
        return Outcome(result="refused", refusal=refusal.with_traceback(None))
    # Here for all of them, so that no decision leaves it out.
    sent = structs.asdict(command.provenance)
    said = {
        "reason": command.reason if report.reason is None else report.reason,
        "correction_uuid": command.correction_uuid,
    }
    facts = tuple(
        [
            structs.replace(fact, **sent, **(said if isinstance(fact, Report) else {}))
            for fact in decided.facts
        ]
    )
    for fact in facts:
        state.evolve(fact)
    result: Result = "unchanged"
    if facts:
        result = "created" if decided.is_new else "changed"
    return Outcome(result=result, uuid=decided.uuid, facts=facts)


def _decided(report: AnyReport, command: ReportCommand, state: DecisionState, zone: tzinfo) -> ReportDecision:
    about = command.caller, command.now, zone
    is_correction = command.correction_uuid is not None
    if isinstance(report, UsageReport):
        context = state.context_of(report.resource_uuid)
        return report_usage(report, context, *about, is_correction=is_correction)
    if isinstance(report, UserUsageReport):
        context = state.context_of(report.resource_uuid, report.component_uuid)
        return report_user_usages(report, context, state.people, *about, is_correction=is_correction)
    raise report


def _without_facts(outcome: Outcome) -> Outcome:
    return Outcome(result=outcome.result, uuid=outcome.uuid, refusal=outcome.refusal)
