"""Writes and reads the file of a backup: a tar archive that ends with the checksums of what is in it."""

import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from web.backup import BackupError

MANIFEST, DUMP, CHECKPOINT, SUMS = "manifest.json", "journal.dump", "checkpoint", "SHA256SUMS"

BLOCK = 512
"""Bytes: members of tar archives begin at multiples of it, after a head as long."""

CHUNK = 1 << 20


class ArchiveWriter:
    """Writes the members of an archive, one after the other, into a file that can be sought in."""

    def __init__(self, file: BinaryIO, created: datetime) -> None:
        self._file, self._created, self._sums = file, created, ""

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """Write a member, whose size is known when its parts have ended."""
        begin, digest, size = self._file.tell(), sha256(), 0
        self._file.write(bytes(BLOCK))
        for part in parts:
            digest.update(part)
            size += self._file.write(part)
        self._file.write(bytes(-size % BLOCK))
        end = self._file.tell()
        head = tarfile.TarInfo(name)
        head.size, head.mtime, head.mode = size, int(self._created.timestamp()), 0o600
        self._file.seek(begin)
        self._file.write(head.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(end)
        self._sums += f"{digest.hexdigest()}  {name}\n"

    def finish(self) -> None:
        """Write the checksums, and the end of the archive."""
        self.add(SUMS, [self._sums.encode()])
        self._file.write(bytes(2 * BLOCK))


class Member(NamedTuple):
    """A part of the file: where it begins, and how long it is, in bytes."""

    offset: int
    size: int


class Archive:
    """The archive in a file, which is whole."""

    def __init__(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Read all of it, and check that it is as it was written. Raises BackupError, OSError."""
        self.path = path
        self._file = path.open("rb")
        try:
            self._members = self._find_members()
            self._check_sums(progress)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """Return all of a member."""
        member = self._members[name]
        self._file.seek(member.offset)
        return self._file.read(member.size)

    def parts(self, name: str) -> Iterable[bytes]:
        """Yield a member in parts of up to CHUNK bytes."""
        member = self._members[name]
        for done in range(0, member.size, CHUNK):
            self._file.seek(member.offset + done)
            yield self._file.read(min(CHUNK, member.size - done))

    @contextmanager
    def at(self, name: str) -> Iterator[BinaryIO]:
        """Open the file where a member begins, for a program that knows where that ends."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self._members[name].offset)
            yield file

    def _find_members(self) -> dict[str, Member]:
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                members = {each.name: Member(each.offset_data, each.size) for each in tar.getmembers()}
        except tarfile.TarError as error:
            raise BackupError(f"{self.path} is no backup, or damaged: {error}") from error
        if missing := [name for name in (MANIFEST, DUMP, SUMS) if name not in members]:
            raise BackupError(
                f"{self.path} is no backup, or was cut off: it has no {' and no '.join(missing)}"
            )
        return members

    def _check_sums(self, progress: Callable[[int], None]) -> None:
        lines = (line.split("  ", 1) for line in self.read(SUMS).decode(errors="replace").splitlines())
        expected = {name: digest for digest, *names in lines for name in names}
        if expected.keys() != self._members.keys() - {SUMS}:
            raise BackupError(f"{self.path} is damaged: {SUMS} has not the names of its members")
        for name, told in expected.items():
            digest = sha256()
            for part in self.parts(name):
                digest.update(part)
                progress(len(part))
            if digest.hexdigest() != told:
                raise BackupError(f"{self.path} is damaged: {name} is not what {SUMS} says")
