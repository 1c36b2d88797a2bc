"""Readers who page through one state of the ledger, and an auditor who keeps what was signed."""

import time
from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from threading import Thread
from typing import Any, NamedTuple

import orjson

from ledger.proof import Malformed, Unproven
from ledger.proof.checking import check_consistency
from ledger.proof.checkpoints import Checkpoint, open_checkpoint
from ledger.proof.notes import Verifier
from tests.torture.records import Findings, Gate, Losses
from tests.torture.service import USAGES, Answer, Service

USER_USAGES = "/api/marketplace-component-user-usages/"
LISTS = (
    f"{USAGES}?page_size=100",
    f"{USAGES}?o=usage&page_size=40&billing_period_year=2025",
    f"{USAGES}?o=-billing_period&page_size=70&type=gpu",
    f"{USER_USAGES}?page_size=50",
    "/api/marketplace-component-usage-monthly/?page_size=100",
    "/api/marketplace-provider-resources/?page_size=5",
)
MOST_WORLDS = 40
FACTS_AT_A_TIME = 500


class World(NamedTuple):
    """A list as it stood at a position of the journal, all of its pages."""

    path: str
    position: int
    digest: str
    asked_at: float
    seen_at: float
    pages: int


class Reader(Thread):
    """Pages through lists as of a position, and again later, when they have to be the same to the byte."""

    def __init__(self, service: Service, findings: Findings, gate: Gate, losses: Losses, seed: str) -> None:
        super().__init__(daemon=True, name="reader")
        self._service, self._findings, self._gate, self._losses = service, findings, gate, losses
        self._random = Random(seed)  # noqa: S311 (chosen, not secret)
        self.worlds: list[World] = []

    def run(self) -> None:
        while not self._gate.is_over:
            with self._gate.passed():
                if self._gate.is_over:
                    return
                if self.worlds and self._random.random() < 0.4:
                    self.look_again(self._random.choice(self.worlds))
                else:
                    self._look(self._random.choice(LISTS))
            time.sleep(self._random.random() / 4)

    def _look(self, path: str) -> None:
        asked_at = time.monotonic()
        first = self._service.ask("GET", path)
        if first.status == 200 and (
            world := self._walked(path, int(first.headers["Ledger-Position"]), asked_at)
        ):
            self.worlds.append(world)
            if len(self.worlds) > MOST_WORLDS:
                self.worlds.pop(self._random.randrange(MOST_WORLDS))

    def look_again(self, world: World) -> None:
        """Compare a world with what is told of it now."""
        if self._losses.touch(world.asked_at, world.seen_at):
            return
        again = self._walked(world.path, world.position, time.monotonic())
        if again and not self._losses.touch(again.asked_at, again.seen_at):
            self._findings.count("worlds seen again")
            if again.digest != world.digest:
                self._findings.say(f"{world.path} as of {world.position} is another world than it was")

    def forget_lost(self) -> None:
        """Forget what may not be there any more."""
        self.worlds = [each for each in self.worlds if not self._losses.touch(each.asked_at, each.seen_at)]

    def _walked(self, path: str, position: int, began: float) -> World | None:
        """Return what all pages say, None where the service did not tell all of it.

        The position is known since `began`, or was looked up in the losses at that moment.
        """
        rows, digest, pages = list[Any](), sha256(), 0
        while True:
            answer = self._service.ask("GET", f"{path}&as_of={position}&page={pages + 1}")
            if answer.status != 200:
                self._note_refusal(answer, path, position, began)
                return None
            self._findings.note_tag(answer)
            digest.update(answer.body)
            rows, pages = rows + answer.json, pages + 1
            total = int(answer.headers["X-Result-Count"])
            if len(rows) >= total or not answer.json:
                break
        names = [row.get("uuid") or orjson.dumps(row) for row in rows]
        is_whole = len(rows) == len(set(names)) == total
        if not is_whole and not self._losses.touch(began, time.monotonic()):
            self._findings.say(f"{path} as of {position}: {len(set(names))} of {len(rows)} rows, and {total}")
        self._findings.count("worlds walked through")
        return World(path, position, digest.hexdigest(), began, time.monotonic(), pages)

    def _note_refusal(self, answer: Answer, path: str, position: int, began: float) -> None:
        if answer.status not in (0, 503) and not self._losses.touch(began, time.monotonic()):
            told = f"{answer.status}: {answer.body[:200]!r}"
            self._findings.say(f"{path} as of {position} was answered {told}")


@dataclass
class Kept:
    """A checkpoint that the auditor keeps."""

    checkpoint: Checkpoint
    asked_at: float
    seen_at: float


@dataclass
class Seen:
    """A fact that the auditor has read from the feed."""

    position: int
    topic: str
    data: Any
    asked_at: float
    seen_at: float
    leaf: int = field(default=-1)


class Auditor(Thread):
    """Keeps every fact and every checkpoint that it gets, and holds them against what comes."""

    def __init__(self, service: Service, findings: Findings, gate: Gate, losses: Losses) -> None:
        super().__init__(daemon=True, name="auditor")
        self._service, self._findings, self._gate, self._losses = service, findings, gate, losses
        self._random = Random("auditor")  # noqa: S311 (chosen, not secret)
        self.facts: list[Seen] = []
        self.kept: list[Kept] = []

    def run(self) -> None:
        while not self._gate.is_over:
            with self._gate.passed():
                if self._gate.is_over:
                    return
                self.read_feed()
                if kept := self.keep():
                    self.compare(kept, most=3)
            time.sleep(0.3 + self._random.random())

    def forget_lost(self) -> None:
        """Forget facts that may not be there any more. Checkpoints are kept for ever."""
        lost = [each for each in self.facts if self._losses.touch(each.asked_at, each.seen_at)]
        if lost:
            self.facts = [each for each in self.facts if each.position < lost[0].position]

    def read_feed(self) -> None:
        """Read what is new, as far as there is an answer."""
        self.forget_lost()
        after, asked_at = self.facts[-1].position if self.facts else 0, time.monotonic()
        path = f"/api/ledger/events/?after={after}&limit={FACTS_AT_A_TIME}"
        answer = self._service.ask("GET", path)
        if answer.status != 200 or self._losses.touch(asked_at, time.monotonic()):
            return
        at, leaf = time.monotonic(), len(self.facts)
        for place, event in enumerate(answer.json):
            seen = Seen(int(event["id"]), event["type"], event["data"], asked_at, at, event["leafindex"])
            if seen.position <= after or seen.leaf != leaf + place:
                told = f"{seen.position} as leaf {seen.leaf}"
                self._findings.say(f"the feed told {told}, after {after} and {leaf + place} facts")
            after = seen.position
            self.facts.append(seen)

    def keep(self) -> Kept | None:
        """Return the checkpoint that the ledger hands out, if it does."""
        asked_at = time.monotonic()
        answer = self._service.ask("GET", "/api/ledger/checkpoint")
        if answer.status != 200:
            return None
        try:
            checkpoint = open_checkpoint(answer.body, map(Verifier.parse, self._service.keys))
        except (Malformed, Unproven) as error:
            self._findings.say(f"a checkpoint that is none: {error}: {answer.body!r}")
            return None
        kept = Kept(checkpoint, asked_at, time.monotonic())
        self.kept.append(kept)
        self._findings.count("checkpoints kept")
        return kept

    def compare(self, new: Kept, most: int) -> None:
        """Have the ledger prove that a checkpoint continues earlier ones: some of them, and the last."""
        earlier = [each for each in self.kept if each is not new and self._has_to_fit(each, new)]
        some = self._random.sample(earlier, min(most, len(earlier)))
        for old in {id(each): each for each in [*some, *earlier[-1:]]}.values():
            self._prove(old.checkpoint, new)

    def _has_to_fit(self, old: Kept, new: Kept) -> bool:
        """A name stands for one history, whatever was lost; what was not lost is the same under all names."""
        is_kept = not self._losses.touch(old.asked_at, old.seen_at)
        return old.checkpoint.origin == new.checkpoint.origin or is_kept

    def _prove(self, old: Checkpoint, kept: Kept) -> None:
        new = kept.checkpoint
        if old.size > new.size:
            if old.origin == new.origin and not self._losses.touch(kept.asked_at, time.monotonic()):
                self._findings.say(f"a checkpoint of {new.size} facts came after one of {old.size}")
            return
        path = f"/api/ledger/consistency?from={old.size}&to={new.size}"
        answer = self._service.ask("GET", path)
        if answer.status != 200:
            return
        if self._losses.touch(kept.asked_at, time.monotonic()):
            return
        try:
            proof = [b64decode(each) for each in answer.json["hashes"]]
            check_consistency(old.size, old.root, new.size, new.root, proof)
            self._findings.count("consistency proofs")
        except Unproven as error:
            told = f"{old.origin} {old.size}, {new.origin} {new.size}"
            self._findings.say(f"two histories were signed: {error} ({told})")
