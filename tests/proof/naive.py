"""Trees and proofs as RFC 6962 defines them, word for word and without a thought of speed."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from ledger.proof.tiles import Tile

Leaves = tuple[bytes, ...]


def leaf(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def some_leaves(count: int) -> Leaves:
    """Return hashes of entries that are all different."""
    return tuple(leaf(b"%d" % number) for number in range(count))


def split(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


class NaiveTree:
    """MTH, PATH and PROOF over the hashes of leaves."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.mth = lru_cache(None)(self._mth)

    def _mth(self, first: int, end: int) -> bytes:
        if end == first:
            return sha256().digest()
        if end - first == 1:
            return self.leaves[first]
        middle = first + split(end - first)
        return sha256(b"\1" + self.mth(first, middle) + self.mth(middle, end)).digest()

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def path(self, index: int, first: int, end: int) -> list[bytes]:
        if end - first == 1:
            return []
        middle = first + split(end - first)
        if index < middle:
            return [*self.path(index, first, middle), self.mth(middle, end)]
        return [*self.path(index, middle, end), self.mth(first, middle)]

    def proof(self, old: int, new: int) -> list[bytes]:
        return self.subproof(old, 0, new, is_known=True)

    def subproof(self, old: int, first: int, end: int, *, is_known: bool) -> list[bytes]:
        if old == end:
            return [] if is_known else [self.mth(first, end)]
        middle = first + split(end - first)
        if old <= middle:
            return [*self.subproof(old, first, middle, is_known=is_known), self.mth(middle, end)]
        return [*self.subproof(old, middle, end, is_known=False), self.mth(first, middle)]

    def read_tile(self, tile: Tile) -> bytes:
        """Return the hashes of a tile. Fails where the tree does not have it."""
        span = 256**tile.level
        starts = [(tile.index * 256 + each) * span for each in range(tile.width)]
        assert starts[-1] + span <= len(self.leaves), tile
        return b"".join(self.mth(start, start + span) for start in starts)
