"""The production server: granian, whose workers are forked.

With the same processes and threads it answers twice as many requests a second as gunicorn. The gaps that it
leaves are closed here and in the modules beside:

* Its workers would outlive a killed parent, and keep the port and the data directory: `end_with_parent`.
* A port could be served twice: `Port`.
* A worker that died twice in some seconds ended the service, and one that stood still kept its connections:
  `workers.py`.
* It limits the time for headers only, neither for a body nor for taking the answer: `silent_clients.py`.

Measured with 2 processes of 8 threads and 8 clients of `wrk` in turn on 2 cores, as the median of three
rounds: an empty Flask route 12,589 requests a second, with gunicorn 6,090; a route with a SELECT 4,980 and
2,775. Each worker has its own queue of connections, so a few clients may all meet the same worker.
"""

import errno
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

from ledger.journal.tree.keys import KeyFile
from projections.fast.position import SharedPosition
from web import create_app
from web.edge.safety import Safety
from web.limits.admission import Bounds, Places
from web.request.services import Replica
from web.runtime.config import Settings
from web.runtime.database import ensure_schemas, open_ledger, projector_of
from web.runtime.follower import PositionFollower
from web.runtime.listener import PositionListener
from web.runtime.silent_clients import Sweep
from web.runtime.watch import Watch
from web.runtime.workers import STOPPING, Server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)

DRAIN_SECONDS = 30
"""How long running requests may take after SIGTERM."""

PORT_TIMEOUT_SECONDS = 5
"""How long a port may still be in use: the workers of a killed server take a moment to notice."""

KEEP_ALIVE_SECONDS = 75
"""How long a connection waits for the next request, and a request for the last of its headers."""

CONNECTIONS = 2048
"""Open at a time in one worker, and as many waiting to be accepted; idle ones cost no thread."""

SILENT_SECONDS = 5
"""A connection may be used for so much longer than a statement may take: then the database is silent."""

OTHER_FILES = 256
"""Files that a worker has open besides: connections to the database, threads that wait, and itself."""

OPTIONS: dict[str, Any] = {
    "interface": Interfaces.WSGI,
    "http": HTTPModes.http1,
    "http1_settings": HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000),
    "runtime_mode": RuntimeModes.mt,
    "runtime_threads": 1,
    "backlog": CONNECTIONS,
    "respawn_failed_workers": True,
    "workers_kill_timeout": DRAIN_SECONDS,
    "log_level": LogLevels.error,  # its warnings: advice on the numbers above, and false alarms at the end
    "log_dictconfig": {"handlers": {}, "loggers": {}},  # to where all others go, and not to stdout
}


class Port(socket.socket):
    """A socket that has an address but never listens; the workers may share it.

    Linux lets two such sockets have one address as long as neither listens, and then both would be served.
    So a server that starts also binds an abstract Unix socket named after the port, which exists once in a
    network namespace and ends with its holder. It is kept until a worker listens: from then on Linux itself
    refuses others.
    """

    starting: socket.socket | None = None

    def take(self, host: str, port: int) -> None:
        """Bind the address. Raises OSError if somebody else has it, or is about to."""
        if sys.platform == "linux" and port and self.starting is None:
            self.starting = socket.socket(socket.AF_UNIX)
            try:
                self.starting.bind(b"\0usage-ledger starts on port %d" % port)
            except OSError:
                self.started()
                raise
        self.bind((host, port))
        # Only now: set before, a second service could take a port that is in use.
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

    def started(self) -> None:
        """Let go of the name. To be called by every process that has it."""
        if self.starting:
            self.starting.close()
            self.starting = None

    def close(self) -> None:
        self.started()
        super().close()


def bound(host: str, port: int) -> Port:
    """Return the bound address for a server; wait a moment while it is in use. Raises OSError."""
    holder = Port(socket.AF_INET6 if ":" in host else socket.AF_INET)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + PORT_TIMEOUT_SECONDS
    while True:
        try:
            holder.take(host, port)
            return holder
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                holder.close()
                raise OSError(f"{host}:{port}: {os.strerror(error.errno or 0)}") from error
        time.sleep(0.1)


def application(
    conninfo: str,
    settings: Settings,
    shared_position: SharedPosition,
    places: Places,
    metrics: Path | None = None,
) -> "WSGIApplication":
    """Return the application on a prepared database; all workers share the position.

    They share the folder `metrics`, too, where there are metrics.
    """
    ledger = open_ledger(
        conninfo,
        settings,
        connections=settings.places + 2,
        longest_use=settings.statement_seconds + SILENT_SECONDS,
        statement_seconds=settings.statement_seconds,
    )
    projector = projector_of(ledger, shared_position)
    if settings.is_read_only:
        PositionFollower(ledger, projector, settings.poll_seconds).start()
    else:
        PositionListener(ledger, projector, mend=partial(ensure_schemas, conninfo, settings)).start()
    watch = Watch(settings, metrics)
    app = create_app(
        ledger,
        projector,
        max_body_bytes=settings.max_body_bytes,
        proxies=settings.proxies,
        origins=settings.cors_origins,
        is_strict=settings.is_strict,
        places=places,
        origin=settings.origin,
        feed_waits=settings.feed_waits,
        key_file=KeyFile(settings.signing_key),
        checkpoint_seconds=settings.checkpoint_seconds,
        currency=settings.currency,
        needs_second_person=settings.needs_second_person,
        position_seconds=settings.position_seconds,
        meter=watch.meter,
        replica=Replica(settings.primary_url, settings.max_lag_seconds) if settings.is_read_only else None,
    )
    return Safety(watch.around(app, ledger, projector.shared_position, places))


def serve(
    load: Callable[[Places], "WSGIApplication"],
    holder: Port,
    workers: int,
    when_ready: Callable[[], None],
    metrics: Path | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - it does not change
) -> None:
    """Serve the application that `load` returns until SIGTERM or SIGINT; let running requests end.

    The address is that of `holder`, which stays open all the time: see `Port`.
    `load` is called in each worker, with the places for its requests, and after the fork: connections must
    not be shared between processes.
    `when_ready` is called once, when a worker accepts connections. The server tells in the folder `metrics`
    how many workers it has replaced. Each worker takes on as much as `bounds` say. Raises SystemExit(1) when
    workers die again and again before they serve.
    """
    multiprocessing.set_start_method("fork", force=True)
    watched, held = os.pipe()

    def load_in_worker() -> "WSGIApplication":
        os.close(held)
        holder.started()  # in this process: the parent holds on
        Thread(target=end_with_parent, args=(watched,), daemon=True).start()
        os.setpgrp()  # Ctrl-C is for the parent, which tells the workers
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until granian has a handler of its own
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        places = Places(bounds.places, bounds.queue, seconds=bounds.queue_seconds)
        port = holder.getsockname()[1]
        try:
            application = load(places)
        except Exception:  # in the form of the log, and not as multiprocessing would print it
            log.critical("This worker can't start", exc_info=True)
            raise SystemExit(1) from None
        Sweep(port, room, lambda: places.readers.is_crowded).start()
        return application

    def when_accepting() -> None:
        holder.started()
        when_ready()

    room = room_for_connections()
    options = OPTIONS | {"backpressure": room, "blocking_threads": bounds.threads}
    server = Server(holder.getsockname(), workers, when_accepting, metrics, **options)
    server.serve(target_loader=load_in_worker, wrap_loader=False)


def room_for_connections() -> int:
    """Return how many connections a worker may have open, as far as the system grants files for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    if resource.RLIM_INFINITY != soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, max(soft - OTHER_FILES, 64))


def end_with_parent(watched: int) -> None:
    """End this worker when nobody holds the other end of the pipe any more.

    A worker that outlives a killed parent would hold the port, and the lock on the data directory.
    """
    os.read(watched, 1)
    os._exit(1)
