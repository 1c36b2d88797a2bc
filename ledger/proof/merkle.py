"""Roots and proofs of a tree that is kept in tiles.

Proofs are read from a number of tiles that grows with the logarithm of the tree's size, and are those of
RFC 6962, sections 2.1.1 and 2.1.2. `checking.py` checks them without a tree.
"""

from collections.abc import Callable, Iterator
from typing import Self

from ledger.proof import Malformed
from ledger.proof.hashing import EMPTY_ROOT, HASH_BYTES, node_hash, root_of
from ledger.proof.tiles import TILE_HEIGHT, TILE_WIDTH, Tile

ReadTile = Callable[[Tile], bytes]
"""Returns the hashes of a tile, one after another: 32 bytes for each of its width."""


class GrowingTree:
    """A tree that leaves are appended to. It holds the tiles of its right edge: up to 255 hashes a level."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[list[bytes]] = []

    @classmethod
    def of(cls, size: int, read_tile: ReadTile) -> Self:
        """Return the tree of `size` leaves, as its tiles say that it is."""
        tree = cls()
        tree.size = size
        for level, hashes in enumerate(_widths_of_edge(size)):
            tile = Tile(level, size >> TILE_HEIGHT * (level + 1), hashes)
            tree._edge.append(_hashes(tile, read_tile) if hashes else [])
        return tree

    def append(self, leaf: bytes) -> list[tuple[Tile, bytes]]:
        """Append the hash of an entry, and return the tiles that this makes full, from below."""
        self.size += 1
        full: list[tuple[Tile, bytes]] = []
        while True:
            level = len(full)
            if level == len(self._edge):
                self._edge.append([])
            hashes = self._edge[level]
            hashes.append(leaf)
            if len(hashes) < TILE_WIDTH:
                return full
            full.append((Tile(level, (self.size >> TILE_HEIGHT * (level + 1)) - 1), b"".join(hashes)))
            leaf = root_of(hashes)
            hashes.clear()

    def edge(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles that are not full, from below."""
        return [
            (Tile(level, self.size >> TILE_HEIGHT * (level + 1), len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._edge)
            if hashes
        ]

    def root(self) -> bytes:
        """Return the root of the tree as it is."""
        below: list[bytes] = []
        for hashes in self._edge:
            below = [root_of(hashes + below)] if hashes or below else []
        return below[0] if below else EMPTY_ROOT


def root(size: int, read_tile: ReadTile) -> bytes:
    """Return the root of the tree of `size` leaves."""
    return GrowingTree.of(size, read_tile).root()


def inclusion_proof(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Return the proof that a leaf, the first has index 0, is in the tree of `size` leaves, from below.

    Raises ValueError where that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf of index {index}")
    hash_of = _Subtrees(size, read_tile)
    proof: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            proof.append(hash_of(middle, end))
            end = middle
        else:
            proof.append(hash_of(first, middle))
            first = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, read_tile: ReadTile) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with the leaves of that of `old`, from below.

    It is empty where nothing needs a proof: for no leaf at all, and for as many. Raises ValueError where
    `old` is greater.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves can't begin with one of {old}")
    if old in (0, new):
        return []
    hash_of = _Subtrees(new, read_tile)
    proof: list[bytes] = []
    first, end = 0, new
    while end != old:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(hash_of(middle, end))
            end = middle
        else:
            proof.append(hash_of(first, middle))
            first = middle
    if first > 0:  # else whoever checks has that root
        proof.append(hash_of(first, end))
    return proof[::-1]


def _split(count: int) -> int:
    """Return the greatest power of two that is less than `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


class _Subtrees:
    """Hashes of the subtrees of a tree, each of whose tiles is read once."""

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self._size, self._read_tile = size, read_tile
        self._read: dict[Tile, list[bytes]] = {}

    def __call__(self, first: int, end: int) -> bytes:
        """Return the hash over leaves `first` up to `end`, which a split of the tree leads to."""
        count = end - first
        if count & count - 1 == 0:
            return self._full(first, count.bit_length() - 1)
        middle = first + _split(count)
        return node_hash(self(first, middle), self(middle, end))

    def _full(self, first: int, height: int) -> bytes:
        level = height // TILE_HEIGHT
        start, count = first >> TILE_HEIGHT * level, 1 << height % TILE_HEIGHT
        index, within = divmod(start, TILE_WIDTH)
        hashes = (self._size >> TILE_HEIGHT * level) - index * TILE_WIDTH
        tile = Tile(level, index, min(TILE_WIDTH, hashes))
        if tile not in self._read:
            self._read[tile] = _hashes(tile, self._read_tile)
        return root_of(self._read[tile][within : within + count])


def _widths_of_edge(size: int) -> Iterator[int]:
    while size:
        yield size % TILE_WIDTH
        size //= TILE_WIDTH


def _hashes(tile: Tile, read_tile: ReadTile) -> list[bytes]:
    return split_hashes(read_tile(tile), tile)


def split_hashes(joined: bytes, tile: Tile) -> list[bytes]:
    """Return the hashes of a tile. Raises Malformed where they are not as many as it is wide."""
    if len(joined) != tile.width * HASH_BYTES:
        raise Malformed(f"{tile.path} has {len(joined)} bytes in place of {tile.width * HASH_BYTES}")
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
