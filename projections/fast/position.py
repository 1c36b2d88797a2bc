"""How far the read models are, as all processes of one server know it: in shared memory, without locks."""

import fcntl
import mmap
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import NamedTuple, Self
from weakref import finalize

import psycopg

CELL = 8
LIVE_UNTIL, FRESH_AT, LINES = 0, 1, 2
"""Cells of the shared memory: until when the position is live, when the database was last known to have all
that its primary has, and where the processes' lines begin."""

LINE = 11
"""Cells of a line: how often it was written, and two copies of five values, of which every second is good."""

LISTENER = 0
"""Byte of the file that the listening process locks. Owners of lines lock the next ones."""


class BeingReplaced(psycopg.OperationalError):
    """A statement saw no row of tables that were put in place after it had begun. Its answer is not true."""

    def __init__(self) -> None:
        super().__init__("the read models are being replaced")


class End(NamedTuple):
    """The last fact that read models reflect: its position in the journal, and its digest."""

    position: int = 0
    digest: int = 0

    @classmethod
    def of(cls, values: Sequence[int] | None) -> Self:
        """Return the end that a statement has read.

        Raises BeingReplaced if there is none.
        """
        if values is None:
            raise BeingReplaced
        return cls(*values)


class KnownPosition(NamedTuple):
    """How far the read models are known to be.

    `described` is the position of the last fact that changed catalogue or rights. A `generation` lasts for
    as long as the database is where it was known to be; what was read in another one is of another history.
    The `edition` rises when a rebuild has made other rows of the same facts.
    """

    generation: int = 0
    end: End = End()
    described: int = 0
    edition: int = 0

    @property
    def version(self) -> tuple[int, ...]:
        """Return the version of catalogue and rights: it only rises, also where the database goes back."""
        return self.generation, self.edition, self.described


class SharedPosition:
    """The known position, which only advances within a generation. Processes that are forked later share it.

    Every process writes a line of its own, and the known position is the best of all lines. So there is no
    lock that a process could hold while it is stopped, and nobody waits: a reader in the middle of a change
    sees the line as it was before. A process that dies leaves its line to the next one.
    """

    def __init__(self, processes: int = 1) -> None:
        self._lines = 2 * processes  # some may start while their predecessors end
        size = CELL * (LINES + LINE * self._lines)
        self._file, path = mkstemp()
        Path(path).unlink()
        os.truncate(self._file, size)
        self._map = mmap.mmap(self._file, size)
        self._cells = memoryview(self._map).cast("q")
        finalize(self, os.close, self._file)
        self._lock = Lock()  # for the threads of this process
        self._owner, self._line = 0, 0
        self._seen = b"", KnownPosition()

    def known(self) -> KnownPosition:
        """Return what is known by all processes together."""
        lines = self._map[CELL * LINES :]
        seen, known = self._seen
        if lines != seen:
            found = [self._read(line) for line in range(self._lines)]
            generation = max(each.generation for each in found)
            current = [each for each in found if each.generation == generation]
            known = _best(current)
            self._seen = lines, known
        return known

    def advance(self, known: KnownPosition) -> None:
        """Advance to a position, unless a better one is known, or its generation has ended."""
        with self._lock:
            line = self._own_line()
            before = self._read(line)
            if known.generation < before.generation:
                return
            if known.generation == before.generation:
                known = _best([known, before])
            if known != before:
                self._write(line, known)

    def forget(self, generation: int) -> int:
        """End a generation, unless that was done. Return the one that follows, in which nothing is known."""
        self.advance(KnownPosition(generation + 1))
        return generation + 1

    def _read(self, line: int) -> KnownPosition:
        start = LINES + LINE * line
        while True:
            written = self._cells[start]
            copy = start + 1 + 5 * (written % 2)
            generation, position, digest, described, edition = self._cells[copy : copy + 5]
            if written == self._cells[start]:
                return KnownPosition(generation, End(position, digest), described, edition)

    def _write(self, line: int, known: KnownPosition) -> None:
        start = LINES + LINE * line
        written = self._cells[start] + 1
        copy = start + 1 + 5 * (written % 2)
        values = (known.generation, *known.end, known.described, known.edition)
        for cell, value in enumerate(values, copy):
            self._cells[cell] = value
        self._cells[start] = written

    def _own_line(self) -> int:
        """Return the line of this process. What its predecessor wrote stays until there is more to say."""
        if self._owner != os.getpid():
            self._line = next(line for line in range(self._lines) if self._locks(LISTENER + 1 + line))
            self._owner = os.getpid()
        return self._line

    def _locks(self, byte: int) -> bool:
        """Try to lock a byte for this process. It never waits: threads could wait in a circle."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    @property
    def is_live(self) -> bool:
        """Return whether a listener keeps this position current, so that no query is needed."""
        return time.monotonic_ns() < self._cells[LIVE_UNTIL]

    @contextmanager
    def listening(self) -> Iterator[bool]:
        """Hold the lease of the listener, if it is free. Yields whether this process has it now."""
        listens = self._locks(LISTENER)
        try:
            yield listens
        finally:
            if listens:
                self._cells[LIVE_UNTIL] = 0
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, LISTENER)

    def live_until(self, moment: float) -> None:
        """Declare the position live until a moment of the monotonic clock, in seconds."""
        self._cells[LIVE_UNTIL] = int(moment * 1e9)

    def fresh_at(self, moment: float) -> None:
        """Declare that the database had at a moment, of the monotonic clock, all that its primary had."""
        self._cells[FRESH_AT] = max(int(moment * 1e9), self._cells[FRESH_AT])

    @property
    def lag(self) -> float | None:
        """Return how many seconds ago the database was last known to have all, None if it never was."""
        at = self._cells[FRESH_AT]
        return (time.monotonic_ns() - at) / 1e9 if at else None


def _best(known: Sequence[KnownPosition]) -> KnownPosition:
    """Return what is known together, all of it in one generation."""
    return KnownPosition(
        known[0].generation,
        max(each.end for each in known),
        max(each.described for each in known),
        max(each.edition for each in known),
    )
