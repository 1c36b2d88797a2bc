"""Reports and who reads them, in one process: what is answered is stored, and what is shown is."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest

from ledger.events import UsageReported
from ledger.fast import group_commit
from ledger.fast.group_commit import Pending
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.lookups.decision_state import PostgresReadModels
from tests.schedules.scheduler import Scheduler, SteppedCondition, SteppedLock
from tests.world import RESOURCE, USAGES, World

FILES = ("ledger/fast/group_commit.py", "ledger/handler.py")
SCHEDULES = 8


def stepped(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """Return a scheduler that steps those who report to this world."""
    scheduler = Scheduler(seed, FILES, (0.3, 0.7, 0.9)[seed % 3])
    lock = type("Lock", (SteppedLock,), {"scheduler": scheduler})
    condition = type("Condition", (SteppedCondition,), {"scheduler": scheduler})
    monkeypatch.setattr(group_commit, "Condition", condition)
    monkeypatch.setattr(group_commit, "Pending", lambda subject: Pending(subject, called=lock()))
    read_models = PostgresReadModels(world.projector, VersionedCache())
    world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, read_models)
    return scheduler


class Desk:
    """Reports and reads, and compares what is answered with what another connection finds."""

    def __init__(self, world: World) -> None:
        self.staff = world.as_("staff")
        self.connection = psycopg.connect(world.conninfo, autocommit=True)
        self.acknowledged: set[str] = set()
        self.tag = self.shown = ""

    def committed(self) -> tuple[int, set[str]]:
        """Return how far the journal is, and the amounts in it, as everybody sees them."""
        rows = self.connection.execute(
            "SELECT notification_id, convert_from(state, 'UTF8')::json ->> 'amount'"
            " FROM journal.ledger_events"
        ).fetchall()
        return max(position for position, _ in rows), {amount for _, amount in rows}

    def report(self, first: int, key: str) -> None:
        for amount in (first, first + 1):
            body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": f"{amount}.00"}]}
            headers = {"Idempotency-Key": f"{key}-{amount}"} if amount % 2 else {}
            answer = self.staff.send("POST", f"{USAGES}set_usage/", json=body, headers=headers)
            if answer.status_code == 201:
                assert f"{amount}.00" in self.committed()[1], "acknowledged, and not stored"
                self.acknowledged.add(f"{amount}.00")
            else:
                assert answer.status_code == 409

    def read(self, between: Callable[[], None], times: int) -> None:
        seen = 0
        for _ in range(times):
            between()
            known = set(self.acknowledged)
            position = self.look()
            head, amounts = self.committed()
            assert seen <= position <= head
            assert not self.shown or self.shown in amounts, "shown before it was stored"
            assert self.shown or not known, "acknowledged, and not shown"
            seen = position

    def look(self) -> int:
        """Ask with the tag of the last answer. Return the position that is told."""
        headers: dict[str, Any] = {"If-None-Match": self.tag} if self.tag else {}
        answer = self.staff.send("GET", USAGES, headers=headers)
        if answer.status_code == 200:
            self.tag, rows = answer.headers["ETag"], answer.get_json()
            self.shown = rows[0]["usage"] if rows else ""
        return int(answer.headers["Ledger-Position"])


def test_what_is_answered_is_stored_and_what_is_shown_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(world)
    # As if somebody listened: what was published is believed without a look at the database.
    world.projector.shared_position.live_until(time.monotonic() + 3600)
    with desk.connection:
        for seed in range(SCHEDULES):
            scheduler = stepped(world, seed, monkeypatch)
            for number in (1, 2, 3):
                first = 1000 * (seed + 1) + 10 * number
                scheduler.add(f"reporter {number}", partial(desk.report, first, f"{seed}"))
            scheduler.add("reader", partial(desk.read, scheduler.point, 15))
            scheduler.run()
            standing = world.usages()[0]["usage"]
            assert standing in desk.acknowledged
            desk.look()
            assert desk.shown == standing, "a tag that did not change"
            amounts = [f"{fact.amount}" for fact in world.facts(UsageReported)]
            assert amounts[-1] == standing
            assert len(amounts) == len(desk.acknowledged), "each once"
