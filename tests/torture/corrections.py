"""Somebody who corrects figures, step by step, and what has to be true of corrections in the journal."""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tests.torture.agents import AGAIN, PATIENCE_SECONDS, PLANKTON, Agent
from tests.torture.records import Correction
from tests.torture.service import Answer

CORRECTIONS = "/api/ledger/corrections/"
MONTHS = [f"2025-{month:02}" for month in range(9, 13)]
DONE = {"approve": b"This correction is approved", "apply": b"This correction is applied"}
"""How it is told, by a step that is taken again, that it was taken already."""

OF_STEPS = (b"This correction is", b"reverted by", b"nothing to put back")
"""What is in a 409 that is no better when it is asked for again."""


class Correcting(Agent):
    """Proposes corrections of figures that are its own, approves and applies them, and puts some back."""

    pause = 0.5

    def _report(self) -> None:
        self.number += 1
        began = time.monotonic()
        months = self.random.sample(MONTHS, self.random.randint(1, len(MONTHS)))
        common = {"resource": PLANKTON, "type": "cpu", "amount": str(self.number)}
        items = [common | {"date": f"{month}-02T00:00:00Z"} for month in months]
        body = {"title": self.name, "reason": f"number {self.number}", "items": items}
        proposal = self._ask(CORRECTIONS, body, began, Idempotency_Key=f"{self.name}-{self.number}")
        if proposal.status not in (200, 201):
            return
        uuid = proposal.json["uuid"]
        if self._apply(uuid, began) and self.random.random() < 0.3:
            back = self._ask(f"{CORRECTIONS}{uuid}/revert/", {"reason": "as it was"}, began)
            if named := re.search(rb"reverted by ([0-9a-f]{32})", back.body):  # its answer was lost
                self._apply(named[1].decode(), began)
            elif back.status == 201:
                self._apply(back.json["uuid"], began)

    def _apply(self, uuid: str, began: float) -> bool:
        """Approve and apply a correction. Return whether that was acknowledged."""
        for step, told in DONE.items():
            answer = self._ask(f"{CORRECTIONS}{uuid}/{step}/", {}, began)
            if answer.status != 200 and told not in answer.body:
                return False
        self._records.corrections.append(Correction(uuid, began, time.monotonic()))
        self._findings.count("corrections applied")
        return True

    def _ask(self, path: str, body: Any, began: float, **headers: str) -> Answer:
        """Send a request again and again until there is an answer that does not ask for that.

        What it is about is known since `began`, and may be lost by now.
        """
        while True:
            answer = self.service.ask("POST", path, orjson.dumps(body), PATIENCE_SECONDS, **headers)
            is_told = answer.status == 409 and any(each in answer.body for each in OF_STEPS)
            if answer.status not in AGAIN or is_told or self._gate.is_over:
                break
            self._findings.count("sent again")
            time.sleep(self.random.random() / 2)
        is_good = answer.status in (200, 201) or is_told or answer.status in AGAIN
        if not is_good and not self._losses.touch(began, time.monotonic()):
            self._findings.say(f"{path} was answered {answer.status}: {answer.body[:200]!r}")
        return answer


@dataclass
class Applied:
    """What the fact that a correction was applied says: positions and amounts of the facts before it."""

    position: int
    uuid: str
    figures: dict[int, str]


def faults_of_corrections(facts: Sequence[Any], acknowledged: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with corrections: acknowledged ones are there, and none is in part."""
    corrected, applied, others = dict[int, tuple[str, str]](), list[Applied](), set[int]()
    for fact in facts:
        if fact.topic == "CorrectionApplied":
            state = orjson.loads(fact.state)
            figures = {each["position"]: each["after"] for each in state["figures"] if "position" in each}
            applied.append(Applied(fact.position, state["correction_uuid"], figures))
        elif fact.topic == "PlanPeriodDescribed":  # the first report of a resource begins one
            others.add(fact.position)
        elif "correction_uuid" in (state := orjson.loads(fact.state)) and "usage_uuid" in state:
            corrected[fact.position] = state["correction_uuid"], state.get("plan_amount", state["amount"])
    for each in applied:
        between = set(range(min(each.figures, default=each.position), each.position)) - others
        if between != set(each.figures):
            yield f"the facts of correction {each.uuid} are not side by side: {sorted(each.figures)}"
        for position, amount in each.figures.items():
            if (found := corrected.pop(position, None)) != (each.uuid, amount):
                yield f"correction {each.uuid} names the fact at {position} as {amount}, and it is {found}"
    for position, (uuid, _) in corrected.items():
        yield f"the fact at {position} is of correction {uuid}, which was not applied"
    for uuid in set(acknowledged) - {each.uuid.replace("-", "") for each in applied}:
        yield f"correction {uuid} was acknowledged, and is not there"
