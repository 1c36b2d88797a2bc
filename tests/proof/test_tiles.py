"""Where tiles are, and which a tree has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proof import Malformed
from ledger.proof.tiles import Tile, parse_entries_tile, parse_tile, tiles_of

PATHS = {
    Tile(0, 0): "tile/0/000",
    Tile(0, 0, 1): "tile/0/000.p/1",
    Tile(1, 999, 255): "tile/1/999.p/255",
    Tile(2, 1_000): "tile/2/x001/000",
    Tile(63, 1_234_067): "tile/63/x001/x234/067",
    Tile(0, 1_000_000, 17): "tile/0/x001/x000/000.p/17",
}


@pytest.mark.parametrize("tile", PATHS)
def test_a_tile_has_one_path(tile: Tile) -> None:
    assert tile.path == PATHS[tile]
    assert parse_tile(PATHS[tile]) == tile


@given(st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_entries_are_beside_the_hashes_of_them(index: int, width: int) -> None:
    tile = Tile(0, index, width)
    assert tile.entries_path == tile.path.replace("tile/0/", "tile/entries/")
    assert parse_tile(tile.path) == parse_entries_tile(tile.entries_path) == tile


NO_PATHS = [
    *("", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1234"),
    *("tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/x001/", "tile/0/x001/x002"),
    *("tile/00/000", "tile/01/000", "tile/64/000", "tile/-1/000", "tile/0/-01", "tile/100/000", "tile/+1/0"),
    *("tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256"),
    *("tile/0/000.p/257", "tile/0/000.p/1/", "/tile/0/000", "tile/0/000/", "tile/0/000\n", "tile//000"),
    *("tile/0/X001/002", "tile/0/\u0660\u0660\u0660", "tile/0/../000", "tile/entries", "tile/0/000.P/1"),
    *("tile/x/000", "tile/0/000.p/1000"),
    "tile/0/" + "x001/" * 6 + "000",
]  # fmt: skip


@pytest.mark.parametrize("path", NO_PATHS)
def test_no_other_path_is_one_of_a_tile(path: str) -> None:
    with pytest.raises(Malformed, match="path of a tile"):
        parse_tile(path)
    with pytest.raises(Malformed, match="path of a tile"):
        parse_entries_tile(path.replace("tile/0/", "tile/entries/"))


def test_paths_of_entries_are_not_those_of_hashes() -> None:
    with pytest.raises(Malformed, match="tile/entries/000"):
        parse_tile("tile/entries/000")
    with pytest.raises(Malformed, match="tile/0/000"):
        parse_entries_tile("tile/0/000")


def test_the_tree_of_the_specification_has_its_tiles() -> None:
    tiles = list(tiles_of(70_000))
    assert tiles[:273] == [Tile(0, index) for index in range(273)]
    assert tiles[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        (0, []),
        (1, [Tile(0, 0, 1)]),
        (255, [Tile(0, 0, 255)]),
        (256, [Tile(0, 0), Tile(1, 0, 1)]),
        (257, [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]),
    ],
)
def test_small_trees_have_few_tiles(size: int, tiles: list[Tile]) -> None:
    assert list(tiles_of(size)) == tiles


@given(st.integers(0, 200_000), st.integers(0, 2_000))
def test_tiles_since_a_size_are_those_that_it_had_not(size: int, more: int) -> None:
    assert set(tiles_of(size + more, since=size)) == set(tiles_of(size + more)) - set(tiles_of(size))


def test_a_tile_knows_its_first_leaf() -> None:
    assert [Tile(0, 3).first, Tile(1, 3, 5).first, Tile(2, 1).first] == [768, 3 * 65_536, 256**3]
