"""What has to be true once nobody reports any more, whatever happened before."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg.rows import class_row

from tests.torture.agents import AGAIN, BULKS, send
from tests.torture.corrections import faults_of_corrections
from tests.torture.readers import Auditor, Reader
from tests.torture.records import Findings, Records, Report
from tests.torture.service import Service

SELECT_FACTS = """
SELECT notification_id AS position, originator_id, originator_version AS version, topic,
    convert_from(state, 'UTF8') AS state
FROM journal.ledger_events ORDER BY notification_id"""

REPORTS = ("UsageReported", "UserUsageReported")
MOST_MEMORY = 300
"""MiB, of a worker."""
MOST_REPLAYS, MOST_HISTORIES, MOST_WORLDS = 25, 6, 6


@dataclass
class StoredFact:
    """A fact as the journal has it."""

    position: int
    originator_id: Any
    version: int
    topic: str
    state: str


class ReportFact(NamedTuple):
    """What a fact says that a report led to."""

    position: int
    figure: str
    amount: str


class Checker:
    """Holds the journal, the read models and the answers against what those know who used the service."""

    def __init__(
        self, service: Service, records: Records, findings: Findings, readers: list[Reader], auditor: Auditor
    ) -> None:
        self._service, self._records, self._findings = service, records, findings
        self._readers, self._auditor = readers, auditor

    def check(self, url: str, random: Random) -> None:
        """Check all of it, in a moment in which nobody reports. `url` is of the database itself."""
        with psycopg.connect(url, row_factory=class_row(StoredFact)) as connection:
            facts = connection.execute(SELECT_FACTS).fetchall()
        reported = by_request(facts)
        reports = self._records.all()
        self._check_streams(facts)
        for report in reports:
            for wrong in faults_of(report, reported.get(report.id, [])):
                self._findings.say(wrong)
        self._check_projects(facts)
        for wrong in faults_of_corrections(facts, self._records.applied()):
            self._findings.say(wrong)
        self._check_auditor(facts)
        self._check_keys(reports, random)
        self._check_histories(reported, random)
        for reader in self._readers:
            reader.forget_lost()
            for world in random.sample(reader.worlds, min(MOST_WORLDS, len(reader.worlds))):
                reader.look_again(world)
        self._check_rows(url)
        self._findings.count("facts checked", len(facts))
        self._findings.count("reports checked", len(reports))
        if (memory := self._service.peak_memory) > MOST_MEMORY:
            self._findings.say(f"a worker took {memory} MiB")

    def _check_streams(self, facts: list[StoredFact]) -> None:
        """Each stream has the versions 1, 2, … in the order of positions."""
        reached: defaultdict[Any, int] = defaultdict(int)
        for fact in facts:
            reached[fact.originator_id] += 1
            if fact.version != reached[fact.originator_id]:
                self._findings.say(f"the fact at {fact.position} lacks the one before it")

    def _check_projects(self, facts: list[StoredFact]) -> None:
        """A report names the project that its resource was of when it was stored."""
        projects: dict[str, str] = {}
        for fact in facts:
            if fact.topic == "ResourceDescribed":
                entity = orjson.loads(fact.state)["entity"]
                projects[entity["uuid"]] = entity["project_uuid"]
            elif fact.topic in REPORTS:
                state = orjson.loads(fact.state)
                if (named := state["project_uuid"]) != projects[state["resource_uuid"]]:
                    self._findings.say(f"the fact at {fact.position} names the project {named} as it was")

    def _check_auditor(self, facts: list[StoredFact]) -> None:
        """What was read from the feed is the beginning of the journal, with nothing left out."""
        self._auditor.read_feed()
        if kept := self._auditor.keep():
            self._auditor.compare(kept, most=1_000)
        for seen, fact in zip(self._auditor.facts, facts, strict=False):
            if (seen.position, seen.topic) != (fact.position, fact.topic) or seen.data != stated(fact):
                self._findings.say(f"the feed told of {seen.position} ({seen.topic}), and it is {fact}")
                return
        if len(self._auditor.facts) > len(facts):
            self._findings.say("the feed told of facts that the journal has not")

    def _check_keys(self, reports: list[Report], random: Random) -> None:
        """Who sends a request again gets the answer that there was, and stores nothing."""
        known = [each for each in reports if each.key and each.is_acknowledged and not each.is_doubtful]
        for report in random.sample(known, min(MOST_REPLAYS, len(known))):
            again = send(self._service, report)
            if again.status in AGAIN:
                continue
            self._findings.count("answers given again")
            is_replayed = again.headers.get("Idempotency-Replayed") == "true"
            if (again.status, again.body, is_replayed) != (201, report.answer.body, True):
                self._findings.say(f"{report.id} was told {report.answer[:2]}, and then {again[:2]}")

    def _check_histories(self, reported: dict[str, list[ReportFact]], random: Random) -> None:
        """A figure's history has each report once, in the order of the journal."""
        figures: defaultdict[str, list[ReportFact]] = defaultdict(list)
        for facts in reported.values():
            for fact in facts:
                figures[fact.figure].append(fact)
        for figure in random.sample(sorted(figures), min(MOST_HISTORIES, len(figures))):
            kind = "component-user-usages" if "/" in figure else "component-usages"
            path = f"/api/marketplace-{kind}/{figure.rpartition('/')[2]}/history/"
            told: list[tuple[int, str]] = []
            for page in range(1, 1_000):
                answer = self._service.ask("GET", f"{path}?page_size=100&page={page}")
                if answer.status != 200:
                    self._findings.say(f"{path} was answered {answer.status}: {answer.body[:200]!r}")
                    break
                told += [(each["position"], each["amount"]) for each in answer.json]
                if len(told) >= int(answer.headers["X-Result-Count"]):
                    break
            stored = sorted(((each.position, each.amount) for each in figures[figure]), reverse=True)
            ours = [each for each in told if each[0] >= stored[-1][0]]
            self._findings.count("histories read")
            if ours != stored:
                self._findings.say(f"{path} tells {ours[:5]}, and the journal has {stored[:5]}")

    def _check_rows(self, url: str) -> None:
        """Every row of the read models follows from the journal, and the journal is what was signed."""
        began = time.monotonic()
        verified = self._service.run("verify", url=url)
        if verified.returncode:
            told = (verified.stdout + verified.stderr)[:1_500]
            self._findings.say(f"verify ended with {verified.returncode}: {told}")
        self._findings.count("seconds of verifying", round(time.monotonic() - began))


def faults_of(report: Report, facts: list[ReportFact]) -> Iterator[str]:
    """Yield what is wrong with a report: acknowledged ones are there once, and nothing is there in part."""
    if len(facts) not in (0, report.facts) or len({each.figure for each in facts}) != len(facts):
        yield f"{report.id}: {len(facts)} facts of {report.facts}: {facts[:5]}"
    if report.is_doubtful or (not facts and not report.is_acknowledged):
        return
    if not facts:
        yield f"{report.id} was acknowledged, and is not there"
    elif report.answer.status not in (201, *AGAIN):
        yield f"{report.id} was answered {report.answer.status}, and is there"
    elif report.is_acknowledged and report.path == BULKS:
        told = [each["position"] for each in report.answer.json["results"]]
        if sorted(told) != [each.position for each in facts]:
            yield f"{report.id} was told other positions than it has: {told[:5]}"


def by_request(facts: list[StoredFact]) -> dict[str, list[ReportFact]]:
    """Return the facts of each X-Request-ID. A figure of a user's has its uuid after a slash."""
    found: defaultdict[str, list[ReportFact]] = defaultdict(list)
    for fact in facts:
        if fact.topic in REPORTS:
            state = orjson.loads(fact.state)
            figure = state["usage_uuid"]
            if fact.topic == "UserUsageReported":
                figure += f"/{state['user_usage_uuid']}"
            found[state.get("request_id", "")].append(ReportFact(fact.position, figure, state["amount"]))
    found.pop("", None)
    return found


def stated(fact: StoredFact) -> Any:
    """Return what the feed tells of a fact."""
    return orjson.loads(fact.state)
