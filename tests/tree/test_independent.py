"""Go's packages for transparency logs agree with every byte that the endpoints serve."""

from pathlib import Path

from ledger.proof.tiles import tiles_of
from tests.ledger.tree.trees import as_administrator, execute
from tests.proof.independent import check as check
from tests.proof.independent import told, write
from tests.tree.signed import CHECKPOINT, signed
from tests.tree.test_tiles import CONSISTENCY, EVENTS, many
from tests.world import World

LEDGER = "/api/ledger/"
LEAF = 271


def served(world: World, old: int, size: int) -> dict[str, bytes]:
    """Return what the endpoints say of a tree, and of an earlier one, by the paths that a log has."""
    ((position,),) = execute(
        world.conninfo,
        "SELECT notification_id FROM journal.ledger_events ORDER BY 1 OFFSET %s LIMIT 1",
        LEAF,
    )
    tiles = list(tiles_of(size))
    paths = [tile.path for tile in tiles] + [tile.entries_path for tile in tiles if tile.level == 0]
    asked: dict[str, tuple[str, dict[str, int]]] = {
        "checkpoint": (CHECKPOINT, {"size": size}),
        f"checkpoints/{old}": (CHECKPOINT, {"size": old}),
        "proof": (f"{EVENTS}{position}/proof", {"size": size}),
        "consistency.json": (CONSISTENCY, {"from": old, "to": size}),
        **{path: (f"{LEDGER}{path}", {}) for path in paths},
    }
    answers = {name: world.as_("staff").get(url, **query) for name, (url, query) in asked.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {name: answer.get_data() for name, answer in answers.items()}


def key_of(world: World) -> str:
    key_file = world.services.signing.key_file
    signer = key_file.signer() if key_file else None
    assert signer
    return signer.verifier_key


def test_go_agrees_with_what_is_served(here: World, check: Path, tmp_path: Path) -> None:
    many(here, 300)
    old = signed(here)
    many(here, 500)
    size = signed(here)
    write(tmp_path / "log", served(here, old, size))
    status, line = told(check, tmp_path / "log", key_of(here))
    assert line.startswith(f"{size} entries, entry {LEAF} and {old} -> {size} as signed, root ")
    assert status == 0


def test_go_refuses_a_fact_that_an_administrator_changed(here: World, check: Path, tmp_path: Path) -> None:
    many(here, 300)
    old = size = signed(here)
    with as_administrator(here.conninfo) as connection:
        connection.execute(
            "UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id = ("
            "SELECT notification_id FROM journal.ledger_events ORDER BY 1 OFFSET 100 LIMIT 1)"
        )
    write(tmp_path / "log", served(here, old, size))
    assert told(check, tmp_path / "log", key_of(here)) == (1, "entry 100 is not what was signed\n")
