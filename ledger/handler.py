"""The one way to append facts: read, decide, append, project, publish.

Under load, one caller works for all who wait: their reports are decided on one state, and appended and
projected in one transaction. When another process was faster, the database refuses the append, because the
version in a stream is taken, or because something was described that decisions rest on. Then all is read and
decided again, with the journal locked first, so that nobody is faster twice.

A report that may change nothing, which is what agents send most, is looked at before, in its own thread.
Where no fact follows that is the answer, without a lock, a turn in a queue or a write. Where facts follow,
all is read again in the group, as it may be old by then. Price: a dated report, or one of users, that
changes something is read twice: 0.4 ms of Python's time and 0.2 of PostgreSQL's, a sixth.

The writer projects, before it answers. So readers see their own writes, and there is no daemon that may lag.
Price: a report pays for its projection. Where a projection fails the reports are stored all the same, and the
answer is 201: the log and `/readyz` tell of the failure, every next request tries again, and nothing is
decided on read models that are behind (503).

A bulk has a queue of its own, and of all processes one bulk at a time waits for the journal's lock. So nobody
waits while a bulk is decided, and only while one is stored: an atomic one of 10,000 reports holds the lock
for one to two seconds. Price: a bulk is decided again where a report of one of its figures was faster.

Rows are written with the journal locked, as they name the positions of their facts. Side by side they would
be written first, get their positions with the lock, and so be written twice, while the sums that resources
share are waited for all the same. Two cores would gain little: a value takes 107 µs of Python and 137 of
PostgreSQL, so that 8,200 a second are all that is in them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, OperationalError
from msgspec import structs
from psycopg.errors import LockNotAvailable

from ledger.decisions.expecting import streams_of
from ledger.decisions.idempotency import IdempotentRequest, Outcome, Remembered
from ledger.decisions.requests import Decision, ReportCommand, Reported, decide, decide_all
from ledger.decisions.state import DecisionState
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.errors import Busy, Contended, InvalidItem, Overdue, UnderWay
from ledger.events import Fact, RequestAnswered, RequestDecided
from ledger.fast.group_commit import GroupCommit, Pending, TookTooLong, TooMany
from ledger.journal.ledger import Ledger
from ledger.journal.transaction import Appended, JournalTransaction
from ledger.ports import Observer, ReadModels

ATTEMPTS = 4  # optimistic; with the journal locked; without projecting; one in reserve

QUEUE_SECONDS = 10.0
"""How long a report waits for those before it, before it is refused as contended."""

BULK = 100
"""Of more figures than this a command is a bulk, for which there is a queue of its own."""

MOST_OF_BULKS = 2_000
"""How many figures the bulks of one batch state, unless it is one alone."""

ROOM, ROOM_OF_BULKS = 3, 1
"""How many wait while a batch stands still, be it for the database. With those who work that is fewer than a
server has threads, so that others are answered."""

S = TypeVar("S")
R = TypeVar("R")


class NotProjected(Exception):
    """The read models could not take the facts in. That is no reason to refuse them."""


class Mode(NamedTuple):
    """How a transaction is attempted."""

    is_bulk: bool
    is_locked: bool = False
    projects: bool = True


class CommandHandler:
    """Handles commands from many threads."""

    def __init__(
        self,
        ledger: Ledger,
        read_models: ReadModels[Any],
        queue_seconds: float = QUEUE_SECONDS,
        observer: Observer | None = None,
    ) -> None:
        self._ledger, self._read_models, self._observer = ledger, read_models, observer
        self.singles = GroupCommit(self._report_all, queue_seconds, room=ROOM)
        self.bulks = GroupCommit(
            partial(self._report_all, is_bulk=True),
            queue_seconds,
            size=lambda command: command.size,
            most=MOST_OF_BULKS,
            room=ROOM_OF_BULKS,
        )

    def report(self, command: ReportCommand) -> Reported:
        """Decide about the reports of a request, and append what they lead to.

        Returns the outcome of each, refusals among them; or what came of the request that had the command's
        key before. Raises KeyReused if that was another request, UnderWay or Contended if the command's turn
        does not come, Busy if too many wait already, and what the read models raise while they are not up to
        date.
        """
        if command.may_append_nothing and (outcomes := self._unchanged(command)) is not None:
            return outcomes
        try:
            return (self.bulks if command.size > BULK else self.singles).submit(command)
        except TooMany:
            raise Busy from None
        except TookTooLong:
            raise (UnderWay if command.request else Contended) from None

    def execute(self, decide: Callable[[JournalTransaction], Decision[R]], *, is_locked: bool = False) -> R:
        """Append what `decide` makes of the read models, which are up to date, all or nothing.

        Returns the decision's result. `decide` reads with the transaction's cursor, and is called again where
        another writer was faster. `is_locked`: nobody else appends meanwhile, so that what it reads of other
        streams still holds. Raises what it raises, Contended and Busy.
        """
        return self._appended(self._caught_up, decide, Mode(is_bulk=True, is_locked=is_locked))

    def recall(self, request: IdempotentRequest) -> Remembered | None:
        """Return what came of a request with this key, None if there was none. Raises KeyReused."""
        with self._ledger.transaction() as transaction:
            for earlier in _remembered(transaction, [request]).values():
                request.check_same(earlier)
                return earlier
        return None

    def _unchanged(self, command: ReportCommand) -> Sequence[Outcome] | None:
        """Return the outcomes of a command's reports if they append nothing, else None: all of one moment."""
        with self._ledger.transaction() as transaction:
            state = self.state_of([command], transaction)
        if command.is_overdue():
            raise Overdue
        outcomes = decide(command, state, self._ledger.zone)
        return None if any(outcome.facts for outcome in outcomes) else outcomes

    def _report_all(
        self, pending: Sequence[Pending[ReportCommand, Reported]], *, is_bulk: bool = False
    ) -> None:
        if self._observer:
            self._observer.grouped(len(pending))
        for batch in _with_one_of_each_key(pending):
            commands = [each.subject for each in batch]
            decide = partial(decide_all, commands, zone=self._ledger.zone)
            results = self._appended(partial(self.state_of, commands), decide, Mode(is_bulk))
            for each, result in zip(batch, results, strict=True):
                each.settle(result)

    def _appended(
        self,
        read: Callable[[JournalTransaction], S],
        decide: Callable[[S], Decision[R]],
        mode: Mode,
    ) -> R:
        """Attempt until it is appended, and return the decision's result. Raises Contended, Busy."""
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(read, decide, mode)
            except (IntegrityError, Overdue) as error:  # what waited for the lock is not to wait for it again
                self._note_retry(error)
                mode = mode._replace(is_locked=True)
            except NotProjected as error:
                self._note_retry(error)
                mode = mode._replace(projects=False)
            except OperationalError as error:
                if isinstance(error.__cause__, LockNotAvailable):
                    raise Busy from error
                raise
        raise Contended

    def _attempt(
        self,
        read: Callable[[JournalTransaction], S],
        decide: Callable[[S], Decision[R]],
        mode: Mode,
    ) -> R:
        with self._ledger.transaction(is_bulk=mode.is_bulk, is_locked=mode.is_locked) as transaction:
            state = read(transaction)
            decision = decide(state)
            began = perf_counter()
            result, appended = _append(transaction, decision)
            between = perf_counter()
            projected = self._project(transaction, appended) if mode.projects else None
        if self._observer and appended.facts:
            self._observer.appended(len(appended.facts), between - began, perf_counter() - between)
        self._publish(appended, projected)
        return result

    def _note_retry(self, error: Exception) -> None:
        if self._observer:
            self._observer.retried(error)

    def _caught_up(self, transaction: JournalTransaction) -> JournalTransaction:
        transaction.cursor.send()  # the lock, if this attempt takes it
        transaction.basis = self._read_models.catch_up()
        return transaction

    def state_of(self, commands: Sequence[ReportCommand], transaction: JournalTransaction) -> DecisionState:
        """Return what all of the commands are decided on, for `decide` of `execute`, too."""
        remembered = _remembered(transaction, [each.request for each in commands if each.request])
        reports = [
            (report, each.now)
            for each in commands
            if each.request is None or each.request.stream not in remembered
            for report in each.reports
            if not isinstance(report, InvalidItem)
        ]
        zone = self._ledger.zone
        looked_up = [each.looked_up for each in commands if each.looked_up]
        state = self._read_models.read(transaction.cursor, reports, zone, looked_up)
        transaction.basis = state.head
        usernames = {
            item.username
            for report, _ in reports
            if isinstance(report, UserUsageReport)
            for item in report.items
        }
        new = self._ledger.new_people(usernames - state.people.keys())
        people = {**state.people, **new}
        state = structs.replace(state, people=people, new_people=new, remembered=remembered)
        return _with_changes(state, reports, transaction, zone)

    def _project(self, transaction: JournalTransaction, appended: Appended) -> Any:
        """Have the read models take in what was appended, and commit: the statements are only sent then."""
        if not appended.facts:
            return None
        try:
            projected = self._read_models.project(transaction.cursor, appended.facts, appended.digest)
            transaction.commit()
            return projected
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            raise NotProjected from error

    def _publish(self, appended: Appended, projected: Any) -> None:
        if projected is not None:
            self._read_models.publish(projected)
        elif appended.facts:
            self._read_models.recover(appended.facts[-1][0])


def _append(transaction: JournalTransaction, decision: Decision[R]) -> tuple[R, Appended]:
    """Append the facts of a decision, then those that name the positions of these."""
    appended = transaction.append(decision.facts, decision.people)
    result, concluding = decision.conclude(decision.result, [position for position, _ in appended.facts])
    return result, appended.followed_by(transaction.append(concluding))


def _remembered(
    transaction: JournalTransaction, requests: Sequence[IdempotentRequest]
) -> dict[UUID, Remembered]:
    facts = transaction.first_facts({each.stream for each in requests})
    return {fact.originator_id: fact for fact in facts if isinstance(fact, RequestDecided | RequestAnswered)}


def _with_changes(
    state: DecisionState,
    reports: Sequence[tuple[ReadableReport, datetime]],
    transaction: JournalTransaction,
    zone: tzinfo,
) -> DecisionState:
    """Return the state with what has changed since the positions that reports build on."""
    asking = [(report, now) for report, now in reports if report.expected is not None]
    if not asking:
        return state
    changes: dict[UUID, tuple[tuple[int, Fact], ...]] = dict.fromkeys(
        streams_of(asking, state.resources, zone), ()
    )
    since = min(report.expected or 0 for report, _ in asking)
    for position, fact in transaction.facts_since(since, changes.keys()):
        changes[fact.originator_id] += ((position, fact),)
    return structs.replace(state, changes=changes)


def _with_one_of_each_key(
    pending: Sequence[Pending[ReportCommand, Reported]],
) -> Iterator[list[Pending[ReportCommand, Reported]]]:
    """Yield batches in which no idempotency key comes twice: the second one finds what came of the first."""
    rest = list(pending)
    while rest:
        keys: set[UUID] = set()
        batch: list[Pending[ReportCommand, Reported]] = []
        later: list[Pending[ReportCommand, Reported]] = []
        for each in rest:
            key = each.subject.request.stream if each.subject.request else None
            (later if key in keys else batch).append(each)
            if key:
                keys.add(key)
        yield batch
        rest = later
