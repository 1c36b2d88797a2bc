"""Group commit: under load, one caller works for all who wait."""

import sys
from collections.abc import Callable, Sequence
from threading import Condition, Lock
from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

S = TypeVar("S")
R = TypeVar("R")

GATHERING_SECONDS = 0.0005
"""How long a turn waits for those who were served just before: under load their next is on its way."""


STALLED_SECONDS = 2.0
"""After how long a wait a turn is taken to stand still: then only few may wait for it."""


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


class TooMany(Exception):
    """As many wait for a turn that stands still as there may be. Nothing was begun."""


class Turns(Generic[S, R]):
    """Hands what comes in while others are worked on to the next turn, all of it at once.

    So a turn costs each of many little, and one who comes alone does not wait. `work` sets result or
    error of every task that it is given; what it raises goes to all of them. What comes together is up to
    `most` in all by `size`, or one alone. While a turn stands still `room` may wait, so that not every thread
    of a server does.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Task[S, R]]], None],
        patience: float,
        *,
        size: Callable[[S], int] = lambda _: 1,
        most: int = sys.maxsize,
        room: int = sys.maxsize,
    ) -> None:
        self._work, self._patience = work, patience
        self._size, self._most, self._room = size, most, room
        self._is_stalled = False
        self._guard = Condition()
        self._is_somebodys_turn = False
        self._waiting: list[Task[S, R]] = []
        self._served = 0, 0  # in the last two turns: those who come one by one may well be one

    def take(self, subject: S) -> R:
        """Returns the result of `subject`, whoever worked on it. Raises its error, TookTooLong, TooMany."""
        task: Task[S, R] = Task(subject)
        with self._guard:
            if self._is_stalled and len(self._waiting) >= self._room:
                raise TooMany
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
        first = min(STALLED_SECONDS, self._patience)
        if task.called.acquire(timeout=first) or self._is_called(task, self._room, TooMany):
            return
        if task.called.acquire(timeout=self._patience - first) or self._is_called(task, 0, TookTooLong):
            return
        task.called.acquire()

    def _is_called(self, task: Task[S, R], room: int, refusal: type[Exception]) -> bool:
        """Return whether it is. Raises the refusal if it waits behind as many as there is room for."""
        with self._guard:
            if task.called.acquire(blocking=False):
                return True
            self._is_stalled = True
            if task in self._waiting[room:]:
                self._waiting.remove(task)
                raise refusal
        return False

    def _work_for_all(self) -> None:
        with self._guard:
            expected = sum(self._served)
            if expected > len(self._served):
                self._guard.wait_for(lambda: len(self._waiting) >= expected, GATHERING_SECONDS)
            tasks = self._next()
            self._served = self._served[1], len(tasks)
        try:
            self._work(tasks)
        except BaseException as error:
            for task in tasks:
                if not task.is_done:
                    task.error = error
        with self._guard:
            self._is_stalled = False
            self._is_somebodys_turn = bool(self._waiting)
            for task in [*tasks, *self._waiting[:1]]:  # the last of them to work for all the others
                task.called.release()

    def _next(self) -> list[Task[S, R]]:
        """Takes those who wait and go together: the first in any case."""
        number, size = 0, 0
        for task in self._waiting:
            size += self._size(task.subject)
            if number and size > self._most:
                break
            number += 1
        tasks, self._waiting = self._waiting[:number], self._waiting[number:]
        return tasks
