"""How long a request has waited here. One that its sender gave up must not win over newer ones.

What a sender gave up it sends again, perhaps to another server, and then newer reports. So what has waited
too long is refused right before it would be stored. The wait is counted from when Python had the whole
request; where the process stood still before that, from when it began to. What can't be seen from here is how
long a request was on its way, in a proxy for instance, or waited for a thread.
"""

import os
import time
from collections.abc import Callable
from functools import cache
from threading import Lock, Thread

LONGEST_SECONDS = 30.0
"""How long a request may wait until it is stored. Clients give up after a minute, or earlier."""

BEAT_SECONDS, MISSED_SECONDS = 0.1, 1.0
"""How often a process notes that it runs, and after how long without that it stood still."""

AFTER_SECONDS = 5.0
"""For how long what is read after that may have come before."""


def seconds() -> float:
    """Return the time of a clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Pulse:
    """Notices when the process stood still: was stopped, swapped out, or had no processor."""

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock, self._guard = clock, Lock()
        self._last = clock()
        self._since = self._until = self._last - AFTER_SECONDS

    def start(self) -> None:
        Thread(target=self._run, daemon=True, name="pulse").start()

    def _run(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            self.earliest()

    def earliest(self) -> float:
        """Return the first moment at which what is read now may have come."""
        with self._guard:
            last, now = self._last, self._clock()
            if now - last > MISSED_SECONDS:
                if last >= self._until + AFTER_SECONDS:  # else what came before may still be there
                    self._since = last
                self._until = now
            self._last = now
            return self._since if now < self._until + AFTER_SECONDS else now


@cache
def pulse() -> Pulse:
    """Return the pulse of this process, which is started when it is first asked for."""
    made = Pulse()
    made.start()
    return made


os.register_at_fork(after_in_child=pulse.cache_clear)  # its thread stays behind


def overdue(received: float) -> Callable[[], bool]:
    """Return a function that says, whenever it is called, whether what was received then waited too long."""
    return lambda: seconds() - received > LONGEST_SECONDS
