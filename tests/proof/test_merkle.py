"""Roots and proofs are those of RFC 6962, whatever is read of the tree."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proof import Malformed, Unproven
from ledger.proof.checking import check_consistency, check_inclusion
from ledger.proof.hashing import EMPTY_ROOT, leaf_hash, node_hash, root_of
from ledger.proof.merkle import GrowingTree, ReadTile, consistency_proof, inclusion_proof, root
from ledger.proof.tiles import Tile, tiles_of
from tests.proof.naive import NaiveTree, some_leaves

MANY = 600
LEAVES = some_leaves(MANY)
NAIVE = NaiveTree(LEAVES)

# The eight leaves and the figures that implementations of certificate transparency are tested with.
EIGHT = [
    bytes.fromhex(each)
    for each in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = """e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
""".splitlines()
INCLUDED = {
    (0, 1): [],
    (0, 8): ["96a296d224f285c6", "5f083f0a1a33ca07", "6b47aaf29ee3c2af"],
    (5, 8): ["bc1a0643b12e4d2d", "ca854ea128ed050b", "d37ee418976dd957"],
    (2, 3): ["fac54203e7cc696c"],
    (1, 5): ["6e340b9cffb37a98", "5f083f0a1a33ca07", "bc1a0643b12e4d2d"],
}
CONSISTENT = {
    (1, 1): [],
    (1, 8): ["96a296d224f285c6", "5f083f0a1a33ca07", "6b47aaf29ee3c2af"],
    (6, 8): ["0ebc5d3437fbe2db", "ca854ea128ed050b", "d37ee418976dd957"],
    (2, 5): ["5f083f0a1a33ca07", "bc1a0643b12e4d2d"],
}


def begins(hashes: list[bytes]) -> list[str]:
    return [each.hex()[:16] for each in hashes]


def test_roots_are_those_of_the_eight_known_leaves() -> None:
    hashes = [leaf_hash(each) for each in EIGHT]
    tree = GrowingTree()
    for size in range(9):
        assert root_of(hashes[:size]).hex() == ROOTS[size]
        assert tree.root().hex() == ROOTS[size]
        if size < 8:
            tree.append(hashes[size])


@pytest.mark.parametrize(("index", "size"), INCLUDED)
def test_inclusion_proofs_are_those_of_the_eight_known_leaves(index: int, size: int) -> None:
    tree = NaiveTree([leaf_hash(each) for each in EIGHT])
    assert begins(inclusion_proof(index, size, tree.read_tile)) == INCLUDED[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENT)
def test_consistency_proofs_are_those_of_the_eight_known_leaves(old: int, new: int) -> None:
    tree = NaiveTree([leaf_hash(each) for each in EIGHT])
    assert begins(consistency_proof(old, new, tree.read_tile)) == CONSISTENT[old, new]


def test_a_growing_tree_has_the_root_and_the_tiles_of_every_size() -> None:
    tree = GrowingTree()
    full: dict[Tile, bytes] = {}
    for size in range(MANY):
        assert tree.root() == root_of(LEAVES[:size]) == root(size, NAIVE.read_tile) == NAIVE.root(size)
        assert {**full, **dict(tree.edge())} == {tile: NAIVE.read_tile(tile) for tile in tiles_of(size)}
        full |= dict(tree.append(LEAVES[size]))


@given(st.integers(0, MANY), st.integers(0, MANY))
def test_a_tree_grows_on_from_its_tiles(one: int, other: int) -> None:
    size, then = sorted((one, other))
    tree = GrowingTree.of(size, NAIVE.read_tile)
    added = [tile for each in LEAVES[size:then] for tile in tree.append(each)] + tree.edge()
    assert tree.root() == NAIVE.root(then)
    assert dict(added) | dict(tree.edge()) == dict(added)
    since = {tile: NAIVE.read_tile(tile) for tile in tiles_of(then, since=size)}
    assert since.items() <= dict(added).items()


sizes = st.one_of(st.integers(1, MANY), st.sampled_from([255, 256, 257, 511, 512, 513]))


@given(sizes, st.data())
def test_every_leaf_is_proven_to_be_in_a_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, NAIVE.read_tile)
    assert proof == NAIVE.path(index, 0, size)
    check_inclusion(index, size, LEAVES[index], proof, NAIVE.root(size))


@given(sizes, st.data())
def test_every_tree_is_proven_to_begin_with_those_before(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, NAIVE.read_tile)
    assert proof == NAIVE.proof(old, new)
    check_consistency(old, NAIVE.root(old), new, NAIVE.root(new), proof)


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 9, 20])
def test_small_trees_are_proven_for_every_pair(new: int) -> None:
    for old in range(1, new + 1):
        check_consistency(
            old, NAIVE.root(old), new, NAIVE.root(new), consistency_proof(old, new, NAIVE.read_tile)
        )
        check_inclusion(
            old - 1, new, LEAVES[old - 1], inclusion_proof(old - 1, new, NAIVE.read_tile), NAIVE.root(new)
        )


def test_every_tree_begins_with_the_empty_one() -> None:
    assert consistency_proof(0, 9, NAIVE.read_tile) == []
    check_consistency(0, EMPTY_ROOT, 9, NAIVE.root(9), [])
    with pytest.raises(Unproven, match="not consistent"):
        check_consistency(0, NAIVE.root(1), 9, NAIVE.root(9), [])


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    """Return proofs that are not this one, though nearly."""
    other = bytes([proof[0][0] ^ 1]) + proof[0][1:] if proof else b""
    return [
        [*proof, LEAVES[0]],
        *([proof[:-1], proof[1:], [other, *proof[1:]], [*proof, proof[-1]]] if proof else []),
    ]


@given(sizes, st.data())
def test_no_other_proof_holds_for_a_leaf(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, NAIVE.read_tile)
    for other in spoilt(proof):
        with pytest.raises(Unproven):
            check_inclusion(index, size, LEAVES[index], other, NAIVE.root(size))
    with pytest.raises(Unproven, match="another root"):
        check_inclusion(index, size, LEAVES[index - 1] if index else LEAVES[1], proof, NAIVE.root(size))
    if size > 1:
        with pytest.raises(Unproven):
            check_inclusion((index + 1) % size, size, LEAVES[index], proof, NAIVE.root(size))


@given(sizes, st.data())
def test_no_other_proof_holds_for_two_trees(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, NAIVE.read_tile)
    roots = NAIVE.root(old), NAIVE.root(new)
    for other in spoilt(proof):
        with pytest.raises(Unproven):
            check_consistency(old, roots[0], new, roots[1], other)
    forged = node_hash(*roots)
    with pytest.raises(Unproven, match="not consistent"):
        check_consistency(old, forged, new, roots[1], proof)
    with pytest.raises(Unproven, match="not consistent"):
        check_consistency(old, roots[0], new, forged, proof)


def test_a_proof_of_another_length_is_told_apart() -> None:
    included, consistent = NAIVE.path(5, 0, 9), NAIVE.proof(5, 9)
    for proof, what in ((included[:-1], "too short"), ([*included, LEAVES[0]], "too long")):
        with pytest.raises(Unproven, match=f"the proof of leaf 5 is {what}"):
            check_inclusion(5, 9, LEAVES[5], proof, NAIVE.root(9))
    for proof, what in (
        (consistent[:-1], "too short"),
        ([], "too short"),
        ([*consistent, LEAVES[0]], "too long"),
    ):
        with pytest.raises(Unproven, match=f"the proof between 5 and 9 leaves is {what}"):
            check_consistency(5, NAIVE.root(5), 9, NAIVE.root(9), proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (7, 5)])
def test_a_leaf_beyond_a_tree_is_neither_proven_nor_accepted(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf of index"):
        inclusion_proof(index, size, NAIVE.read_tile)
    with pytest.raises(Unproven, match="no leaf of index"):
        check_inclusion(index, size, LEAVES[0], [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_a_greater_tree_is_not_consistent_with_a_smaller_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="can't begin"):
        consistency_proof(old, new, NAIVE.read_tile)
    with pytest.raises(Unproven, match="no consistency"):
        check_consistency(old, NAIVE.root(5), new, NAIVE.root(5), [])


def test_a_tile_with_too_few_hashes_is_refused() -> None:
    with pytest.raises(Malformed, match="p/5 has 159 bytes in place of 160"):
        root(5, lambda tile: NAIVE.read_tile(tile)[1:])


@pytest.fixture(name="store", scope="module")
def tiles_of_three_levels() -> dict[Tile, bytes]:
    """Return the tiles of a tree whose third level has begun."""
    tree = GrowingTree()
    store: dict[Tile, bytes] = {}
    for each in some_leaves(65_536 + 300):
        store |= dict(tree.append(each))
    return store | dict(tree.edge())


def test_proofs_of_a_higher_tree_read_few_tiles(store: dict[Tile, bytes]) -> None:
    size, read = 65_536 + 300, list[Tile]()

    def read_tile(tile: Tile) -> bytes:
        read.append(tile)
        return store[tile]

    def prove(kind: Callable[[int, int, ReadTile], list[bytes]], of: int) -> list[bytes]:
        read.clear()
        proof = kind(of, size, read_tile)
        assert len(read) == len(set(read)) <= 6
        return proof

    leaves = some_leaves(size)
    whole = root_of(leaves)
    assert root(size, store.__getitem__) == whole
    for index in (0, 255, 256, 40_000, 65_535, 65_536, size - 1):
        proof = prove(inclusion_proof, index)
        check_inclusion(index, size, leaves[index], proof, whole)
    for old in (1, 256, 300, 40_000, 65_535, 65_536, 65_537, size - 1):
        proof = prove(consistency_proof, old)
        check_consistency(old, root_of(leaves[:old]), size, whole, proof)
