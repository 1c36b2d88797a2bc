"""Nothing is signed that contradicts what was signed before, whatever an administrator does to the database.

The service says so, and takes reports all the same.
"""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ledger.errors import SigningRefused
from tests.conftest import database
from tests.ledger.tree.trees import as_administrator, execute
from tests.support.dumps import dump, restore
from tests.tree.signed import checkpoint, refusal, report, signed, signing
from tests.world import World


def change(here: World, statement: str, *tables: str) -> None:
    with as_administrator(here.conninfo, *tables) as connection:
        connection.execute(statement.encode())


REWRITE = "UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id = {}"
REMOVE = "DELETE FROM journal.ledger_events WHERE notification_id = {}"


def test_a_fact_that_was_changed_before_it_was_signed_is_not_signed(here: World) -> None:
    signed(here)
    position = report(here)
    report(here, 6)
    change(here, REWRITE.format(position))
    assert refusal(here) == f"The fact at position {position} is not the one that the tree has there."


def test_a_fact_that_was_lost_before_it_was_signed_is_not_signed(here: World) -> None:
    signed(here)
    first, _, third = report(here, 1), report(here, 2), report(here, 3)
    change(here, REMOVE.format(first + 1))
    here.now += timedelta(seconds=2)
    answer = checkpoint(here)
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"detail": f"The fact at position {third} is not the one that the tree has there."},
    )


def test_where_the_last_facts_are_missing_nothing_is_signed(here: World) -> None:
    report(here)
    size = signed(here)
    last = report(here)
    change(here, REMOVE.format(last))
    told = f"The journal ends at position {last - 1}, and its tree at {last}."
    with pytest.raises(SigningRefused, match=told):
        here.services.signing.checkpoint(here.now + timedelta(seconds=2))
    with pytest.raises(SigningRefused, match=told):
        here.services.signing.check()
    assert size


def test_a_tree_that_was_made_anew_of_changed_facts_is_not_signed(here: World) -> None:
    """An administrator changes a fact, and has the next start make the whole tree of it."""
    size = signed(here)
    position = report(here)
    change(here, REWRITE.format(7))
    execute(here.conninfo, "DROP TABLE journal.tree_tile, journal.tree_tail")
    with signing(here.conninfo, _key(here)) as again:
        assert refusal(again) == f"A checkpoint of {size} facts is kept, and those of the journal are others."
        assert checkpoint(again, size=size).status_code == 200
    assert position


def test_nor_where_the_checkpoints_went_with_it(here: World) -> None:
    size = signed(here)
    change(here, REWRITE.format(7))
    execute(here.conninfo, "DROP TABLE journal.tree_tile, journal.tree_tail, journal.checkpoint")
    with signing(here.conninfo, _key(here)) as again:
        told = refusal(again)
        assert (
            told == f"A checkpoint of {size} facts has left this ledger, and those of the journal are others."
        )


def test_an_old_backup_is_not_signed_after_a_later_checkpoint_has_left_the_house(
    here: World, url: str, server: str, key: Path
) -> None:
    signed(here)
    backup = dump(url, "--schema=journal")
    report(here)
    size = signed(here)
    with database(server) as other:
        restore(other, backup)
        with signing(other, key) as restored:
            told = refusal(restored)
            assert told.startswith(f"A checkpoint of {size} facts has left this ledger, and the journal has")
            assert told.endswith(": facts are missing.")
            for amount in range(10, 15):
                report(restored, amount)
            told = refusal(restored)
            assert (
                told
                == f"A checkpoint of {size} facts has left this ledger, and those of the journal are others."
            )
        with signing(other, key) as restarted:
            assert refusal(restarted) == told


def test_a_fork_is_not_signed_beside_the_ledger(here: World, url: str, server: str, key: Path) -> None:
    """A copy of the database, served with the same key while the first goes on."""
    signed(here)
    copy = dump(url, "--schema=journal")
    with database(server) as other:
        restore(other, copy)
        with signing(other, key) as fork:
            report(here, 1)
            size = signed(here)
            report(fork, 2)
            report(fork, 3)
            assert refusal(fork) == (
                f"A checkpoint of {size} facts has left this ledger, and those of the journal are others."
            )
            report(here, 4)
            signed(here)


def test_a_backup_of_after_the_last_checkpoint_goes_on(here: World, url: str, server: str, key: Path) -> None:
    size = signed(here)
    backup = dump(url, "--schema=journal")
    with database(server) as other:
        restore(other, backup)
        with signing(other, key) as restored:
            report(restored)
            assert signed(restored) > size


def test_a_server_that_only_hands_out_checkpoints_remembers_them_too(
    here: World, url: str, server: str, key: Path, tmp_path: Path
) -> None:
    """So it notices that the database went back, though it was another one that signed."""
    signed(here)
    backup = dump(url, "--schema=journal")
    copied = tmp_path / "copied"
    copied.write_text(key.read_text())
    copied.chmod(0o600)
    report(here)
    size = signed(here)
    with signing(url, copied) as second:
        second.now = here.now
        assert int(checkpoint(second).text.split("\n")[1]) == size
    with database(server) as other:
        restore(other, backup)
        with signing(other, copied) as restored:
            assert f"A checkpoint of {size} facts has left this ledger" in refusal(restored)


def test_a_tile_that_was_changed_is_not_signed(here: World) -> None:
    report(here)
    size = signed(here)
    report(here, 6)
    flip = "UPDATE journal.tree_tail SET hashes = set_byte(hashes, 0, 255 - get_byte(hashes, 0)) WHERE {}"
    change(here, flip.format(f"first_leaf < {size} AND first_leaf > {size - 3}"), "tree_tail")
    told = refusal(here)
    assert told == f"A checkpoint of {size} facts is kept, and those of the journal are others."


def test_a_checkpoint_that_nobody_signed_is_not_gone_on_from(here: World) -> None:
    signed(here)
    report(here)
    change(
        here,
        "UPDATE journal.checkpoint"
        " SET note = convert_to("
        "translate(convert_from(note, 'UTF8'), 'ABCDEFGHIJKLMNOP', 'QRSTUVWXYZABCDEF'), 'UTF8')",
        "checkpoint",
    )
    assert "Nothing" not in refusal(here)


# --- the key ---


def _key(here: World) -> Path:
    files = here.services.signing.key_file
    assert files
    return files.path


def test_the_key_of_another_ledger_signs_nothing(here: World, key: Path) -> None:
    origin = here.services.origin()
    here.sign_with(key, origin="ledger.example.org/hpc")
    told = f"The signing key is that of {origin}, and this ledger is ledger.example.org/hpc."
    assert refusal(here) == told


def test_a_second_key_of_the_same_name_signs_nothing(here: World, tmp_path: Path) -> None:
    size = signed(here)
    report(here)
    other = tmp_path / "other-key"
    with psycopg.connect(here.conninfo) as connection:  # as if nothing had been signed
        connection.execute("ALTER TABLE journal.checkpoint DISABLE TRIGGER append_only")
        connection.execute("CREATE TABLE public.kept AS TABLE journal.checkpoint")
        connection.execute("DELETE FROM journal.checkpoint")
    here.sign_with(other)
    with psycopg.connect(here.conninfo) as connection:
        connection.execute("INSERT INTO journal.checkpoint TABLE public.kept")
        connection.execute("ALTER TABLE journal.checkpoint ENABLE ALWAYS TRIGGER append_only")
    assert refusal(here) == f"The checkpoint of {size} facts is signed by another key of this name."


@pytest.mark.parametrize("trouble", ["mode", "text", "folder", "ascii", "loop"])
def test_a_key_that_can_not_be_used_is_told_of_without_its_path(
    here: World, key: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    signed(here)
    report(here)
    if trouble == "mode":
        key.chmod(0o640)
    elif trouble == "text":
        key.write_text(key.read_text()[:-9])
    elif trouble == "ascii":
        key.write_bytes(b"\xff\xfe")
    elif trouble == "loop":  # as a folder that is closed to the service, which none is to root
        key.unlink()
        key.symlink_to(key)
    else:
        key.unlink()
        key.mkdir()
    assert refusal(here) == "The signing key can't be used; the log says why."
    assert any(str(key) in message for message in caplog.messages)
    secret = "+".join(key.read_text("latin-1").split("+")[4:]) if key.is_file() else ""
    assert not secret or not any(secret in message for message in caplog.messages)


def test_nothing_is_signed_that_can_not_be_remembered(here: World, key: Path) -> None:
    signed(here)
    report(here)
    key.with_name("signing-key.checkpoint.unfinished").mkdir()
    here.now += timedelta(seconds=2)
    answer = checkpoint(here)
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"detail": "The signing key can't be used; the log says why."},
    )
    ((kept,),) = execute(here.conninfo, "SELECT count(*) FROM journal.checkpoint")
    assert kept == 1
