"""Clients that report and read, and know what has to be shown."""

from dataclasses import dataclass, field
from hashlib import sha256
from threading import Event, Lock, Thread

from tests.torture.service import Answer, Service

PAUSE_SECONDS = 0.02


@dataclass
class Findings:
    """What must not be, and how much went well."""

    wrong: list[str] = field(default_factory=list)
    acknowledged: int = 0
    refused: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    guard: Lock = field(default_factory=Lock)

    def say(self, what: str) -> None:
        with self.guard:
            self.wrong.append(what)

    def note_tag(self, answer: Answer) -> None:
        """A strong ETag names one answer for ever."""
        tag, digest = answer.headers.get("ETag", ""), sha256(answer.body).hexdigest()
        with self.guard:
            if self.tags.setdefault(tag, digest) != digest:
                self.wrong.append(f"the ETag {tag} names two answers")


class Client:
    """One that reports ever larger amounts for a month that is its own, one after the other."""

    def __init__(self, service: Service, month: str, findings: Findings) -> None:
        self._service, self.month, self._findings = service, month, findings
        self._guard = Lock()
        self._amount = 0
        self._acknowledged: int | None = 0
        """What has to be shown; None if anything may be, until the next report is acknowledged."""
        self._unanswered: set[int] = set()
        self._losses = 0
        self._may_lose = False
        self._is_over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def forgive(self, *, may_lose: bool) -> None:
        """Says whether the database may lose facts from now on: whatever was sent may be shown then."""
        with self._guard:
            self._losses, self._may_lose = self._losses + 1, may_lose
            self._acknowledged = None

    def check(self) -> None:
        """Reads, and says what is shown though it must not be."""
        with self._guard:
            losses = self._losses
        answer = self._service.usages(self.month)
        if answer.status != 200:
            return
        self._findings.note_tag(answer)
        shown = [int(float(row["usage"])) for row in answer.json]
        with self._guard:
            if losses != self._losses or self._acknowledged is None:
                return
            figure = shown[0] if shown else 0
            if figure not in self._unanswered | {self._acknowledged}:
                self._findings.say(f"{self.month} shows {figure}, and {self._acknowledged} was acknowledged")

    def _run(self) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            self._report()
            self.check()

    def _report(self) -> None:
        with self._guard:
            self._amount += 1
            amount, losses = self._amount, self._losses
            self._unanswered.add(amount)
        answer = self._service.report(self.month, amount, timeout=35)
        with self._guard:
            if answer.status == 201 and losses == self._losses and not self._may_lose:
                self._acknowledged = amount
                self._unanswered.discard(amount)
        with self._findings.guard:
            self._findings.acknowledged += answer.status == 201
            self._findings.refused += answer.status != 201
        if answer.status not in (0, 201, 409, 503):
            self._findings.say(f"a report was answered {answer.status}: {answer.body[:200]!r}")
