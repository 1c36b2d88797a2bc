"""Runs threads one at a time, in an order that a seed decides, and lets them change places at any line.

Only lines of the files that are traced count, and what locks and conditions do: those have to be the ones
below, which never wait for real. A wait with a timeout may end at any moment, as nobody knows how long the
others take. Where nobody can go on, that is found, with where everybody is.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from random import Random
from types import FrameType
from typing import Any, Literal, Self

LONGEST = 20_000
"""Steps of a schedule. One of more goes round in a circle."""


class Stuck(AssertionError):
    """Nobody can go on, or nobody ends."""


class Task:
    """A thread that goes on when it is told to."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name, self.work = name, work
        self.go = threading.Semaphore(0)
        self.is_done = False
        self.error: BaseException | None = None
        self.waits_for: Callable[[], bool] | None = None
        self.has_timeout = False
        self.line = ""

    @property
    def may_go_on(self) -> bool:
        return not self.is_done and (self.waits_for is None or self.has_timeout or self.waits_for())


class Scheduler:
    """Steps tasks. `calm` is how likely the same one goes on, from 0 to 1."""

    def __init__(self, seed: int, traced: Iterable[str] = (), calm: float = 0.7) -> None:
        self._chance, self._traced, self._calm = Random(seed), tuple(traced), calm  # noqa: S311
        self._tasks: list[Task] = []
        self._back = threading.Semaphore(0)
        self._steps = 0
        self.seed = seed

    @property
    def current(self) -> Task | None:
        """Return the task that this thread is, None for all other threads."""
        return getattr(threading.current_thread(), "stepped", None)

    def add(self, name: str, work: Callable[[], object]) -> None:
        """Have a task be there when `run` begins."""
        self._tasks.append(Task(name, work))

    def run(self) -> None:
        """Step all tasks until they have ended. Raises Stuck, and what the first one of them raised."""
        for task in self._tasks:
            thread = threading.Thread(target=self._begin, args=[task], name=task.name, daemon=True)
            thread.stepped = task  # type: ignore[attr-defined]
            thread.start()
        last: Task | None = None
        while open_ := [task for task in self._tasks if not task.is_done]:
            able = [task for task in open_ if task.may_go_on]
            # Time passes for those who wait for it only where somebody chose so, or nobody else can go on.
            ready = [task for task in able if task.waits_for is None or task.waits_for()]
            if ready and self._chance.random() < 0.95:
                able = ready
            self._steps += 1
            if not able or self._steps > LONGEST:
                where = "; ".join(f"{task.name} at {task.line}" for task in open_)
                raise Stuck(f"seed {self.seed}: {where}")
            if last not in able or self._chance.random() > self._calm:
                last = self._chance.choice(able)
            assert last is not None
            last.go.release()
            self._back.acquire()
        for task in self._tasks:
            if task.error:
                raise AssertionError(f"seed {self.seed}: {task.name}") from task.error

    def _begin(self, task: Task) -> None:
        task.go.acquire()
        sys.settrace(self._trace)
        try:
            task.work()
        except BaseException as error:
            task.error = error
        finally:
            sys.settrace(None)
            task.is_done = True
            self._back.release()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.endswith(self._traced):
            return None
        if event == "line":
            self.point(f"{frame.f_code.co_name}:{frame.f_lineno}")
        return self._trace

    def point(self, line: str = "") -> None:
        """Let others go on here, if this thread is a task."""
        if task := self.current:
            task.line = line or task.line
            self._back.release()
            task.go.acquire()

    def wait(self, until: Callable[[], bool], *, has_timeout: bool) -> bool:
        """Wait for a condition. Return whether it holds: it may not where there is a timeout."""
        task = self.current
        if task is None:  # nobody else goes on meanwhile
            assert has_timeout or until(), "only tasks wait"
            return until()
        task.waits_for, task.has_timeout = until, has_timeout
        self.point()
        task.waits_for, task.has_timeout = None, False
        return until()


class SteppedLock:
    """What `threading.Lock` is, for tasks."""

    scheduler: Scheduler

    def __init__(self) -> None:
        self.is_held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self.scheduler.point()
        if self.is_held and blocking and self.scheduler.current:
            self.scheduler.wait(lambda: not self.is_held, has_timeout=timeout >= 0)
        if self.is_held:
            return False
        self.is_held = True
        return True

    def release(self) -> None:
        assert self.is_held, "released twice"
        self.is_held = False
        self.scheduler.point()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self.release()
        return False


class SteppedCondition(SteppedLock):
    """What `threading.Condition` is, for tasks. Nobody has to be told that they may look again."""

    def notify(self, n: int = 1) -> None:
        assert self.is_held

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        assert self.is_held
        self.is_held = False
        self.scheduler.wait(lambda: not self.is_held and predicate(), has_timeout=timeout is not None)
        while self.is_held:
            self.scheduler.wait(lambda: not self.is_held, has_timeout=False)
        self.is_held = True
        return predicate()
