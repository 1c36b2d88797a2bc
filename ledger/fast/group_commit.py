"""Group commit: whatever arrives while a batch is worked on becomes the next batch."""

import sys
from collections.abc import Callable, Sequence
from threading import Condition, Lock
from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

S = TypeVar("S")
R = TypeVar("R")

GROUP_COMMIT_DELAY_SECONDS = 0.0005
"""How long a batch waits for those who were served just before: under load their next is on its way."""

STALLED_SECONDS = 2.0
"""After how long a wait a batch is taken to stand still: then only few may wait for it."""


class Pending(Struct, Generic[S, R], eq=False):
    """What somebody waits for. `result` or `error` is set once it is worked on."""

    subject: S
    result: R | UnsetType = UNSET
    error: BaseException | None = None
    called: Lock = field(default_factory=Lock)
    """Held until there is a result or an error, or whoever waits for it is to work."""

    def __post_init__(self) -> None:
        self.called.acquire()

    def settle(self, result: R | Exception) -> None:
        """Set the result, or the error if it is one."""
        if isinstance(result, Exception):
            self.error = result
        else:
            self.result = result

    @property
    def is_settled(self) -> bool:
        """Return whether there is a result or an error."""
        return self.result is not UNSET or self.error is not None


class TookTooLong(Exception):
    """Timed out in the queue; nothing was begun."""


class TooMany(Exception):
    """As many wait for a batch that stands still as there may be. Nothing was begun."""


class GroupCommit(Generic[S, R]):
    """Has one caller work for all who wait.

    So a batch costs each of many little, and one who comes alone does not wait. `work` settles every one of
    the batch that it is given; what it raises goes to all of them. A batch has up to `most` in all by `size`,
    or one alone. While a batch stands still (`is_stalled`) `room` may wait, so that not every thread of a
    server does.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Pending[S, R]]], None],
        patience: float,
        *,
        size: Callable[[S], int] = lambda _: 1,
        most: int = sys.maxsize,
        room: int = sys.maxsize,
    ) -> None:
        self._work, self._patience = work, patience
        self._size, self._most, self._room = size, most, room
        self.is_stalled = False
        self._guard = Condition()
        self._is_somebody_working = False
        self._waiting: list[Pending[S, R]] = []
        self._served = 0, 0  # in the last two batches: those who come one by one may well be one

    @property
    def waiting(self) -> int:
        """Return how many wait for the next batch."""
        return len(self._waiting)

    def submit(self, subject: S) -> R:
        """Return the result of `subject`, whoever worked on it. Raises its error, TookTooLong, TooMany."""
        pending: Pending[S, R] = Pending(subject)
        with self._guard:
            if self.is_stalled and len(self._waiting) >= self._room:
                raise TooMany
            self._waiting.append(pending)
            self._guard.notify()
            has_to_wait, self._is_somebody_working = self._is_somebody_working, True
        if has_to_wait:
            self._await(pending)
        if not pending.is_settled:
            self._work_for_all()
        if pending.error is not None:
            raise pending.error
        assert not isinstance(pending.result, UnsetType)
        return pending.result

    def _await(self, pending: Pending[S, R]) -> None:
        """Return when it is settled, or its caller is to work."""
        first = min(STALLED_SECONDS, self._patience)
        if pending.called.acquire(timeout=first) or self._is_called(pending, self._room, TooMany):
            return
        if pending.called.acquire(timeout=self._patience - first) or self._is_called(pending, 0, TookTooLong):
            return
        pending.called.acquire()

    def _is_called(self, pending: Pending[S, R], room: int, refusal: type[Exception]) -> bool:
        """Return whether it is called. Raises the refusal if it waits behind as many as there is room for."""
        with self._guard:
            if pending.called.acquire(blocking=False):
                return True
            self.is_stalled = True
            if pending in self._waiting[room:]:
                self._waiting.remove(pending)
                raise refusal
        return False

    def _work_for_all(self) -> None:
        with self._guard:
            expected = sum(self._served)
            if expected > len(self._served):
                self._guard.wait_for(lambda: len(self._waiting) >= expected, GROUP_COMMIT_DELAY_SECONDS)
            batch = self._next()
            self._served = self._served[1], len(batch)
        try:
            self._work(batch)
        except BaseException as error:
            for pending in batch:
                if not pending.is_settled:
                    pending.error = error
        with self._guard:
            self.is_stalled = False
            self._is_somebody_working = bool(self._waiting)
            for pending in [*batch, *self._waiting[:1]]:  # the last of them to work for all the others
                pending.called.release()

    def _next(self) -> list[Pending[S, R]]:
        """Take those who wait and go together: the first in any case."""
        number, size = 0, 0
        for pending in self._waiting:
            size += self._size(pending.subject)
            if number and size > self._most:
                break
            number += 1
        batch, self._waiting = self._waiting[:number], self._waiting[number:]
        return batch
