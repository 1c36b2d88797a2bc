"""Group commit: under load, one caller works for all who wait."""

from collections.abc import Callable, Sequence
from threading import Condition, Lock
from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

S = TypeVar("S")
R = TypeVar("R")


GATHERING_SECONDS = 0.0005
"""How long a turn waits for those who were served just before: under load their next is on its way."""


class Task(Struct, Generic[S, R], eq=False):
    """What somebody waits for. `result` or `error` is set once it is done."""

    subject: S
    result: R | UnsetType = UNSET
    error: BaseException | None = None
    called: Lock = field(default_factory=Lock)
    """Held until the task is done, or whoever waits for it is to work."""

    def __post_init__(self) -> None:
        self.called.acquire()

    @property
    def is_done(self) -> bool:
        return self.result is not UNSET or self.error is not None


class TookTooLong(Exception):
    """It did not come to be anybody's turn in time. Nothing was begun."""


class Turns(Generic[S, R]):
    """Hands what comes in while others are worked on to the next turn, all of it at once.

    So a turn costs each of many little, and one who comes alone does not wait. `work` sets result or
    error of every task that it is given; what it raises goes to all of them.
    """

    def __init__(self, work: Callable[[Sequence[Task[S, R]]], None], patience: float) -> None:
        self._work, self._patience = work, patience
        self._guard = Condition()
        self._is_somebodys_turn = False
        self._waiting: list[Task[S, R]] = []
        self._served = 0, 0  # in the last two turns: those who come one by one may well be one

    def take(self, subject: S) -> R:
        """Returns the result of `subject`, whoever worked on it. Raises its error, or TookTooLong."""
        task: Task[S, R] = Task(subject)
        with self._guard:
            self._waiting.append(task)
            self._guard.notify()
            has_to_wait, self._is_somebodys_turn = self._is_somebodys_turn, True
        if has_to_wait:
            self._await(task)
        if not task.is_done:
            self._work_for_all()
        if task.error is not None:
            raise task.error
        assert not isinstance(task.result, UnsetType)
        return task.result

    def _await(self, task: Task[S, R]) -> None:
        """Returns when the task is done, or it is its turn."""
        if task.called.acquire(timeout=self._patience):
            return
        with self._guard:
            was_called = task.called.acquire(blocking=False)
            if not was_called and task in self._waiting:
                self._waiting.remove(task)
                raise TookTooLong
        if not was_called:
            task.called.acquire()

    def _work_for_all(self) -> None:
        with self._guard:
            expected = sum(self._served)
            if expected > len(self._served):
                self._guard.wait_for(lambda: len(self._waiting) >= expected, GATHERING_SECONDS)
            tasks, self._waiting = self._waiting, []
            self._served = self._served[1], len(tasks)
        try:
            self._work(tasks)
        except BaseException as error:
            for task in tasks:
                if not task.is_done:
                    task.error = error
        with self._guard:
            self._is_somebodys_turn = bool(self._waiting)
            for task in [*tasks, *self._waiting[:1]]:  # the last of them to work for all the others
                task.called.release()
