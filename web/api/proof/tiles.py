"""/api/ledger/tile/…: the tree in pieces of 256 hashes, and the entries below them.

What is full never changes. Of others any width is served that the tree has got to, also later.
"""

from flask import Response

from ledger.errors import NotPermitted, TreeDamaged
from ledger.journal.tree.reading import Tree, entry_of_fact
from ledger.proof import Malformed
from ledger.proof.entries import pack_entries
from ledger.proof.tiles import TILE_WIDTH, Tile, parse_entries_tile, parse_tile
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.services import services
from web.wire.declared.parameters import takes
from web.wire.errors import Missing, echo
from web.wire.rendering import BYTES, answers_with, raises

IMMUTABLE = "max-age=31536000, immutable"
"""Of full tiles. A hash tells nobody anything, so that caches which others share may keep it, too."""

PRIVATE = f"private, {IMMUTABLE}"

blueprint = api("ledger_tiles", "/api/ledger/tile")


@blueprint.get("/<path:place>")
@takes()
@answers_with(BYTES, "Cache-Control")
def tile_of_hashes(place: str) -> Response:
    try:
        tile = parse_tile(f"tile/{place}")
    except Malformed:
        raise Missing(f"There is no tile at tile/{echo(place)}.") from None
    with services().reading() as cursor:
        hashes = Tree(cursor).find(tile)
    if hashes is None:
        raise _beyond(tile.path)
    return _response(hashes, tile, IMMUTABLE)


@blueprint.get("/entries/<path:place>")
@takes()
@answers_with(BYTES, "Cache-Control")
@raises(NotPermitted)
def tile_of_entries(place: str) -> Response:
    if not caller().sees_all:
        raise NotPermitted
    try:
        tile = parse_entries_tile(f"tile/entries/{place}")
    except Malformed:
        raise Missing(f"There are no entries at tile/entries/{echo(place)}.") from None
    with services().reading() as cursor:
        tree = Tree(cursor)
        if tree.find(tile) is None:
            raise _beyond(tile.entries_path)
        facts = tree.facts(tile)
    if len(facts) < tile.width:
        raise TreeDamaged(f"facts of {tile.entries_path} are missing")
    return _response(pack_entries(entry_of_fact(fact) for fact in facts), tile, PRIVATE)


def _beyond(path: str) -> Missing:
    return Missing(f"The tree has not got as far as {path}.")


def _response(body: bytes, tile: Tile, of_full_ones: str) -> Response:
    response = Response(body, content_type=BYTES)
    if tile.width == TILE_WIDTH:
        response.headers["Cache-Control"] = of_full_ones
    return response
