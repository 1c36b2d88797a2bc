"""The file with the signing key, and beside it the last checkpoint that left the house.

Both are outside of the database: who restores an old copy of it, or continues a fork, is told by that
checkpoint that facts are missing, or are others.
"""

import os
from contextlib import suppress
from pathlib import Path

from ledger.proof import Malformed
from ledger.proof.notes import Signer

MODE = 0o600
OF_OTHERS = 0o077
"""The bits of a file's mode that let others than its owner at it."""


class KeyUnusable(Exception):
    """The signing key can't be used, or what belongs to it. The message names the file."""


class KeyFile:
    """The files of a signing key. `path` need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint_path = path.with_name(f"{path.name}.checkpoint")
        self.next_path = path.with_name(f"{path.name}.next")
        """A key that the one in force is about to be replaced by."""

    def signer(self) -> Signer | None:
        """Return the signing key, None where there is no file. Raises KeyUnusable."""
        return self._read(self.path)

    def next_signer(self) -> Signer | None:
        """Return the key that a rotation has left behind. Raises KeyUnusable."""
        return self._read(self.next_path)

    def _read(self, path: Path) -> Signer | None:
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise KeyUnusable(f"{path}: {_reason(error)}") from error
        if mode & OF_OTHERS:
            raise KeyUnusable(f"{path}: others may read it; `chmod 600` keeps them out")
        try:
            return Signer.parse(text)
        except Malformed as error:
            raise KeyUnusable(f"{path}: {error}") from error

    def create(self, signer: Signer) -> None:
        """Write a key where there is none. Raises KeyUnusable, also if there is one."""
        self._write_new(self.path, signer)

    def prepare(self, signer: Signer) -> None:
        """Write the key that is to be the next. Raises KeyUnusable."""
        self._write_new(self.next_path, signer)

    def rotate(self) -> None:
        """Put the next key in the place of the one in force."""
        self.next_path.replace(self.path)
        _sync_folder(self.path)

    def discard_next(self) -> None:
        """Remove a key that never came into force."""
        self.next_path.unlink(missing_ok=True)

    def _write_new(self, path: Path, signer: Signer) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
            with os.fdopen(number, "w") as file:
                file.write(f"{signer.text}\n")
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(path)
        except OSError as error:
            raise KeyUnusable(f"{path}: {_reason(error)}") from error

    def last_checkpoint(self) -> bytes | None:
        """Return the note of the last checkpoint that was remembered. Raises KeyUnusable."""
        try:
            return self.checkpoint_path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeyUnusable(f"{self.checkpoint_path}: {_reason(error)}") from error

    def remember(self, note: bytes) -> None:
        """Have a checkpoint outlast a crash, and the database. Raises KeyUnusable.

        The caller keeps other processes from doing the same.
        """
        unfinished = self.checkpoint_path.with_name(f"{self.checkpoint_path.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.checkpoint_path)
            _sync_folder(self.checkpoint_path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise KeyUnusable(f"{self.checkpoint_path}: {_reason(error)}") from error


def _sync_folder(path: Path) -> None:
    """Have the names in a file's folder outlast a crash."""
    number = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
