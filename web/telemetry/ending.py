"""What is done when a worker ends: its last lines are written, its last spans are sent."""

from collections.abc import Callable
from threading import Thread, main_thread


def at_end(act: Callable[[], object]) -> None:
    """Call a function once the main thread of this process has ended, before the process does.

    A forked process calls nothing that is registered with `atexit`, but waits for threads that are no
    daemons.
    """

    def run() -> None:
        main_thread().join()
        act()

    Thread(target=run, name="ending").start()
