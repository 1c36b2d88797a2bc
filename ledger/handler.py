"""The desk where reports are handed in: from reports to facts in the journal.

Under load, one caller works for all who wait: their reports are decided on one read of the past, and
appended and projected in one transaction. When another process was faster, the database refuses the
append, because the version in a stream is taken; then all is read and decided again, with the journal
locked first, so that nobody is faster twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, OperationalError
from msgspec import structs
from psycopg import Cursor
from psycopg.errors import LockNotAvailable
from psycopg.rows import DictRow

from ledger.decisions.expecting import with_changes
from ledger.decisions.requests import Answer, Outcome, Request, Submission, decide
from ledger.decisions.state import DecisionState
from ledger.domain.people import Person
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.errors import Busy, Contended, InvalidItem, KeyReused, Overdue, UnderWay
from ledger.events import Fact, RequestAnswered, UserUsageReported
from ledger.fast.group_commit import Task, TookTooLong, TooMany, Turns
from ledger.journal.digests import digest_of
from ledger.journal.ledger import Ledger
from ledger.journal.recorder import Appending

ATTEMPTS = 4
"""As it is, with the journal locked, without the read side if that can't follow, and one to spare."""

PATIENCE_SECONDS = 10.0
"""How long a report waits for those before it, before it is refused as contended."""

BULK = 100
"""Of more figures than this a submission is a bulk. Bulks have turns of their own: nobody else waits for them
to be decided."""

MOST_OF_BULKS = 2_000
"""How many figures bulks of one turn state, unless it is one alone."""

ROOM, ROOM_OF_BULKS = 3, 1
"""How many wait while a turn stands still, be it for the database: with those who work, fewer than a server
has threads, so that others are answered."""


F = TypeVar("F")
"""What a read side knows once it has taken facts in."""


class ReadSide(Protocol[F]):
    """What reports are decided on, and what is to follow from facts: all the ledger knows of read models."""

    def read(
        self, cursor: Cursor[DictRow], reports: Sequence[tuple[ReadableReport, datetime]], zone: tzinfo
    ) -> DecisionState:
        """What is known of what these reports are about, up to date with the journal."""

    def follow(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], digest: int) -> F:
        """Takes in facts, with their positions, in the transaction that appends them; `digest` is the last
        one's. Returns what to `publish` once they are committed."""

    def publish(self, followed: F) -> None:
        """Tells everybody that facts which were taken in are committed. Does not fail."""

    def show(self, position: int) -> None:
        """Takes in facts up to a position, which are committed and were not taken in. Does not fail."""


class NotFollowed(Exception):
    """The read side could not take the facts in. That is no reason to refuse them."""


class Desk:
    """Takes in the reports of one request at a time, from many threads."""

    def __init__(self, ledger: Ledger, read_side: ReadSide[Any], patience: float = PATIENCE_SECONDS) -> None:
        self._ledger, self._read_side = ledger, read_side
        self._turns = Turns(self._serve, patience, room=ROOM)
        self._turns_of_bulks = Turns(
            partial(self._serve, is_bulk=True),
            patience,
            size=lambda submission: submission.size,
            most=MOST_OF_BULKS,
            room=ROOM_OF_BULKS,
        )

    def report(self, submission: Submission) -> Answer:
        """Decides about the reports of a request, and appends what they lead to.

        A request with an idempotency key that was answered before gets that answer. Raises KeyReused if
        it was another request, UnderWay or Contended if its turn does not come, Busy if too many wait
        already, and what the read side raises while it is not up to date. Refusals of reports are outcomes,
        which the answer tells of.
        """
        try:
            return (self._turns_of_bulks if submission.size > BULK else self._turns).take(submission)
        except TooMany:
            raise Busy from None
        except TookTooLong:
            raise (UnderWay if submission.request else Contended) from None

    def recall(self, request: Request) -> Answer | None:
        """What a request was answered before, if it was. Raises KeyReused."""
        with self._ledger.journal.transaction() as appending:
            earlier = _earlier(self._ledger, appending, [request.stream])
        return request.replayed(earlier[request.stream]) if earlier else None

    def _serve(self, tasks: Sequence[Task[Submission, Answer]], *, is_bulk: bool = False) -> None:
        is_locked, follows = False, True
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(tasks, is_bulk=is_bulk, is_locked=is_locked, follows=follows)
            except IntegrityError:
                is_locked = True
            except NotFollowed:
                follows = False
            except Overdue:
                is_locked = True  # what waited for the lock is not to wait for it again
            except OperationalError as error:
                if isinstance(error.__cause__, LockNotAvailable):
                    raise Busy from error
                raise
        raise Contended

    def _attempt(
        self, tasks: Sequence[Task[Submission, Answer]], *, is_bulk: bool, is_locked: bool, follows: bool
    ) -> None:
        with self._ledger.journal.transaction() as appending:
            appending.is_bulk = is_bulk
            if is_locked:
                appending.lock()
            batch = Batch(self._ledger, self._read_side, appending)
            results = batch.decided([task.subject for task in tasks])
            if any(each.is_overdue() for each in batch.storing):
                raise Overdue  # they waited for the lock: all is decided anew, and they are refused
            followed = self._follow(appending, batch) if batch.appended and follows else None
        if followed is not None:
            self._read_side.publish(followed)
        elif batch.appended:
            self._read_side.show(batch.appended[-1][0])
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, Exception):
                task.error = result
            else:
                task.result = result

    def _follow(self, appending: Appending, batch: "Batch") -> Any:
        """Has the read side take in what was appended, and commits. Returns what is to be published then."""
        try:
            followed = self._read_side.follow(appending.cursor, batch.appended, batch.digest)
            appending.commit()  # only now it is sent
            return followed
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            raise NotFollowed from error


def _earlier(ledger: Ledger, appending: Appending, streams: list[UUID]) -> dict[UUID, RequestAnswered]:
    """The answers that are remembered in these streams."""
    facts = map(ledger.mapper.to_domain_event, appending.first_of(streams) if streams else ())
    return {fact.originator_id: fact for fact in facts if isinstance(fact, RequestAnswered)}


class Batch:
    """The submissions that are decided in one transaction.

    `appended` are their facts with positions, `storing` those who have any, and `digest` is the last one's.
    """

    def __init__(self, ledger: Ledger, read_side: ReadSide[Any], appending: Appending) -> None:
        self._ledger, self._read_side, self._appending = ledger, read_side, appending
        self.appended: list[tuple[int, Fact]] = []
        self.storing: list[Submission] = []
        self.digest = 0

    def decided(self, submissions: Sequence[Submission]) -> list[Answer | Exception]:
        """What each is answered, or why it is not. What follows is appended, and not committed yet.

        Of several with one key the first is decided, and the others are told the same.
        """
        streams = {each.request.stream for each in submissions if each.request}
        answered = _earlier(self._ledger, self._appending, list(streams))
        fresh: dict[UUID | int, Submission] = {}
        for each in submissions:
            if each.request is None or each.request.stream not in answered:
                fresh.setdefault(each.request.stream if each.request else id(each), each)
        answers = self._answers(list(fresh.values()))
        own = {id(each): answer for each, answer in zip(fresh.values(), answers, strict=True)}
        answered |= {
            fact.originator_id: fact for _, fact in self.appended if isinstance(fact, RequestAnswered)
        }
        return [own.get(id(each)) or _repeated(each, answered, fresh, own) for each in submissions]

    def _answers(self, submissions: Sequence[Submission]) -> list[Answer | Exception]:
        if not submissions:
            return []
        known, new_people = self._known(submissions)
        decided = [self._decided(each, known) for each in submissions]
        facts = [fact for outcomes in decided if isinstance(outcomes, list) for fact in facts_of(outcomes)]
        named = {fact.person for fact in facts if isinstance(fact, UserUsageReported)}
        positions = iter(self._append(facts, [each for each in new_people if each.uuid in named]))
        answers: list[Answer | Exception] = [
            submission.answer([_placed(outcome, positions) for outcome in outcomes])
            if isinstance(outcomes, list)
            else outcomes
            for submission, outcomes in zip(submissions, decided, strict=True)
        ]
        self._remember(submissions, answers)
        return answers

    def _decided(self, submission: Submission, known: DecisionState) -> list[Outcome] | Exception:
        """A submission that can't be decided, through a fault of ours, does not harm the others."""
        try:
            if submission.is_overdue():
                raise Overdue
            outcomes = decide(submission, known, self._ledger.zone)
        except Exception as error:
            return error
        if any(outcome.facts for outcome in outcomes):
            self.storing.append(submission)
        return outcomes

    def _known(self, submissions: Sequence[Submission]) -> tuple[DecisionState, Collection[Person]]:
        """What all of them are about, and the people whom they name and the ledger does not know yet."""
        reports = [
            (report, each.now)
            for each in submissions
            for report in each.reports
            if not isinstance(report, InvalidItem)
        ]
        known = self._read_side.read(self._appending.cursor, reports, self._ledger.zone)
        usernames = [
            item.username
            for report, _ in reports
            if isinstance(report, UserUsageReport)
            for item in report.items
        ]
        people, new = self._ledger.people_in(self._appending, usernames)
        known = with_changes(
            structs.replace(known, people=people | new), reports, self._appending, self._ledger
        )
        return known, new.values()

    def _append(self, facts: Sequence[Fact], people: Sequence[Person] = ()) -> list[int]:
        if not facts:
            return []
        stored = self._ledger.stored(facts)
        positions = self._appending.append(stored, people)
        self.appended += zip(positions, facts, strict=True)
        self.digest = digest_of(positions[-1], stored[-1])
        return positions

    def _remember(self, submissions: Sequence[Submission], answers: Sequence[Answer | Exception]) -> None:
        """Answers are facts, too: a request that names itself is told the same for ever."""
        self._append(
            [
                each.request.answered(answer, each.now)
                for each, answer in zip(submissions, answers, strict=True)
                if each.request and isinstance(answer, Answer) and each.remembers(answer)
            ]
        )


def facts_of(outcomes: Sequence[Outcome]) -> Iterator[Fact]:
    return (fact for outcome in outcomes for fact in outcome.facts)


def _placed(outcome: Outcome, positions: Iterator[int]) -> Outcome:
    last = None
    for _ in outcome.facts:
        last = next(positions)
    return structs.replace(outcome, position=last)


def _repeated(
    submission: Submission,
    answered: Mapping[UUID, RequestAnswered],
    fresh: Mapping[UUID | int, Submission],
    own: Mapping[int, Answer | Exception],
) -> Answer | Exception:
    """Return what a request is told whose key was answered before, or just now by another one."""
    request = submission.request
    assert request is not None, "all others are answered by themselves"
    if request.stream in answered:
        try:
            return request.replayed(answered[request.stream])
        except KeyReused as error:
            return error
    # The other one could not be decided, or was refused and is not remembered.
    first = fresh[request.stream]
    told = own[id(first)]
    is_same = first.request is not None and first.request.fingerprint == request.fingerprint
    return told if is_same and isinstance(told, Answer) else UnderWay()
