"""Heads: what a tree was at the sizes that checkpoints are of, and where it stops to be what was signed."""

from collections.abc import Iterable
from typing import NamedTuple

from ledger.proof.hashing import EMPTY_ROOT
from ledger.proof.merkle import GrowingTree
from ledger.proof.tiles import Tile


class Head(NamedTuple):
    """The root of a tree, and the position of its last fact."""

    root: bytes
    position: int


class Heads:
    """A tree that grows, and its heads at some sizes."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._sizes = set(sizes)
        self._tree = GrowingTree()
        self._heads = {0: Head(EMPTY_ROOT, 0)}
        self.position = 0

    @property
    def size(self) -> int:
        """Return how many facts the tree has by now."""
        return self._tree.size

    def append(self, leaf: bytes, position: int) -> list[tuple[Tile, bytes]]:
        """Append the hash of the fact at a position, and return the tiles that become full."""
        full = self._tree.append(leaf)
        self.position = position
        if self._tree.size in self._sizes:
            self._heads[self._tree.size] = self.last()
        return full

    def edge(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles that are not full."""
        return self._tree.edge()

    def last(self) -> Head:
        """Return the head of the tree as it is."""
        return Head(self._tree.root(), self.position)

    def fits(self, size: int, root: bytes) -> bool:
        """Return whether the tree had this root at this size, which has to be one of those asked for."""
        return size in self._heads and self._heads[size].root == root

    def known(self, size: int, fitting: Iterable[int]) -> int:
        """Return up to which position facts are those of another tree of this size.

        `fitting` are the sizes at which both are known to be the same.
        """
        return self._heads[max((each for each in fitting if each < size), default=0)].position

    def span(self, size: int, fitting: Iterable[int]) -> str:
        """Return between which positions facts begin to differ from those of another tree of this size."""
        start = self.known(size, fitting)
        return (
            f"after {start}" if size > self.size else f"positions {start + 1}..{self._heads[size].position}"
        )
