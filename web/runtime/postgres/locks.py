"""Locks on files, which the kernel drops however their holder ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.account import name_of

UNUSED_TIMEOUT_SECONDS = 30
"""How long to wait for the workers of a killed service, which take a moment to end."""


@contextmanager
def lock_file(path: Path) -> Iterator[int]:
    """Yield the descriptor of a lock file. Raises EmbeddedPostgresError if it is another account's."""
    if path.exists() and path.stat().st_uid != os.geteuid():
        owner, we = name_of(path.stat().st_uid), name_of(os.geteuid())
        message = f"{path.parent} was first used by {owner}, and this is {we}"
        raise EmbeddedPostgresError(f"{message}: run as {owner}, or choose another data directory")
    # Not inherited by other programs (Python's default), so no process of PostgreSQL ever holds our locks.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(descriptor: int) -> Iterator[None]:
    """Hold a lock file alone during the block; wait for it first."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def hold_shared(descriptor: int) -> None:
    """Hold a lock file together with others until the process ends."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def is_held_by_others(descriptor: int) -> bool:
    """Return whether another process holds a lock file; if not, it is held alone from now on."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def wait_until_unused(descriptor: int, data_dir: Path) -> None:
    """Wait until nobody else uses a data directory in which no server is to be seen.

    Whoever does may be in another container, with a server that can't be seen from here: a second one on the
    same files would destroy them. Raises EmbeddedPostgresError.
    """
    deadline = time.monotonic() + UNUSED_TIMEOUT_SECONDS
    while is_held_by_others(descriptor):
        if time.monotonic() > deadline:
            message = f"another process uses {data_dir}, but its PostgreSQL is not to be seen from here"
            raise EmbeddedPostgresError(f"{message}: stop that process first")
        time.sleep(0.2)
