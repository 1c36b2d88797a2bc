"""Starts and stops the embedded PostgreSQL of a data directory for all processes that use it."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.cluster import Cluster, version_of
from web.runtime.postgres.locks import (
    exclusive,
    hold_shared,
    is_held_by_others,
    lock_file,
    wait_until_unused,
)
from web.runtime.postgres.programs import find_programs
from web.runtime.postgres.store import cluster_folder, remove_unfinished

log = logging.getLogger(__name__)


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Yield the URL of the PostgreSQL whose files live in `data_dir`, made and started first where needed.

    On leaving, the server is stopped unless another process uses it. A process that forks inside the context
    (as a web server forks its workers) leaves it in the parent only: in a child, leaving does nothing.
    Raises EmbeddedPostgresError.
    """
    with ExitStack() as on_leaving:
        try:
            url = _enter(data_dir, on_leaving)
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot use the data directory {data_dir}: {error}") from error
        yield url


def start_again(data_dir: Path, port: int) -> None:
    """Start the server that has died, at the port that it had. Do nothing where it runs.

    For a process within `embedded_postgres`, which keeps the files from others. Raises EmbeddedPostgresError.
    """
    with lock_file(data_dir / "postgres.lock") as changing, exclusive(changing):
        cluster = _cluster_in(data_dir)
        if cluster.running_port() is None:
            cluster.start(port)


def running_url(data_dir: Path) -> str:
    """Return the URL of the server that runs on a data directory, with a file in place of the password.

    Raises EmbeddedPostgresError where none runs.
    """
    cluster = _cluster_in(data_dir.resolve())
    port = cluster.running_port()
    if port is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL in {cluster.folder} does not run: it does while `usage-ledger serve` does"
        )
    return cluster.url_with_passfile(port, data_dir.resolve())


def _cluster_in(data_dir: Path) -> Cluster:
    """Return the cluster in a directory. Raises EmbeddedPostgresError, also for data of other programs."""
    folder = cluster_folder(data_dir)
    cluster = Cluster(find_programs(version_of(folder)), folder)
    cluster.check_version()
    return cluster


def _enter(data_dir: Path, on_leaving: ExitStack) -> str:
    data_dir.mkdir(parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    changing = on_leaving.enter_context(lock_file(data_dir / "postgres.lock"))
    using = on_leaving.enter_context(lock_file(data_dir / "postgres.in-use"))
    with exclusive(changing):
        cluster = _cluster_in(data_dir)
        on_leaving.callback(_leave, os.getpid(), cluster, changing, using)
        port = cluster.running_port()
        if port is None:
            wait_until_unused(using, data_dir)
            remove_unfinished(cluster.folder.parent)
            if not cluster.folder.exists():
                cluster.create()
            port = cluster.start()
        hold_shared(using)
        return cluster.open_database(port)


def _leave(entered_by: int, cluster: Cluster, changing: int, using: int) -> None:
    if os.getpid() != entered_by:  # a forked child: the server, and the lock on it, are its parent's
        return
    with exclusive(changing):
        try:
            if not is_held_by_others(using):
                cluster.stop()
        except OSError as error:
            log.warning("PostgreSQL in %s could not be stopped: %s", cluster.folder, error)
