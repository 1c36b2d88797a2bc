"""The folder in which the workers of one server keep what they count, a few files for each place in it.

prometheus-client names files by process. Workers that die would leave more and more of them, and a scrape
reads them all. So a worker takes a place that nobody has, goes on from what its predecessor counted, and the
folder never grows. Places are held by locks, which end with the process that holds them, however it ends.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

PREFIX = "usage-ledger-metrics-"

PLACES = 256
"""More workers than there ever are, those included that end while others start."""

OF_SERVER = "server"
"""The name of what the server that made the folder has locked."""

RESPAWNS = "respawns"
"""The name of the file that says how many workers the server has replaced."""


@contextmanager
def metrics_folder() -> Iterator[Path]:
    """Yield a new folder, which is removed at the end; remove those of servers that were killed."""
    for left in Path(gettempdir()).glob(f"{PREFIX}*"):
        _remove_if_abandoned(left)
    folder = Path(mkdtemp(prefix=PREFIX))
    held = lock(folder / OF_SERVER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):  # it is somebody else's, or was just removed
        if not (folder / OF_SERVER).exists():
            return  # it is being made
        if (held := lock(folder / OF_SERVER)) is not None:
            shutil.rmtree(folder)
            os.close(held)


def take_place(folder: Path) -> int:
    """Return the number of a place, which this process has until it ends.

    What its predecessor measured of itself is removed: it holds no more. Raises OSError.
    """
    for number in range(PLACES):
        if lock(folder / f"{number}.lock") is not None:
            remove_measured(folder, number)
            return number
    raise OSError("more workers measure than there are places for")


def remove_measured(folder: Path, number: int) -> None:
    """Remove what was measured at a place of the present, and leave what was counted there."""
    for file in folder.glob(f"gauge_live*_{number}.db"):
        file.unlink(missing_ok=True)


def forget_dead(folder: Path) -> int:
    """Remove what was measured at places whose processes have ended. Return how many others there are."""
    living = 0
    for file in folder.glob("*.lock"):
        held = lock(file)
        if held is None:
            living += 1
        else:
            remove_measured(folder, int(file.stem))
            os.close(held)
    return living


def lock(path: Path) -> int | None:
    """Lock a file until what is returned is closed, or this process ends. Return None if others have it."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number
