"""Group commit, whoever goes on when: each report is answered once, and nobody waits for ever."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from ledger.fast import group_commit
from ledger.fast.group_commit import GroupCommit, Pending, TookTooLong, TooMany
from tests.schedules.scheduler import Scheduler, SteppedCondition, SteppedLock, Stuck

FILES = ("ledger/fast/group_commit.py",)
SCHEDULES = 100


class Refused(Exception):
    """What work says to some."""


class Run:
    """Threads that submit numbers to group commit: every fifth is refused, and a 13 breaks its batch."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        calm = (0.3, 0.7, 0.9)[seed % 3]
        self.scheduler = scheduler = Scheduler(seed, FILES, calm)

        class Lock(SteppedLock):
            pass

        class Condition(SteppedCondition):
            pass

        Lock.scheduler = Condition.scheduler = scheduler

        def pending(subject: int) -> Pending[int, str]:
            return Pending(subject, called=Lock())  # type: ignore[arg-type]

        monkeypatch.setattr(group_commit, "Condition", Condition)
        monkeypatch.setattr(group_commit, "Pending", pending)
        self.group = GroupCommit[int, str](self.work, 1.0, **options)
        self.worked, self.batches = Counter[int](), list[int]()
        self.answers: dict[int, object] = {}
        self.is_at_work = False

    def work(self, batch: Sequence[Pending[int, str]]) -> None:
        assert not self.is_at_work, "two work at a time"
        self.is_at_work = True
        self.batches.append(len(batch))
        try:
            for each in batch:
                self.worked[each.subject] += 1
                self.scheduler.point("work")
                if each.subject == 13:
                    raise ZeroDivisionError
                each.settle(Refused(each.subject) if each.subject % 5 == 4 else str(each.subject))
        finally:
            self.is_at_work = False

    def submit(self, number: int) -> None:
        assert number not in self.answers
        try:
            self.answers[number] = self.group.submit(number)
        except (Refused, TookTooLong, TooMany, ZeroDivisionError) as error:
            self.answers[number] = error

    def submit_again(self, first: int) -> None:
        for again in range(3):
            self.submit(first + 100 * again)

    def check(self, numbers: Sequence[int]) -> None:
        """Hold every answer to what was worked on."""
        assert self.answers.keys() == set(numbers)
        for number, answer in self.answers.items():
            if isinstance(answer, TookTooLong | TooMany):
                assert self.worked[number] == 0, f"{number} was refused, and worked on"
                continue
            is_broken = isinstance(
                answer, ZeroDivisionError
            )  # by another one of its batch, maybe before its turn
            assert self.worked[number] == 1 or (is_broken and self.worked[number] == 0)
            if isinstance(answer, Refused):
                assert answer.args == (number,)
                assert number % 5 == 4
            elif isinstance(answer, str):
                assert answer == str(number)
        assert self.group.waiting == 0
        assert self.group.submit(1000) == "1000", "who comes later is served"


@pytest.mark.parametrize("options", [{}, {"most": 2}, {"room": 1}])
def test_each_is_answered_once_whoever_goes_on_when(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, int]
) -> None:
    for seed in range(SCHEDULES):
        run = Run(seed, monkeypatch, **options)
        numbers = [1, 2, 4, 13, 5]
        for number in numbers:
            run.scheduler.add(str(number), partial(run.submit, number))
        run.scheduler.run()
        run.check(numbers)


def test_who_comes_again_is_served_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(SCHEDULES):
        run = Run(seed, monkeypatch)

        for number in (1, 2, 3):
            run.scheduler.add(str(number), partial(run.submit_again, number))
        run.scheduler.run()
        run.check([number + 100 * again for number in (1, 2, 3) for again in range(3)])


def test_who_waits_for_ever_is_found() -> None:
    one, other = SteppedLock(), SteppedLock()

    def take(first: SteppedLock, second: SteppedLock) -> None:
        with first, second:
            pass

    def cross(seed: int) -> None:
        scheduler = SteppedLock.scheduler = Scheduler(seed, calm=0.1)
        one.is_held = other.is_held = False
        scheduler.add("one", lambda: take(one, other))
        scheduler.add("other", lambda: take(other, one))
        scheduler.run()

    with pytest.raises(Stuck):
        list(map(cross, range(50)))
