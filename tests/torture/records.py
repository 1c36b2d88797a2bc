"""What was sent, what came of it as far as its sender knows, and what must not be."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Condition, Lock
from typing import NamedTuple

from tests.torture.service import Answer

FOR_EVER = float("inf")
NONE = Answer(0)


@dataclass
class Report:
    """A request that reports something that nobody has reported before, so that it is `facts` facts.

    `id` is its X-Request-ID, which its facts name. Times are of the monotonic clock.
    """

    id: str
    path: str
    body: bytes
    facts: int
    figure: str = ""
    """The resource and month of a report of one figure."""
    amount: int = 0
    key: str | None = None
    sent_at: float = 0
    answered_at: float = FOR_EVER
    answer: Answer = NONE
    attempts: int = 0
    is_doubtful: bool = False
    """Whether the database may have lost it since it was acknowledged, or got it twice."""

    @property
    def is_acknowledged(self) -> bool:
        return self.answer.status == 201


class Correction(NamedTuple):
    """A correction of which it was acknowledged that it was applied; it was proposed after `began_at`."""

    uuid: str
    began_at: float
    answered_at: float


@dataclass
class Findings:
    """What must not be, and how much went well."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    tags: dict[str, str] = field(default_factory=dict)
    guard: Lock = field(default_factory=Lock)

    def say(self, what: str) -> None:
        """Note what must not be."""
        with self.guard:
            self.wrong.append(what)

    def count(self, what: str, times: int = 1) -> None:
        """Note something that was done."""
        with self.guard:
            self.counts[what] += times

    def note_tag(self, answer: Answer) -> None:
        """Check that a strong ETag names one answer for ever."""
        tag, digest = answer.headers.get("ETag", ""), sha256(answer.body).hexdigest()
        with self.guard:
            if self.tags.setdefault(tag, digest) != digest:
                self.wrong.append(f"the ETag {tag} names two answers")


class Losses:
    """When the database may have lost what it had.

    A loss has a moment `since`: what was known before that is there, for ever. Whoever read or sent
    something between that and the end of the loss knows nothing certain from it.
    """

    def __init__(self) -> None:
        self.guard = Lock()
        self.number = 0
        self._periods: list[tuple[float, float]] = []

    @contextmanager
    def period(self, since: float | None = None) -> Iterator[None]:
        """Have what was known after a moment, by default now, be lost while the block lasts."""
        began = time.monotonic() if since is None else since
        with self.guard:
            self.number += 1
            place = len(self._periods)
            self._periods.append((began, FOR_EVER))
        try:
            yield
        finally:
            with self.guard:
                self._periods[place] = (began, time.monotonic())
                self.number += 1

    def touch(self, first: float, last: float) -> bool:
        """Return whether what was asked at one moment, and answered at another, may be lost by now."""
        with self.guard:
            return any(began <= last and first <= ended for began, ended in self._periods)


class Records:
    """All reports of a ledger."""

    def __init__(self, losses: Losses) -> None:
        self._losses, self._guard = losses, Lock()
        self._reports: dict[str, Report] = {}
        self.corrections: list[Correction] = []

    def add(self, report: Report) -> None:
        with self._guard:
            self._reports[report.id] = report

    def all(self) -> list[Report]:
        """Return every report, marked where it is doubtful by now."""
        with self._guard:
            found = list(self._reports.values())
        for each in found:
            last = min(each.answered_at, time.monotonic())
            each.is_doubtful = each.is_doubtful or self._losses.touch(each.sent_at, last)
        return found

    def applied(self) -> list[str]:
        """Return the corrections that have to be there: what may be lost is forgotten, for ever."""
        self.corrections = [
            each for each in self.corrections if not self._losses.touch(each.began_at, each.answered_at)
        ]
        return [each.uuid for each in self.corrections]


class Gate:
    """Where those who use the service wait while it is looked at."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._is_closed = self.is_over = False
        self._inside = 0

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Wait until the gate is open, and be inside for the time of the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed or self.is_over)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self, seconds: float) -> Iterator[bool]:
        """Let nobody in for the time of the block. Yields whether all others have left in so many seconds."""
        with self._changed:
            self._is_closed = True
            has_left = self._changed.wait_for(lambda: not self._inside, seconds)
        try:
            yield has_left
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()

    def end(self) -> None:
        """Let all go home."""
        with self._changed:
            self.is_over = True
            self._changed.notify_all()
