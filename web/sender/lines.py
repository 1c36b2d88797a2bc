"""The lines of a file, and how far it was read."""

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from msgspec import Struct

LONGEST_LINE = 1_000_000
"""In bytes."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class UnreadableFile(Exception):
    """The file is not what it should be. The message says where."""


class FilePosition(Struct, frozen=True):
    """A place in a file: the lines and bytes before it, and their SHA-256."""

    lines: int
    offset: int
    digest: str


class Lines:
    """The lines of a file with their ends; of too long ones the beginning.

    With `old_ends` a carriage return alone ends a line, too, as old spreadsheets for the Mac write it.
    Raises UnreadableFile.
    """

    def __init__(self, file: BinaryIO, *, old_ends: bool = False) -> None:
        self._parts = _parts(file, LONGEST_LINE + 1, old_ends=old_ends)
        self._ends = (b"\n", b"\r") if old_ends else (b"\n",)
        self._digest = sha256()
        self.number = self.offset = 0
        self.is_too_long = False
        self.is_ended = True
        """Both of the last line that was read: longer than LONGEST_LINE, and ended."""

    @property
    def place(self) -> FilePosition:
        return FilePosition(self.number, self.offset, self._digest.hexdigest())

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = part = self._part()
        if not line:
            raise StopIteration
        self.number += 1
        while not part.endswith(self._ends) and (more := self._part()):
            part = more
        self.is_ended = part.endswith(self._ends)
        self.is_too_long = part is not line or len(line) > LONGEST_LINE
        if self.number > 1:
            return line
        if line.startswith(UTF_16):
            raise UnreadableFile(
                "it is UTF-16, where UTF-8 is taken: save it as “CSV UTF-8”, or convert it with "
                "`iconv -f UTF-16 -t UTF-8`"
            )
        return line.removeprefix(BYTE_ORDER_MARK)

    def _part(self) -> bytes:
        part = next(self._parts, b"")
        self.offset += len(part)
        self._digest.update(part)
        return part


def _parts(file: BinaryIO, most: int, *, old_ends: bool) -> Iterator[bytes]:
    """Yield lines, and of longer ones parts of at least `most` bytes."""
    rest = b""
    while block := file.readline(most):
        if not rest and not (old_ends and b"\r" in block):
            yield block
            continue
        *whole, rest = (rest + block).splitlines(keepends=True)
        yield from whole
        if rest.endswith(b"\n") or len(rest) >= most:
            yield rest
            rest = b""
    if rest:
        yield rest
