"""A folder in memory, for databases that nobody needs after the test."""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - its folders are made by mkdtemp

NEEDED_BYTES = 4 << 30
"""How much has to be free there, for two processes of tests: they take a quarter of it."""


def memory() -> Path | None:
    """Return where in memory there is room for databases. None is the usual place of temporary files.

    A database is a thousand files, made and removed again: on a disk that takes ten times as long.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    return MEMORY if has_room else None
