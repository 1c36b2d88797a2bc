"""`usage-ledger key`: one key, which is made once, shown, and replaced by its own word."""

import stat
from pathlib import Path

import pytest

from ledger.journal.tree.keys import KeyFile
from tests.ledger.tree.trees import execute, leaves, root
from tests.support.command import output_of, run
from tests.tree.signed import refusal, report, signed, signing, verified
from tests.world import World


@pytest.fixture
def environment(url: str, key: Path) -> dict[str, str]:
    return {"LEDGER_DATABASE_URL": url, "LEDGER_SIGNING_KEY": str(key)}


def test_a_key_is_made_for_its_owner_alone_and_shown(environment: dict[str, str], key: Path) -> None:
    refused = run(environment, "key", "show")
    assert (refused.returncode, "there is no signing key in" in refused.stderr) == (1, True)
    made = output_of(environment, "key", "create").strip()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert output_of(environment, "key", "show").strip() == made
    name, key_id, public = made.split("+", 2)
    ((ledger_id,),) = execute(environment["LEDGER_DATABASE_URL"], "SELECT ledger_id FROM journal.ledger")
    assert name == f"usage-ledger/{ledger_id.hex}"
    assert (len(key_id), len(public)) == (8, 44)
    text = key.read_text()
    assert text.startswith(f"PRIVATE+KEY+{name}+{key_id}+")
    again = run(environment, "key", "create")
    assert (again.returncode, "--rotate replaces it" in again.stderr) == (1, True)
    assert key.read_text() == text


def test_no_secret_is_ever_in_the_database(here: World, key: Path, environment: dict[str, str]) -> None:
    report(here)
    signed(here)
    secrets = [key.read_text().strip().split("+", 4)[4]]
    output_of(environment, "key", "create", "--rotate")
    secrets.append(key.read_text().strip().split("+", 4)[4])
    whole = execute(
        here.conninfo, "SELECT string_agg(convert_from(state, 'UTF8'), '') FROM journal.ledger_events"
    )[0][0]
    whole += str(execute(here.conninfo, "SELECT * FROM journal.checkpoint"))
    assert not any(secret in whole for secret in secrets)


def test_a_key_that_is_rotated_signs_the_next_one_into_the_journal(
    here: World, key: Path, environment: dict[str, str]
) -> None:
    old = output_of(environment, "key", "show").strip()
    report(here)
    size = signed(here)
    new = output_of(environment, "key", "create", "--rotate").strip()
    assert output_of(environment, "key", "show").strip() == new != old
    (fact,) = here.as_("staff").get("/api/ledger/events/", after=size, limit=1000).get_json()[-1:]
    assert (fact["type"], fact["data"]["verifier_key"], fact["data"]["replaced"]) == (
        "SigningKeyRotated",
        new,
        old,
    )
    text = fact["data"]["note"].partition("\n\n")[0].split("\n")
    assert text == [f"{here.services.origin()}/key", new]
    report(here)
    larger = signed(here)
    hashes = leaves(here.conninfo)
    note = here.as_("staff").get("/api/ledger/checkpoint").text
    assert verified(new, note)[1:] == (larger, root(hashes[:larger]))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not KeyFile(key).next_path.exists()


def test_a_server_with_the_key_from_before_signs_no_more(
    here: World, url: str, key: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    signed(here)
    copied = tmp_path / "copied"
    copied.write_text(key.read_text())
    copied.chmod(0o600)
    output_of(environment, "key", "create", "--rotate")
    with signing(url, copied) as second:
        second.now = here.now
        assert refusal(second) == "The signing key of this server was replaced by another one."
    again = run(environment | {"LEDGER_SIGNING_KEY": str(copied)}, "key", "create", "--rotate")
    assert (again.returncode, "was replaced by another one" in again.stderr) == (1, True)
    report(here)
    assert signed(here)


def test_a_rotation_that_was_cut_off_is_ended_by_the_next(
    here: World, key: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.commands.audit import keys

    with monkeypatch.context() as patch:
        patch.setattr(KeyFile, "rotate", lambda _: (_ for _ in ()).throw(OSError("cut off")))
        with pytest.raises(OSError, match="cut off"):
            keys.rotate(here.services)
    waiting = KeyFile(key).next_signer()
    assert waiting
    assert output_of(environment, "key", "create", "--rotate").strip() == waiting.verifier_key
    ((rotations,),) = execute(
        here.conninfo, "SELECT count(*) FROM journal.ledger_events WHERE topic = 'SigningKeyRotated'"
    )
    assert rotations == 1
    report(here)
    assert signed(here)


def test_a_rotation_that_never_got_to_the_journal_begins_anew(
    here: World, key: Path, environment: dict[str, str]
) -> None:
    KeyFile(key).next_path.write_text(key.read_text())
    KeyFile(key).next_path.chmod(0o600)
    new = output_of(environment, "key", "create", "--rotate").strip()
    assert new != here.services.origin()
    assert output_of(environment, "key", "show").strip() == new
    report(here)
    assert signed(here)


def test_where_there_is_no_key_there_is_none_to_rotate(environment: dict[str, str]) -> None:
    refused = run(environment, "key", "create", "--rotate")
    assert (refused.returncode, "that could be replaced" in refused.stderr) == (1, True)


def test_a_key_that_is_lost_is_not_followed_by_another_of_the_same_name(
    here: World, key: Path, environment: dict[str, str]
) -> None:
    signed(here)
    key.unlink()
    refused = run(environment, "key", "create")
    assert (refused.returncode, "bring it back" in refused.stderr) == (1, True)
    other = environment | {"LEDGER_ORIGIN": "ledger.example.org/anew", "LEDGER_SIGNING_KEY": f"{key}-anew"}
    made = output_of(other, "key", "create").strip()
    assert made.startswith("ledger.example.org/anew+")
    here.sign_with(Path(f"{key}-anew"), origin="ledger.example.org/anew")
    report(here)
    assert signed(here)
