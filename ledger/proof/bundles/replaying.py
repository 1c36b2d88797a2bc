"""Goes through the entries of a bundle as if they were appended anew, and says what does not fit.

Held in memory: a tile of entries, 256 hashes a level of the tree, and 150 bytes for each stream.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from operator import attrgetter

from ledger.proof import Malformed
from ledger.proof.bundles.archive import Archive
from ledger.proof.bundles.heads import Heads
from ledger.proof.bundles.manifest import tile_at
from ledger.proof.entries import LONGEST, Entry, parse_entry, unpack_entries
from ledger.proof.hashing import HASH_BYTES, leaf_hash
from ledger.proof.merkle import split_hashes
from ledger.proof.rotations import TOPIC
from ledger.proof.tiles import TILE_WIDTH, Tile

PathOf = Callable[[Tile], str]
"""Returns where something of a tile is."""

HASHES: PathOf = attrgetter("path")
ENTRIES: PathOf = attrgetter("entries_path")

LARGEST_TILE = TILE_WIDTH * HASH_BYTES
LARGEST_PACK = TILE_WIDTH * (LONGEST + 2)

Tell = Callable[[str, str], None]
"""Takes a kind of finding, of which only the first is told, and the line that tells of it."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first entry that does not hash to what the tiles of the bundle say: its index, and where it is."""

    index: int
    where: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """A fact that replaced the signing key: its index, its position and its state."""

    index: int
    position: int
    state: bytes


class Replay:
    """What the entries of a bundle come to."""

    def __init__(self, archive: Archive, sizes: Iterable[int], tell: Tell) -> None:
        """Read all entries. `sizes` are those at which the head of the tree is asked for."""
        self._archive, self._tell = archive, tell
        self._versions: dict[bytes, int] = {}
        self.heads = Heads(sizes)
        self.misfit: Misfit | None = None
        self.rotated: list[Rotated] = []
        if all(map(self._append, _tiles(archive, ENTRIES))):
            self._compare(self.heads.edge())
        self._look_for_others()

    def _append(self, tile: Tile) -> bool:
        """Append the entries of a tile, and return whether all of them are there."""
        try:
            entries = unpack_entries(self._archive.read(tile.entries_path, LARGEST_PACK))
        except Malformed as error:
            where = f"journal after {self.heads.position}"
            self._tell("entries", f"{where} can't be read: {tile.entries_path} {error}")
            return False
        hashes = _hashes(self._archive, tile.index) + _hashes(self._archive, tile.index + 1)[:1]
        for number, entry in enumerate(entries):
            before = self.heads.position
            position, leaf = self._position(entry), leaf_hash(entry)
            if not self.misfit and number < len(hashes) and hashes[number] != leaf:
                is_missing = hashes[number + 1 : number + 2] == [leaf]
                self.misfit = Misfit(self.heads.size, _place(before, position, is_missing=is_missing))
            self._compare(self.heads.append(leaf, position))
        if len(entries) != tile.width:
            self._tell("entries", f"{tile.entries_path} has {len(entries)} entries")
        return len(entries) == tile.width

    def _position(self, packed: bytes) -> int:
        """Return the position of the next entry, after a check of what it says."""
        before = self.heads.position
        try:
            entry = parse_entry(packed)
        except Malformed as error:
            self._tell("entry", f"journal after {before} has {error}")
            return before
        if entry.position <= before:
            self._tell("order", f"journal {entry.position} comes after {before}")
        self._follow(entry)
        return max(entry.position, before)

    def _follow(self, entry: Entry) -> None:
        stream = bytes.fromhex(entry.originator_id)
        version = self._versions.get(stream, 0)
        if entry.version != version + 1:
            what = f"is version {entry.version} of its stream, after version {version}"
            self._tell("stream", f"journal {entry.position} {what}")
        self._versions[stream] = entry.version
        if entry.topic == TOPIC:
            self.rotated.append(Rotated(self.heads.size, entry.position, entry.state))

    def _compare(self, tiles: list[tuple[Tile, bytes]]) -> None:
        """Compare tiles of the tree with those of the bundle."""
        for tile, hashes in tiles:
            if tile.path not in self._archive:
                self._tell(f"tile {tile.level}", f"{tile.path} is missing")
            elif _read(self._archive, tile.path) != hashes:
                self._tell(f"tile {tile.level}", f"{tile.path} is not what the entries hash to")

    def _look_for_others(self) -> None:
        """Look for tiles that a tree of this size does not have."""
        for name in self._archive.names():
            if (tile := tile_at(name)) and not tile.is_of(self.heads.size):
                self._tell("no tile", f"{name} is no tile of {self.heads.size} facts")


def hashed_heads(archive: Archive, sizes: Iterable[int]) -> Heads:
    """Return the heads of the tree that the hashes in a bundle make, without positions."""
    heads = Heads(sizes)
    for tile in _tiles(archive, HASHES):
        for leaf in _hashes(archive, tile.index):
            heads.append(leaf, 0)
    return heads


def _place(before: int, position: int, *, is_missing: bool) -> str:
    """Return the position of a fact that does not fit, or those that one before it may have had."""
    if not is_missing or position - before < 2:
        return str(position)
    return str(before + 1) if position - before == 2 else f"positions {before + 1}..{position - 1}"


def _tiles(archive: Archive, path: PathOf) -> Iterator[Tile]:
    """Return the tiles at the bottom of a tree, in order, as far as they are in an archive."""
    for index in count():
        tile = _tile(archive, index, path)
        if tile:
            yield tile
        if not tile or tile.width < TILE_WIDTH:
            return


def _tile(archive: Archive, index: int, path: PathOf) -> Tile | None:
    tiles = (Tile(0, index, width) for width in range(TILE_WIDTH, 0, -1))
    return next((tile for tile in tiles if path(tile) in archive), None)


def _hashes(archive: Archive, index: int) -> list[bytes]:
    """Return the hashes of a tile of the lowest level, none where it is not as it has to be."""
    tile = _tile(archive, index, HASHES)
    try:
        return split_hashes(archive.read(tile.path, LARGEST_TILE), tile) if tile else []
    except Malformed:
        return []


def _read(archive: Archive, path: str) -> bytes:
    try:
        return archive.read(path, LARGEST_TILE)
    except Malformed:
        return b""
