"""What was sent of a file so far, kept beside it: `FILE.progress`, a line appended for every chunk.

The first line names the sending by a random id, which is in every chunk's idempotency key. So the chunk that
was under way when a sending broke off is not stored twice, and the same file can be sent again next month.
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

from web.sender.client import SendingFailed
from web.sender.lines import Place

S = TypeVar("S", bound=Struct)

PASSES = 8


NOWHERE = Place(0, 0, "")


class Sending(Struct, frozen=True):
    """A file on its way to a service, in chunks of a size that stays: another one would have other keys.

    `begun`, in ISO 8601, is the date of what has none. `is_summed`: what is sent are sums of lines.
    `first` is the end of the first chunk.
    """

    id: str
    url: str
    chunk: int
    begun: str
    is_summed: bool = False
    first: Place = NOWHERE

    @classmethod
    def new(cls, url: str, chunk: int, now: datetime, *, is_summed: bool = False) -> "Sending":
        return cls(secrets.token_hex(16), url, chunk, now.isoformat(), is_summed)

    def other_than(self, earlier: "Sending") -> str | None:
        """In which way an earlier sending of the file was another one, if it was."""
        if earlier.url != self.url:
            return f"to {earlier.url}"
        if earlier.is_summed != self.is_summed:
            return "with --sum" if earlier.is_summed else "without --sum"
        return None


class Refused(Struct, frozen=True):
    """An item that was refused, the line of the file that it starts at, and what the service says."""

    line: int
    item: Raw
    errors: Raw


class Chunk(Struct, frozen=True):
    """What became of a chunk that ends at `place`. `figures` are those that it stated, see `packed`."""

    place: Place
    results: dict[str, int]
    refused: list[Refused]
    figures: bytes = b""


def packed(uuids: Iterable[str]) -> bytes:
    """Eight bytes for each uuid: enough to tell a million figures apart."""
    return b"".join(sha256(uuid.encode()).digest()[:8] for uuid in uuids)


class Progress:
    """The chunks of a sending that are done, in a file that is open to be read and appended to."""

    def __init__(self, file: IO[bytes], sending: Sending) -> None:
        self._file = file
        self._results: Counter[str] = Counter()
        self.place: Place | None = None
        self._new, self._is_begun_now = sending, False
        earlier = self._read()
        self.sending, self.is_begun = earlier or sending, earlier is not None

    @property
    def results(self) -> Counter[str]:
        return self._results.copy()

    def add(self, chunk: Chunk) -> None:
        self._append(chunk)
        self._count(chunk)

    def restart(self) -> None:
        """Forgets what was sent."""
        self._results.clear()
        self.place = None
        self.sending, self.is_begun = self._new, False

    def begin(self, first: Place) -> None:
        """Before anything is sent: from now on a request may be under way that is not told of here."""
        if not self.is_begun:
            self.sending = structs.replace(self.sending, first=first)
            self._file.truncate(0)
            self._append(self.sending)
            os.fsync(self._file.fileno())  # a power cut may take the chunks, but not their keys
            self.is_begun = self._is_begun_now = True

    def take_back(self) -> None:
        """Nothing was sent since this began: what comes next begins anew, with a moment of its own."""
        if self._is_begun_now and self.place is None:
            self.is_begun = False

    def refused(self) -> Iterator[Refused]:
        """From the file, as there may be many."""
        for chunk in self._chunks():
            yield from chunk.refused

    def replaced(self) -> int:
        """How many reports were replaced by later ones, at least: they stated the same figure."""
        figures = array("Q")  # of eight bytes
        for chunk in self._chunks():
            figures.frombytes(chunk.figures)
        # In passes, as a set takes ten times as much memory.
        return len(figures) - sum(
            len({figure for figure in figures if figure % PASSES == each}) for each in range(PASSES)
        )

    def _append(self, entry: Sending | Chunk) -> None:
        self._file.seek(0, 2)
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()

    def _read(self) -> Sending | None:
        """The sending that broke off, if there is one. Raises SendingFailed if it was another one."""
        self._file.seek(0)
        first = self._file.readline()
        sending = decoded(first, Sending) if first.endswith(b"\n") else None
        if sending is None:
            return None
        end = self._file.tell()
        for chunk in self._chunks():
            self._count(chunk)
            end = self._file.tell()
        self._file.truncate(end)
        other = self._new.other_than(sending)
        if other is None:
            return sending
        if self.place is None:
            return None
        raise SendingFailed(f"A sending {other} is not finished; finish it, or remove the .progress file")

    def _chunks(self) -> Iterator[Chunk]:
        """Without a last line that was not written to its end."""
        self._file.seek(0)
        self._file.readline()
        while (line := self._file.readline()).endswith(b"\n"):
            yield decoded(line, Chunk)

    def _count(self, chunk: Chunk) -> None:
        self._results.update(chunk.results)
        self.place = chunk.place


def decoded(line: bytes, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise SendingFailed(
            f"The .progress file can't be read; without it, all is sent from the start: {error}"
        ) from None


@contextmanager
def progress_of(path: Path | None, sending: Sending) -> Iterator[Progress]:
    """The progress of the file at `path`; of what can't be continued (None) it is kept for this run only.

    It is removed when the block is left without an error, or before anything was sent.
    Raises OSError, SendingFailed.
    """
    if path is None:
        with tempfile.TemporaryFile() as file:
            yield Progress(file, sending)
        return
    beside = path.with_name(f"{path.name}.progress")
    with beside.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SendingFailed(f"{beside} is in use: this file is being sent already") from None
        progress, is_done = Progress(file, sending), False
        try:
            yield progress
            is_done = True
        finally:
            if is_done or not progress.is_begun:
                beside.unlink()
