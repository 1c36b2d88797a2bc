"""Writes files that have their name when they are whole, and not before."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, may_replace: bool = False) -> Iterator[BinaryIO]:
    """Open a file, for its owner alone, that gets its name when the block ends, on disk by then.

    Where the block fails nothing is left. Raises FileExistsError, before anything is written, and OSError.
    """
    _check_is_new(path, may_replace)
    number, unfinished = tempfile.mkstemp(prefix=f"{path.name}.unfinished-", dir=path.parent)  # of mode 0600
    try:
        with os.fdopen(number, "wb") as out:
            yield out
            out.flush()
            os.fsync(number)
        _check_is_new(path, may_replace)
        Path(unfinished).replace(path)
        sync_folder(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:  # so it is where a disk is full
            error.filename = str(path)
        Path(unfinished).unlink(missing_ok=True)
        raise


def _check_is_new(path: Path, may_replace: bool) -> None:
    if os.path.lexists(path) and not may_replace:
        raise FileExistsError(None, "is there already", str(path))


def sync_folder(path: Path) -> None:
    """Have the name of a file outlast a power cut."""
    number = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
