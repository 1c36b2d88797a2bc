"""/api/ledger/checkpoint: signed when it is asked for, kept for ever, one signer for all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Cursor

from ledger.journal.tree import signing as signing_of_trees
from ledger.journal.tree.checkpoints import Kept, newest
from tests.ledger.tree.trees import execute, leaves, root
from tests.tree.signed import checkpoint, report, signed, signing, verified
from tests.world import World

SELECT_KEPT = "SELECT size, position, convert_from(note, 'UTF8') FROM journal.checkpoint ORDER BY size"


def test_a_checkpoint_is_a_signed_note_about_all_facts(here: World, key: Path) -> None:
    answer = checkpoint(here)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    hashes = leaves(here.conninfo)
    files = here.services.signing.key_file
    assert files
    signer = files.signer()
    assert signer
    ((ledger_id,),) = execute(here.conninfo, "SELECT ledger_id FROM journal.ledger")
    assert verified(signer.verifier_key, answer.text) == (
        f"usage-ledger/{ledger_id.hex}",
        len(hashes),
        root(hashes),
    )


def test_it_is_signed_anew_only_where_it_lacks_facts_for_longer_than_a_second(here: World) -> None:
    first = checkpoint(here).text
    here.now += timedelta(seconds=5)
    assert checkpoint(here).text == first, "there are no new facts"
    report(here)
    assert checkpoint(here).text != first, "the last one is older than a second"
    second = checkpoint(here).text
    here.report(usages=[{"type": "gpu", "amount": "7"}])
    here.now += timedelta(milliseconds=900)
    assert checkpoint(here).text == second
    here.now += timedelta(milliseconds=200)
    assert checkpoint(here).text != second


def test_it_covers_every_fact_that_was_recorded_more_than_a_second_before(here: World) -> None:
    """Also one that was committed after the last checkpoint was signed, and recorded before."""
    here.report(usages=[{"type": "gpu", "amount": "7"}])
    here.now += timedelta(seconds=10)
    checkpoint(here)
    here.now -= timedelta(seconds=2)
    here.report(usages=[{"type": "gpu", "amount": "8"}])
    here.now += timedelta(seconds=2)
    assert int(checkpoint(here).text.split("\n")[1]) == len(leaves(here.conninfo))


def test_every_checkpoint_is_kept_for_ever(here: World, key: Path) -> None:
    sizes, notes = [], []
    for amount in range(5):
        report(here, amount)
        sizes.append(signed(here))
        notes.append(checkpoint(here).text)
    ((head,),) = execute(here.conninfo, "SELECT max(notification_id) FROM journal.ledger_events")
    kept = execute(here.conninfo, SELECT_KEPT)
    assert [(row[0], row[2]) for row in kept] == [*zip(sizes, notes, strict=True)]
    assert kept[-1][1] == head
    assert [checkpoint(here, size=size).text for size in sizes] == notes
    assert key.with_name("signing-key.checkpoint").read_text() == notes[-1]


def test_a_checkpoint_that_was_not_kept_is_not_there(here: World) -> None:
    size = signed(here)
    answer = checkpoint(here, size=size - 1)
    assert (answer.status_code, answer.get_json()) == (
        404,
        {"detail": f"No checkpoint of {size - 1} facts was kept."},
    )


@pytest.mark.parametrize("size", ["", "-1", "1.0", "x", "9" * 19, "१"])
def test_a_size_that_is_none_is_refused_by_name(here: World, size: str) -> None:
    answer = checkpoint(here, size=size)
    assert (answer.status_code, answer.get_json()) == (
        400,
        {"size": ["Must be a number of facts: a whole number from 0 on."]},
    )


def test_a_misspelt_parameter_is_refused(here: World) -> None:
    answer = checkpoint(here, sise="3")
    assert (answer.status_code, [*answer.get_json()]) == (400, ["sise"])


def test_only_those_with_a_token_get_one(here: World) -> None:
    assert here.anonymous.get("/api/ledger/checkpoint").status_code == 401


def test_without_a_key_nothing_is_signed_and_the_service_is_ready(world: World) -> None:
    answer = checkpoint(world)
    assert (answer.status_code, answer.get_json()) == (503, {"detail": "This ledger has no signing key."})
    assert world.anonymous.get("/readyz").status_code == 200


def test_who_has_a_checkpoint_is_not_told_that_nothing_changed_when_a_new_one_is_due(here: World) -> None:
    signed(here)
    here.report(usages=[{"type": "gpu", "amount": "7"}])
    old = checkpoint(here)
    here.now += timedelta(seconds=2)
    again = here.as_("stranger").send(
        "GET", "/api/ledger/checkpoint", headers={"If-None-Match": old.headers["ETag"]}
    )
    assert (again.status_code, again.text != old.text) == (200, True)


def test_two_servers_sign_one_history(url: str, key: Path, tmp_path: Path) -> None:
    """Each has a copy of the key of its own, and asks at the same time as the other."""
    copied = tmp_path / "other" / "signing-key"
    with signing(url, key) as first:
        copied.parent.mkdir()
        copied.write_text(key.read_text())
        copied.chmod(0o600)
        with signing(url, copied) as second, ThreadPoolExecutor(6) as pool:
            for amount in range(6):
                report(first, amount)
                second.now = first.now = first.now + timedelta(seconds=2)
                for world in (first, second):
                    world.as_("stranger")
                asked = [pool.submit(checkpoint, world) for world in (first, second) * 3]
                answers = {each.result().text for each in asked}
                assert len(answers) == 1
    hashes = leaves(url)
    kept = execute(url, SELECT_KEPT)
    verifier = first.services.signing.key_file
    assert verifier
    signer = verifier.signer()
    assert signer
    for size, _, note in kept:
        assert verified(signer.verifier_key, note)[1:] == (size, root(hashes[:size]))
    assert len(kept) == 6
    assert copied.with_name("signing-key.checkpoint").read_text() == kept[-1][2]
    assert key.with_name("signing-key.checkpoint").read_text() == kept[-1][2]


def test_a_checkpoint_that_left_the_house_and_was_not_kept_is_kept_at_the_next(
    here: World, key: Path
) -> None:
    """It is remembered first. A crash may come before it is kept, or the table be lost."""
    signed(here)
    report(here)
    size = signed(here)
    note = key.with_name("signing-key.checkpoint").read_text()
    with psycopg.connect(here.conninfo, autocommit=True) as connection:
        connection.execute("ALTER TABLE journal.checkpoint DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM journal.checkpoint")
        connection.execute("ALTER TABLE journal.checkpoint ENABLE ALWAYS TRIGGER append_only")
    assert checkpoint(here).text == note
    assert [(row[0], row[2]) for row in execute(here.conninfo, SELECT_KEPT)] == [(size, note)]


def test_what_another_server_signs_meanwhile_is_no_contradiction(
    here: World, url: str, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(here)
    with signing(url, key) as other:
        other.now = here.now

        def newest_after_another_was_signed(cursor: Cursor[Any]) -> Kept | None:
            monkeypatch.undo()
            report(other)
            signed(other)
            return newest(cursor)

        monkeypatch.setattr(signing_of_trees, "newest", newest_after_another_was_signed)
        assert checkpoint(here).text == checkpoint(other).text
