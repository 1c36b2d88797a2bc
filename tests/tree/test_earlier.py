"""Checkpoints of fewer facts than the newest one covers are signed, once it is proven to begin with them."""

import pytest

from ledger.errors import SigningRefused
from ledger.journal.tree.checkpoints import Kept, newest, of_size
from ledger.journal.tree.earlier import checkpoint_up_to
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import open_note
from tests.ledger.tree.trees import as_administrator, execute, leaves, root
from tests.tree.signed import signed
from tests.tree.test_tiles import many
from tests.world import World


def up_to(world: World, position: int) -> Kept:
    key_file = world.services.signing.key_file
    signer = key_file.signer() if key_file else None
    assert signer
    with world.ledger.pool.connection() as connection:
        last = newest(connection.cursor())
        assert last
        kept = checkpoint_up_to(connection, position, last, signer, world.now)
    assert Checkpoint.parse(open_note(kept.note, [signer.verifier]).text).size == kept.size
    return kept


def positions(world: World) -> list[int]:
    rows = execute(world.conninfo, "SELECT notification_id FROM journal.ledger_events ORDER BY 1")
    return [position for (position,) in rows]


def test_facts_up_to_a_position_have_a_checkpoint_which_is_kept(here: World) -> None:
    many(here, 600)
    size = signed(here)
    for index in (0, 254, 255, 256, 300, size - 1):
        kept = up_to(here, positions(here)[index])
        text = kept.note.decode().split("\n")
        assert (kept.size, kept.position, text[1]) == (index + 1, positions(here)[index], str(index + 1))
        assert Checkpoint.parse("\n".join(text[:3]) + "\n").root == root(leaves(here.conninfo)[: index + 1])
        with here.ledger.pool.connection() as connection:
            assert of_size(connection.cursor(), index + 1) == kept
        assert up_to(here, positions(here)[index]) == kept
    assert up_to(here, 0).size == 0


def test_nothing_is_signed_that_the_newest_checkpoint_does_not_begin_with(here: World) -> None:
    many(here, 600)
    signed(here)
    with as_administrator(here.conninfo, "tree_tile") as connection:
        connection.execute(
            "UPDATE journal.tree_tile SET hashes = set_byte(hashes, 40, 1 - get_byte(hashes, 40) % 2)"
            " WHERE level = 0 AND index = 0"
        )
    with pytest.raises(SigningRefused, match=r"The tree of 100 facts can't be signed: .* are not consistent"):
        up_to(here, positions(here)[99])
    assert execute(here.conninfo, "SELECT count(*) FROM journal.checkpoint WHERE size = 100") == [(0,)]
