"""Tiles: the hashes of a tree in pieces of 256 that never change once they are full (c2sp.org/tlog-tiles).

Tiles of level 0 hold the hashes of entries, and those of the levels above the roots of full tiles below.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.proof import Malformed

TILE_WIDTH = 256
TILE_HEIGHT = 8
"""Levels of the tree from a tile's hashes to its root."""

HIGHEST_LEVEL = 63

PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile: its level, which one of that level, and how many hashes it has, 1 to 256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Return where its hashes are: `tile/0/x001/234`, or `tile/0/x001/234.p/5` while it grows."""
        return f"tile/{self.level}/{self._place}"

    @property
    def entries_path(self) -> str:
        """Return where the entries are whose hashes it has. It has to be of level 0."""
        assert self.level == 0, self
        return f"tile/entries/{self._place}"

    @property
    def first(self) -> int:
        """Return the index of the first leaf below it."""
        return self.index << TILE_HEIGHT * (self.level + 1)

    def is_of(self, size: int) -> bool:
        """Return whether a tree of this size has the tile, and has it as wide as it is."""
        hashes = size >> TILE_HEIGHT * self.level
        return self.width == min(TILE_WIDTH, hashes - self.index * TILE_WIDTH)

    @property
    def _place(self) -> str:
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return _in_threes(self.index) + part


def _in_threes(number: int) -> str:
    """Write 1234067 as x001/x234/067, so that no name is that of a folder and of a file."""
    last = f"{number % 1000:03}"
    while number := number // 1000:
        last = f"x{number % 1000:03}/{last}"
    return last


def parse_tile(path: str) -> Tile:
    """Return the tile of hashes at a path. Raises Malformed."""
    return _parse(path, of_entries=False)


def parse_entries_tile(path: str) -> Tile:
    """Return the tile, of level 0, whose entries are at a path. Raises Malformed."""
    return _parse(path, of_entries=True)


def _parse(path: str, *, of_entries: bool) -> Tile:
    found = PATH.fullmatch(path)
    if not found or (found[1] == "entries") != of_entries:
        raise Malformed(f"not a path of a tile: {path!r}")
    level = 0 if of_entries else int(found[1])
    index = int("".join(re.findall("[0-9]{3}", found[2])))
    tile = Tile(level, index, int(found[3] or TILE_WIDTH))
    # Each tile has one path: a full one without its width, and none with needless zeros.
    written = tile.entries_path if of_entries else tile.path
    if level > HIGHEST_LEVEL or tile.width > TILE_WIDTH or path != written:
        raise Malformed(f"not the path of a tile as it has to be written: {path!r}")
    return tile


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Return the tiles of a tree of `size` leaves, from below, without those of a tree of `since` leaves."""
    for level in range(HIGHEST_LEVEL + 1):
        hashes, known = size >> TILE_HEIGHT * level, since >> TILE_HEIGHT * level
        if not hashes:
            return
        if hashes > known:
            for index in range(known // TILE_WIDTH, -(-hashes // TILE_WIDTH)):
                yield Tile(level, index, min(TILE_WIDTH, hashes - index * TILE_WIDTH))
