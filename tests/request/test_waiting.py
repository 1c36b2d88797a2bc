"""A report that was given up does not come back and win over newer ones."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from ledger.events import UsageReported
from tests.support.queueing import queue, report
from tests.support.served import Reply, Served, served
from tests.support.waiting import wait_until
from tests.world import RESOURCE, USAGES, World
from web.limits import deadline as waiting
from web.limits.deadline import AFTER_SECONDS, Pulse

OVERDUE = {
    "detail": "The request has waited here for so long that its sender may have given it up."
    " Nothing was stored; send it again if it still holds."
}

SHORT = """
from web.limits import deadline as waiting
waiting.LONGEST_SECONDS, waiting.MISSED_SECONDS, waiting.AFTER_SECONDS = 1.5, 1, 1
"""


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_read_after_a_standstill_may_have_come_when_that_began() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(20):
        assert pulse.earliest() == clock.now
        clock.go_on(0.1)
    began = clock.now - 0.1
    clock.go_on(60)
    assert pulse.earliest() == began
    clock.go_on(AFTER_SECONDS / 2)
    for _ in range(5):
        clock.go_on(0.1)
        assert pulse.earliest() == began
    clock.go_on(40)
    assert pulse.earliest() == began, "it stood still again before all could have been read"
    while pulse.earliest() == began:
        clock.go_on(0.1)
    assert pulse.earliest() == clock.now


@pytest.fixture(name="service")
def running(world: World, world_url: str) -> Iterator[Served]:
    with served(world_url, change=SHORT) as service:
        yield service


@pytest.mark.skipif(sys.platform != "linux", reason="workers are found in /proc")
def test_what_came_while_a_worker_stood_still_for_long_is_refused(world: World, service: Served) -> None:
    (worker,) = service.workers

    def send(amount: int) -> Reply:
        body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": amount}]}
        authorization = world.as_("staff").authorization
        return service.post(f"{USAGES}set_usage/", json.dumps(body).encode(), Authorization=authorization)

    assert send(1).status == 201
    os.kill(worker, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(12) as pool:
            told = [pool.submit(send, amount) for amount in range(2, 14)]
            time.sleep(2.5)
            os.kill(worker, signal.SIGCONT)
            replies = [each.result() for each in told]
    finally:
        os.kill(worker, signal.SIGCONT)
    assert [(reply.status, reply.json) for reply in replies] == [(503, OVERDUE)] * 12
    assert {reply.headers["Retry-After"] for reply in replies} == {"1"}
    assert [row["usage"] for row in world.usages()] == ["1.00"]
    wait_until(lambda: send(20).status == 201)
    assert [row["usage"] for row in world.usages()] == ["20.00"]


def test_what_waits_too_long_for_its_turn_is_refused_and_others_are_stored(
    world: World, world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = world.as_("staff")
    with queue(world, world_url) as waiting_:
        monkeypatch.setattr(waiting, "LONGEST_SECONDS", 1.5)
        old = waiting_.add(report(staff, 1))
        time.sleep(1.6)
        new = waiting_.add(report(staff, 2))
    late: TestResponse = old.result()
    assert (late.status_code, late.get_json(), new.result().status_code) == (503, OVERDUE, 201)
    assert [row["usage"] for row in world.usages(resource_uuid=RESOURCE)] == ["2.00"]
    assert late.headers["Retry-After"] == "1"


def test_what_waits_too_long_for_the_journal_is_taken_back(
    world: World, world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def is_overdue() -> bool:
        asked.append(len(asked) > 0)  # not yet when it is decided
        return asked[-1]

    with queue(world, world_url) as waiting_:
        new = waiting_.add(report(world.as_("staff"), 2))
        monkeypatch.setattr("web.request.submit.overdue", lambda _: is_overdue)
        late = waiting_.add(report(world.as_("staff"), 3))
    assert (late.result().status_code, new.result().status_code) == (503, 201)
    assert asked == [False, True, True]
    assert [fact.amount for fact in world.facts(UsageReported)][1:] == [2]
