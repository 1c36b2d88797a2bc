"""Agents that report known values, and keep their own record of what was acknowledged."""

import time
from collections.abc import Iterator, Sequence
from random import Random
from threading import Thread
from typing import Any

import orjson

from tests.torture.records import Findings, Gate, Losses, Records, Report
from tests.torture.service import USAGES, Answer, Service

BULKS = "/api/ledger/reports/"
PATIENCE_SECONDS = 8
"""How long an agent waits for an answer."""

AGAIN = (0, 409, 429, 503)
"""What an agent sends again after: no answer, and those that ask for it."""

SEA_ICE, PLANKTON = "00000000000040008000000000000701", "00000000000040008000000000000702"
OTHERS = [f"0000000000004000800000000000070{number}" for number in (3, 4, 5)]
TYPES = ("cpu", "gpu", "storage")
YEARS = [f"{year}-{month:02}" for year in (2021, 2022) for month in range(1, 13)]
USERS = ("demo-ida", "demo-jon", "demo-eli")


class Agent(Thread):
    """Reports ever larger amounts for figures that are its own, one request after the other.

    With `has_keys` each request names itself, and is sent again until its answer is there.
    """

    def __init__(
        self, name: str, service: Service, records: Records, findings: Findings, gate: Gate, losses: Losses
    ) -> None:
        super().__init__(daemon=True, name=name)
        self.service, self._records, self._findings = service, records, findings
        self._gate, self._losses = gate, losses
        self.random = Random(name)  # noqa: S311 (chosen, not secret)
        self.number = 0

    has_keys = True
    pause = 0.1
    """Seconds between reports."""

    def next(self) -> Report:
        """Return a report of something that is new."""
        raise NotImplementedError

    def check(self, report: Report, losses: int) -> None:
        """Look whether what was acknowledged is shown; `losses` is their number as it was sent."""

    def run(self) -> None:
        while not self._gate.is_over:
            with self._gate.passed():
                if not self._gate.is_over:
                    self._report()
            time.sleep(self.pause * self.random.random() * 2)

    def _report(self) -> None:
        self.number += 1
        report, losses = self.next(), self._losses.number
        report.sent_at = time.monotonic()
        self._records.add(report)
        answer = send(self.service, report)
        while self.has_keys and answer.status in AGAIN and not self._gate.is_over:
            self._findings.count("sent again")
            time.sleep(self.random.random() / 2)
            answer = send(self.service, report)
        report.answer, report.answered_at = answer, time.monotonic()
        self._findings.count(f"answered {answer.status or 'never'}")
        is_good = answer.status in (201, *AGAIN)
        if not is_good and not self._losses.touch(report.sent_at, report.answered_at):
            self._findings.say(f"{report.id} was answered {answer.status}: {answer.body[:200]!r}")
        if answer.status == 201:
            self.check(report, losses)


def send(service: Service, report: Report) -> Answer:
    """Send a report, perhaps not for the first time."""
    headers = {"X_Request_ID": report.id}
    if report.key:
        headers["Idempotency_Key"] = report.key
    report.attempts += 1
    return service.ask("POST", report.path, report.body, PATIENCE_SECONDS, **headers)


class OfOneFigure(Agent):
    """Reports the CPU hours of a month, and reads them back."""

    def __init__(self, *known: Any, resource: str, month: str) -> None:
        super().__init__(*known)
        self._resource, self._month = resource, month
        self._unanswered: set[int] = set()

    def next(self) -> Report:
        usage = {"type": "cpu", "amount": str(self.number)}
        body = {"resource": self._resource, "date": f"{self._month}-02T00:00:00Z", "usages": [usage]}
        report = self._made(f"{USAGES}set_usage/", body, 1)
        report.figure, report.amount = f"{self._resource} {self._month}", self.number
        self._unanswered.add(self.number)
        return report

    def _made(self, path: str, body: Any, facts: int) -> Report:
        return made(self, path, body, facts)

    def check(self, report: Report, losses: int) -> None:
        """Read the figure: a later report is not there, and an earlier one may have come late."""
        self._unanswered.discard(report.amount)
        if self.random.random() > 0.4:
            return
        query = f"?type=cpu&resource_uuid={self._resource}&billing_period={self._month}-01"
        answer = self.service.ask("GET", f"{USAGES}{query}")
        if answer.status != 200:
            return
        self._findings.note_tag(answer)
        self._findings.count("figures read back")
        shown = [int(float(row["usage"])) for row in answer.json]
        may_be = {report.amount} | (set() if self.has_keys else self._unanswered)
        if self._losses.number != losses or self._losses.touch(report.sent_at, time.monotonic()):
            return
        if not may_be & set(shown):
            self._findings.say(f"{report.figure} shows {shown}, and {report.amount} was acknowledged")


class Unnamed(OfOneFigure):
    """Sends each report once, and goes on with the next one whatever is answered."""

    has_keys = False


class OfUsers(OfOneFigure):
    """Reports what users used of a figure that stands."""

    _usage = ""
    _found = 0.0, 0.0
    """When its uuid was asked for, and answered."""

    def next(self) -> Report:
        if not self._usage or self._losses.touch(*self._found):
            return super().next()
        items = [{"username": each, "usage": self.number + place} for place, each in enumerate(USERS)]
        return self._made(f"{USAGES}{self._usage}/set_user_usages/", {"usages": items}, len(items))

    def check(self, report: Report, losses: int) -> None:
        """Find out the uuid of the figure."""
        query = f"?type=cpu&resource_uuid={self._resource}&billing_period={self._month}-01"
        asked_at = time.monotonic()
        answer = self.service.ask("GET", f"{USAGES}{query}")
        if answer.status == 200 and answer.json:
            self._found = asked_at, time.monotonic()
            self._usage = answer.json[0]["uuid"]


class InBulk(Agent):
    """Reports figures of other resources, many at once."""

    pause = 0.8
    sizes: Sequence[int] = (2, 2, 5, 5, 20, 20, 60, 130)

    def __init__(self, *known: Any, resources: Sequence[str]) -> None:
        super().__init__(*known)
        self._figures = [(each, name, month) for month in YEARS for each in resources for name in TYPES]

    def next(self) -> Report:
        size = min(self.random.choice(self.sizes), len(self._figures))
        return made(self, BULKS, list(self._items(size)), size)

    def _items(self, size: int) -> Iterator[dict[str, str]]:
        for resource, name, month in self.random.sample(self._figures, size):
            date = f"{month}-02T00:00:00Z"
            yield {"resource": resource, "type": name, "date": date, "amount": str(self.number)}


class UnnamedInBulk(InBulk):
    """Sends each bulk once."""

    has_keys = False


def made(agent: Agent, path: str, body: Any, facts: int) -> Report:
    """Return the next report of an agent."""
    name = f"{agent.name}-{agent.number}"
    return Report(name, path, orjson.dumps(body), facts, key=name if agent.has_keys else None)


def agents(ledger: str, *known: Any) -> list[Agent]:
    """Return those who report to a ledger, which is told from others by its name."""

    def of(kind: type[Any], number: int, **where: Any) -> Any:
        return kind(f"{ledger}-{kind.__name__}-{number}", *known, **where)

    return [
        *(of(Unnamed, number, resource=SEA_ICE, month=f"2025-{number:02}") for number in (1, 2, 3)),
        *(of(OfOneFigure, number, resource=SEA_ICE, month=f"2025-{number:02}") for number in (4, 5, 6)),
        of(OfUsers, 7, resource=PLANKTON, month="2025-07"),
        of(OfUsers, 8, resource=PLANKTON, month="2025-08"),
        of(InBulk, 1, resources=OTHERS[:1]),
        of(InBulk, 2, resources=OTHERS[1:2]),
        of(UnnamedInBulk, 3, resources=OTHERS[2:]),
    ]
