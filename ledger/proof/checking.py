"""Checks of proofs, as in RFC 9162, sections 2.1.3.2 and 2.1.4.2. Nothing but the proof and roots is read."""

from collections.abc import Sequence

from ledger.proof import Unproven
from ledger.proof.hashing import EMPTY_ROOT, node_hash


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Unproven unless the leaf with this hash is at `index` of the tree of this size and root."""
    if not 0 <= index < size:
        raise Unproven(f"a tree of {size} leaves has no leaf of index {index}")
    at, last = index, size - 1
    found = leaf
    for each in proof:
        if last == 0:
            raise Unproven(f"the proof of leaf {index} is too long")
        if at & 1 or at == last:
            found = node_hash(each, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven(f"the proof of leaf {index} is too short")
    if found != root:
        raise Unproven(f"the proof of leaf {index} leads to another root than that of {size} leaves")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Unproven unless the tree of `new` leaves begins with all leaves of that of `old`."""
    between = f"between {old} and {new} leaves"
    if not 0 <= old <= new:
        raise Unproven(f"there is no consistency {between}")
    if old in (0, new):
        if proof:
            raise Unproven(f"the proof {between} is too long")
        if old_root != (new_root if old == new else EMPTY_ROOT):
            raise Unproven(f"the roots {between} are not consistent")
        return
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    rest = iter(proof)
    # A tree that is a full subtree of the new one is known by its root, so the proof has it not.
    first = old_root if at == 0 else next(rest, None)
    if first is None:
        raise Unproven(f"the proof {between} is too short")
    found_old = found_new = first
    for each in rest:
        if last == 0:
            raise Unproven(f"the proof {between} is too long")
        if at & 1 or at == last:
            found_old, found_new = node_hash(each, found_old), node_hash(each, found_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, each)
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven(f"the proof {between} is too short")
    if found_old != old_root or found_new != new_root:
        raise Unproven(f"the roots {between} are not consistent")
