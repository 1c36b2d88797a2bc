"""Keeps how far a file is sent, beside it: in `FILE.progress`, to which every chunk appends a line.

The first line has the random id of the upload, which is in every chunk's idempotency key. So the chunk that
was under way when an upload broke off is not stored twice, and the same file can be sent again next month.

A key that is made of the content alone would give the same file, sent again next month, the answer of this
month. Price: a file beside the file, in a folder that can be written to.
"""

import fcntl
import os
import secrets
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from msgspec import Raw, Struct, structs

from web.sender.client import UploadFailed
from web.sender.lines import FilePosition

S = TypeVar("S", bound=Struct)

PASSES = 8


NOWHERE = FilePosition(0, 0, "")


class Upload(Struct, frozen=True):
    """A file on its way to a service, in chunks of a size that stays: another one would have other keys.

    `begun`, in ISO 8601, is the date of what has none. `is_summed`: what is sent are sums of lines.
    `first` is the end of the first chunk. `reason` says why all is reported.
    """

    id: str
    url: str
    chunk: int
    begun: str
    is_summed: bool = False
    first: FilePosition = NOWHERE
    reason: str = ""

    @classmethod
    def new(
        cls, url: str, chunk: int, now: datetime, *, is_summed: bool = False, reason: str = ""
    ) -> "Upload":
        return cls(secrets.token_hex(16), url, chunk, now.isoformat(), is_summed, reason=reason)

    def other_than(self, earlier: "Upload") -> str | None:
        """Return in words how an earlier upload of the file differs; None if this one continues it."""
        if earlier.url != self.url:
            return f"to {earlier.url}"
        if earlier.is_summed != self.is_summed:
            return "with --sum" if earlier.is_summed else "without --sum"
        if earlier.reason != self.reason:
            return f"with the --reason {earlier.reason!r}" if earlier.reason else "without --reason"
        return None


class Refused(Struct, frozen=True):
    """An item that was refused, the line of the file that it starts at, and what the service says."""

    line: int
    item: Raw
    errors: Raw


class Chunk(Struct, frozen=True):
    """The results of a chunk that ends at `place`. `figures` are those that it stated, see `packed`."""

    place: FilePosition
    results: dict[str, int]
    refused: list[Refused]
    figures: bytes = b""


def packed(uuids: Iterable[str]) -> bytes:
    """Return eight bytes for each uuid: enough to tell a million figures apart."""
    return b"".join(sha256(uuid.encode()).digest()[:8] for uuid in uuids)


class UploadProgress:
    """The chunks of an upload that are done, in a file that is open to be read and appended to."""

    def __init__(self, file: IO[bytes], upload: Upload) -> None:
        self._file = file
        self._results: Counter[str] = Counter()
        self.place: FilePosition | None = None
        self._new, self._is_begun_now = upload, False
        earlier = self._read()
        self.upload, self.is_begun = earlier or upload, earlier is not None

    @property
    def results(self) -> Counter[str]:
        return self._results.copy()

    def add(self, chunk: Chunk) -> None:
        self._append(chunk)
        self._count(chunk)

    def restart(self) -> None:
        """Forget what was sent."""
        self._results.clear()
        self.place = None
        self.upload, self.is_begun = self._new, False

    def begin(self, first: FilePosition) -> None:
        """Note that something is about to be sent: from now on a request may be under way."""
        if not self.is_begun:
            self.upload = structs.replace(self.upload, first=first)
            self._file.truncate(0)
            self._append(self.upload)
            os.fsync(self._file.fileno())  # a power cut may take the chunks, but not their keys
            self.is_begun = self._is_begun_now = True

    def take_back(self) -> None:
        """Undo `begin`, as nothing was sent since: the next upload begins anew, with a moment of its own."""
        if self._is_begun_now and self.place is None:
            self.is_begun = False

    def refused(self) -> Iterator[Refused]:
        """Yield the refused items from the file, as there may be many."""
        for chunk in self._chunks():
            yield from chunk.refused

    def replaced(self) -> int:
        """Return how many reports, at least, were replaced by later ones of the same figure."""
        figures = array("Q")  # of eight bytes
        for chunk in self._chunks():
            figures.frombytes(chunk.figures)
        # In passes, as a set takes ten times as much memory.
        return len(figures) - sum(
            len({figure for figure in figures if figure % PASSES == each}) for each in range(PASSES)
        )

    def _append(self, entry: Upload | Chunk) -> None:
        self._file.seek(0, 2)
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()

    def _read(self) -> Upload | None:
        """Return the upload that broke off, if any. Raises UploadFailed if this one does not continue it."""
        self._file.seek(0)
        first = self._file.readline()
        upload = decode(first, Upload) if first.endswith(b"\n") else None
        if upload is None:
            return None
        end = self._file.tell()
        for chunk in self._chunks():
            self._count(chunk)
            end = self._file.tell()
        self._file.truncate(end)
        other = self._new.other_than(upload)
        if other is None:
            return upload
        if self.place is None:
            return None
        raise UploadFailed(f"A sending {other} is not finished; finish it, or remove the .progress file")

    def _chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, without a last line that was not written to its end."""
        self._file.seek(0)
        self._file.readline()
        while (line := self._file.readline()).endswith(b"\n"):
            yield decode(line, Chunk)

    def _count(self, chunk: Chunk) -> None:
        self._results.update(chunk.results)
        self.place = chunk.place


def decode(line: bytes, kind: type[S]) -> S:
    """Return an entry of a .progress file. Raises UploadFailed."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UploadFailed(
            f"The .progress file can't be read; without it, all is sent from the start: {error}"
        ) from None


@contextmanager
def open_progress(path: Path | None, upload: Upload) -> Iterator[UploadProgress]:
    """Yield the progress of the file at `path`; without a path, one that is kept for this run only.

    Its file is removed when the block is left without an error, or before anything was sent.
    Raises OSError, UploadFailed.
    """
    if path is None:
        with tempfile.TemporaryFile() as file:
            yield UploadProgress(file, upload)
        return
    beside = path.with_name(f"{path.name}.progress")
    with beside.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadFailed(f"{beside} is in use: this file is being sent already") from None
        progress, is_done = UploadProgress(file, upload), False
        try:
            yield progress
            is_done = True
        finally:
            if is_done or not progress.is_begun:
                beside.unlink()
