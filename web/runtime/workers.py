"""The worker processes: granian's, each with a beat, and another one for each that dies or stands still.

granian has no public way to replace its main loop, so `Server` overrides private methods of MPServer:
`_serve_loop`, `_spawn_worker` and `_stop_workers`. Price: a new granian may break this, so
it is pinned to a minor version, and a test compares these methods with granian's own. The other ways cost
more. MTServer, in processes of our own, refuses to start on a Python with a GIL. The embedded server does not
serve WSGI. An MPServer for each worker, below a parent of our own, would use public names only, but needs a
second process for each worker, and signals would pass through two.

granian's own metrics stay off: they run threads in this process, and a worker that is forked while one of
them holds a lock never takes a request, although its connections are accepted. That was one start in about a
hundred. Price: nobody tells how many connections are open.
"""

import logging
import mmap
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import kill
from pathlib import Path
from threading import Thread
from typing import Any

from granian.server import MPServer
from granian.server.mp import WorkerProcess

from web.telemetry.folder import RESPAWNS

log = logging.getLogger(__name__)

STOPPING = {signal.SIGTERM, signal.SIGINT}

LOOK_SECONDS = 1.0
"""Workers beat so often, and their beats are looked at as often."""

STALLED_SECONDS = 10.0
"""A worker without a beat for so long is killed: the kernel hands it connections that nobody answers."""

STARTS = 5
"""The server ends when more workers than these die in a row before any has served.

Once it has served it goes on trying, as workers can not start for as long as the database is away.
"""

BEGIN_SECONDS = 1.0
"""A worker waits for signals at the latest so long after its first beat; most take some milliseconds."""

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
"""The pause before the next worker, where the last one died before it served; doubled each time."""


class Beats:
    """The time of each worker's last beat, in memory that it shares with its parent."""

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")
        self._first = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")

    def expect(self, worker: int) -> None:
        """Forget the beats of a worker's predecessor."""
        self._cells[worker] = self._first[worker] = 0

    def keep(self, worker: int) -> None:
        """Beat from now on, in a thread of its own, for this worker."""
        self._cells[worker] = self._first[worker] = time.monotonic_ns()
        Thread(target=self._go_on, args=(worker,), daemon=True, name="beat").start()

    def _go_on(self, worker: int) -> None:
        while True:
            self._cells[worker] = time.monotonic_ns()
            time.sleep(LOOK_SECONDS)

    def has_served(self, worker: int) -> bool:
        """Return whether a worker has beaten at all."""
        return self._cells[worker] > 0

    def serving(self, worker: int) -> float:
        """Return the seconds since a worker's first beat; 0 before that."""
        return time.monotonic() - self._first[worker] / 1e9 if self._first[worker] else 0.0

    def silent(self, worker: int) -> float:
        """Return the seconds since the last beat of a worker that has served; 0 for others."""
        return time.monotonic() - self._cells[worker] / 1e9 if self.has_served(worker) else 0.0


class Server(MPServer):
    """granian's server, which calls back when it accepts, loses no signal, and goes on when workers die.

    granian's own gives up when a worker dies twice within some seconds, whatever it had served in between.
    """

    def __init__(
        self,
        address: tuple[Any, ...],
        workers: int,
        when_ready: Callable[[], None],
        metrics: Path | None = None,
        **options: Any,
    ) -> None:
        host, port = address[:2]
        super().__init__(
            "",
            address=host,
            port=port,
            workers=workers,
            **options,
        )
        self._when_ready, self._beats, self._metrics_folder = when_ready, Beats(workers), metrics
        self._is_ready, self._respawns = False, 0

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        with signals_held():
            super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        while not self.interrupt_signal and any(worker.inner.is_alive() for worker in self.wrks):
            if self._tell_if_ready():
                break
            time.sleep(0.01)

    def _tell_if_ready(self) -> bool:
        """Call back once, when connections are accepted: later than at first where all workers died then."""
        if not self._is_ready and accepts(self.bind_addr, self.bind_port):
            self._is_ready = True
            self._when_ready()
        return self._is_ready

    def _spawn_worker(  # type: ignore[override]
        self, idx: int, target: Any, callback_loader: Any
    ) -> WorkerProcess:
        self._beats.expect(idx)

        def load() -> Any:
            application = callback_loader()
            self._beats.keep(idx)
            return application

        return super()._spawn_worker(idx, target, load)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        respawn = partial(self._respawn_workers, spawn_target=spawn_target, target_loader=target_loader)
        failures, awake, has_served = 0, Awake(), False
        while not self.interrupt_signal:
            self._pause(LOOK_SECONDS, until=lambda: self.reload_signal or bool(self.interrupt_children))
            self._tell_if_ready()
            if self.reload_signal and not self.interrupt_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            if awake.for_seconds() > STALLED_SECONDS:
                self._kill_stalled()
            has_served = has_served or any(map(self._beats.has_served, range(self.workers)))
            for idx in self.interrupt_children[:]:
                failures = 0 if self._beats.has_served(idx) else failures + 1
                if failures > STARTS and not has_served:
                    log.error("%d workers died, and none has served: giving up", failures)
                    return  # with exit code 1, as this one is still among the dead
                self._replace(idx, respawn, pause_after(failures))

    def _stop_workers(self) -> None:
        """Stop all workers; kill those that have not begun to serve, and wait until the others have.

        granian loses a signal that meets a worker while it begins to serve, and waits for it in vain.
        """
        for worker in self.wrks:
            while worker.inner.is_alive() and (serving := self._beats.serving(worker.idx)) < BEGIN_SECONDS:
                if not serving:
                    worker.interrupt_by_parent = True
                    kill(worker.inner.pid, signal.SIGKILL)
                time.sleep(0.02)
        super()._stop_workers()  # type: ignore[no-untyped-call]

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """Note the signal and no more: granian sets an Event, whose lock the interrupted one may hold."""
        self.interrupt_signal = True

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        self.reload_signal = True

    def _pause(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Wait, but no longer than until the server is to stop, or until `until` is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.interrupt_signal and not until():
            time.sleep(0.02)

    def _replace(self, idx: int, respawn: Callable[..., None], pause: float) -> None:
        log.warning(
            "Worker %d ended with %s: another one starts in %g s",
            idx + 1,
            self.wrks[idx].inner.exitcode,
            pause,
        )
        self._pause(pause)
        if not self.interrupt_signal:
            self.interrupt_children.remove(idx)
            with signals_held():
                respawn([idx])
            self._respawns += 1
            if self._metrics_folder:
                (self._metrics_folder / RESPAWNS).write_text(str(self._respawns))

    def _kill_stalled(self) -> None:
        for worker in self.wrks:
            if (seconds := self._beats.silent(worker.idx)) > STALLED_SECONDS and worker.inner.is_alive():
                log.error("Worker %d has said nothing for %d s: killing it", worker.idx + 1, seconds)
                kill(worker.inner.pid, signal.SIGKILL)  # not as the parent does it, which is no accident


def pause_after(failures: int) -> float:
    """Return the seconds to wait with the next worker after so many that died before they served."""
    return min(PAUSE_SECONDS * 2 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS) if failures else 0.0


class Awake:
    """The time for which this process has been running without being stopped, as a whole system may be."""

    def __init__(self) -> None:
        self._since = self._looked = time.monotonic()

    def for_seconds(self) -> float:
        """Return the seconds since the last stop. To be called at every look."""
        before, self._looked = self._looked, time.monotonic()
        if self._looked - before > 3 * LOOK_SECONDS:
            self._since = self._looked
        return self._looked - self._since


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back while a worker starts, until it can act on them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def accepts(host: str, port: int) -> bool:
    """Return whether a connection to a port is accepted."""
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return False
    return True
