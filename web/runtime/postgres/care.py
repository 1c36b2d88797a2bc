"""Starts the embedded PostgreSQL again when it dies under a service, at the port that its workers know."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.embedded import start_again
from web.runtime.postgres.postmaster import is_running

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0

LONGEST_PAUSE_SECONDS = 60.0
"""The longest pause between two attempts: a full disk may be full for hours."""


@contextmanager
def kept_running(data_dir: Path, conninfo: str) -> Iterator[None]:
    """Keep the PostgreSQL of a data directory running during the block, from a thread of this process.

    `conninfo` says its port. The block must be left before the server is stopped; leaving waits for a start
    that is under way.
    """
    ended = Event()
    port = int(conninfo_to_dict(conninfo)["port"] or 0)
    thread = Thread(
        target=_keep_running, args=(data_dir.resolve(), port, ended), name="postgres", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_running(data_dir: Path, port: int, ended: Event) -> None:
    cluster, pause = (data_dir / "postgres").resolve(), LOOK_SECONDS
    while not ended.wait(pause):
        try:
            if not is_running(cluster):
                log.error("PostgreSQL in %s has died: starting it again", cluster)
                start_again(data_dir, port)
                log.warning("PostgreSQL in %s runs again", cluster)
            pause = LOOK_SECONDS
        except (OSError, EmbeddedPostgresError) as error:
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            log.error("PostgreSQL could not be started, trying again in %g s: %s", pause, error)
