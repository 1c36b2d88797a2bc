"""The production server: gunicorn with threads. The README says why."""

import errno
import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from ledger.application import Ledger
from web import create_app
from web.config import Settings, projector_of

THREADS = 8
"""Requests that one worker process works on at a time; each has a database connection."""

DRAIN_SECONDS = 30
"""How long running requests may take after SIGTERM."""

PATIENCE_SECONDS = 5
"""How long a port may still be in use: the workers of a killed server take a moment to notice."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that has an address but does not listen yet. Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            listener.bind((host, port))
            return listener
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                listener.close()
                raise OSError(f"{host}:{port}: {os.strerror(error.errno or 0)}") from error
        time.sleep(0.1)


class Server(BaseApplication):
    """Serves a prepared database until SIGTERM or SIGINT; `run` does not return but exits."""

    def __init__(
        self,
        conninfo: str,
        settings: Settings,
        listener: socket.socket,
        workers: int,
        when_ready: Callable[[], None],
    ) -> None:
        self._conninfo, self._settings = conninfo, settings
        self._options: dict[str, Any] = {
            "bind": f"fd://{listener.detach()}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "graceful_timeout": DRAIN_SECONDS,
            "keepalive": 75,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": lambda _: when_ready(),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In each worker, after the fork: connections must not be shared between processes."""
        ledger = Ledger(
            self._conninfo,
            zone=self._settings.zone,
            entropy=secrets.token_bytes,
            connections=THREADS + 2,
        )
        return create_app(ledger, projector_of(ledger), max_body_bytes=self._settings.max_body_bytes)
