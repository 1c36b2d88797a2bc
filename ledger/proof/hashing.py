"""Hashes of a Merkle tree as in RFC 6962, section 2.1. All are of SHA-256: 32 bytes."""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two nodes. Its first byte keeps it from being the hash of an entry."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves, or of full subtrees of one height and what remains beside them.

    The RFC cuts a tree from above, at the greatest power of two. Pairs from below, where who is left alone
    goes up as it is, lead to the same tree.
    """
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        alone = level[len(level) & ~1 :]
        pairs = iter(level)
        level = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)] + alone
    return level[0]
