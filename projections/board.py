"""How far the read models are known to be, for all processes of one server to see."""

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from weakref import finalize

SIZE = 24
WRITING, WATCHING = 0, 1
"""Bytes of the file that are locked."""


class Board:
    """Two positions of the journal that only rise. Processes that are forked after it is made share it.

    `position` is that of the last fact that the read models reflect, `described` that of the last one that
    said anything else than usage. One process may watch what others than these do, and put it here. A process
    that dies leaves no lock behind.
    """

    def __init__(self) -> None:
        self._file, path = mkstemp()
        Path(path).unlink()
        os.truncate(self._file, SIZE)
        self._values = memoryview(mmap.mmap(self._file, SIZE)).cast("q")
        finalize(self, os.close, self._file)
        self._lock = Lock()  # the file's keeps processes apart, and not threads

    @property
    def position(self) -> int:
        return self._values[0]

    @property
    def described(self) -> int:
        return self._values[1]

    def rise(self, position: int, described: int) -> None:
        if position <= self.position and described <= self.described:
            return
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, WRITING)
            try:
                self._values[1] = max(described, self.described)
                self._values[0] = max(position, self.position)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, WRITING)

    @property
    def is_watched(self) -> bool:
        """Whether what others do is sure to be put here at once."""
        return time.monotonic_ns() < self._values[2]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Waits until no other process watches, and then keeps them waiting."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, WATCHING)
        try:
            yield
        finally:
            self._values[2] = 0
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, WATCHING)

    def watched_until(self, moment: float) -> None:
        """Says for how long one may rely on it, in seconds of the monotonic clock."""
        self._values[2] = int(moment * 1e9)
