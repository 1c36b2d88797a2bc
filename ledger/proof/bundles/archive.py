"""Files in a tar archive, read by their names. Nothing is unpacked, so no name leads anywhere.

Held in memory: a name and a place for each file, about 250 bytes.
"""

import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ledger.proof import Malformed

CHUNK = 1 << 20


class Archive:
    """A tar archive whose files all have names that are expected, each once."""

    def __init__(self, file: BinaryIO, is_expected: Callable[[str], bool]) -> None:
        """Read where the files are. Raises Malformed."""
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        for member, self._end in _members(file):
            self._add(member, is_expected)
        self._check_end()

    def _add(self, member: tarfile.TarInfo, is_expected: Callable[[str], bool]) -> None:
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise Malformed(f"{member.name!r} is no file")
        if not is_expected(member.name):
            raise Malformed(f"{member.name!r} is no file of a bundle")
        if member.name in self._places:
            raise Malformed(f"{member.name!r} is there twice")
        self._places[member.name] = member.offset_data, member.size

    def _check_end(self) -> None:
        self._file.seek(0, 2)
        whole = self._file.tell()
        for name, (start, size) in self._places.items():
            if start + size > whole:
                raise Malformed(f"the archive ends within {name!r}")
        self._file.seek(self._end)
        while chunk := self._file.read(CHUNK):
            if chunk.strip(b"\0"):
                raise Malformed(f"the archive ends at byte {self._end}, and something follows")

    def names(self) -> Iterator[str]:
        """Return the names of all files."""
        return iter(self._places)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return name in self._places

    def read(self, name: str, at_most: int) -> bytes:
        """Return the bytes of a file. Raises Malformed where it is not there, or longer than it may be."""
        if name not in self._places:
            raise Malformed(f"{name} is missing")
        start, size = self._places[name]
        if size > at_most:
            raise Malformed(f"{name} has {size} bytes, more than {at_most}")
        self._file.seek(start)
        return self._file.read(size)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Return the bytes of a file that is there, piece by piece."""
        start, rest = self._places[name]
        self._file.seek(start)
        while rest and (chunk := self._file.read(min(rest, CHUNK))):
            rest -= len(chunk)
            yield chunk


def _members(file: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Return what is in an archive, each with the byte at which the next would begin."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            while member := archive.next():
                archive.members = []  # type: ignore[attr-defined] # or each is held
                if member.size < 0:
                    raise Malformed(f"{member.name!r} has a size that nothing has")
                yield member, archive.offset
    except (tarfile.TarError, EOFError, OverflowError, RecursionError) as error:
        raise Malformed(f"not a tar archive: {error}") from error
