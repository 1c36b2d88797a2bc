"""Room for large bodies: how much a process has in memory at a time of what requests bring.

Small bodies are not counted: there are no more of them than threads.
"""

from collections.abc import Callable
from contextlib import suppress
from ctypes import CDLL
from functools import partial
from threading import Lock

from ledger.errors import Busy

SMALL = 10_000
"""Bodies of up to this size, in values, are not counted."""

ROOM, ROOM_OF_OTHERS = 500_000, 250_000
"""How many values the large bodies of a process may have together: those of callers who may report somewhere,
and those of others, who never take the room of the first."""

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8


class Gate:
    """Lets in what finds room beside what is inside, and in any case what comes alone."""

    def __init__(self, room: int) -> None:
        self._room, self._taken, self._guard = room, 0, Lock()

    def enter(self, size: int) -> bool:
        """Return whether there was room, which is taken then until `leave`."""
        with self._guard:
            is_free = not self._taken or self._taken + size <= self._room
            self._taken += size if is_free else 0
        return is_free

    def leave(self, size: int) -> None:
        with self._guard:
            self._taken -= size


class Gates:
    """The two gates of a process: that of callers who may report somewhere, and that of others."""

    def __init__(self) -> None:
        self.of_reporters, self.of_others = Gate(ROOM), Gate(ROOM_OF_OTHERS)

    def enter(self, size: int, *, is_reporter: bool) -> Callable[[], None]:
        """Take room for a body of a size in values. Return the function that gives it back. Raises Busy."""
        gate = self.of_reporters if is_reporter else self.of_others
        if not gate.enter(size):
            raise Busy
        return partial(gate.leave, size)


def give_back_memory() -> None:
    """Have glibc give large blocks back to the system as soon as they are free.

    It would keep as much for each thread as that ever had at a time, and its threshold would rise. Does
    nothing where the C library is another one.
    """
    with suppress(AttributeError, OSError):
        mallopt = CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 256 * 1024)
        mallopt(M_ARENA_MAX, 2)
