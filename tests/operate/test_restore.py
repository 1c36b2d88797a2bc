"""Backups become the ledger that they are of, or nothing."""

import signal
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from tests.operate.keeping import (
    checkpoint_beside,
    elsewhere,
    facts,
    manifest_of,
    members,
    report,
    rows,
    schemas,
    started,
)
from tests.projections.restoring import UPDATE, execute
from tests.support.command import Environment, output_of, run, served
from tests.support.queueing import await_waiting
from tests.world import open_world
from web.backup.archive import SUMS, ArchiveWriter
from web.backup.manifest import Manifest

TABLES = [
    *("SELECT * FROM journal.person ORDER BY 1", "SELECT * FROM journal.ledger"),
    *("SELECT * FROM journal.tree_tile ORDER BY 1, 2", "SELECT * FROM journal.tree_tail"),
]


def figures(environment: Environment) -> list[dict[str, Any]]:
    with open_world(environment["LEDGER_DATABASE_URL"]) as world:
        return world.usages()


# --- what comes back ---


def test_a_restored_ledger_is_the_one_that_was_backed_up(
    house: Environment, empty: Environment, file: Path
) -> None:
    manifest = manifest_of(file)
    done = run(empty, "restore", file)
    assert (done.returncode, done.stderr) == (0, "")
    restored, signing = done.stdout.splitlines()
    assert restored == (
        f"{manifest.facts} facts up to position {manifest.position} are restored, as they were on"
        f" {manifest.created:%Y-%m-%d %H:%M:%S} UTC, and verified."
    )
    assert signing.startswith("No signing key is here: bring it, with the newest `.checkpoint` beside it")
    assert facts(empty) == facts(house)
    for statement in TABLES:
        assert rows(empty, statement) == rows(house, statement)
    assert figures(empty) == figures(house)
    report(empty, 77)
    assert [row["usage"] for row in figures(empty)] == ["77.00"]
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(empty["LEDGER_DATABASE_URL"], UPDATE)
    assert run(empty, "verify").returncode == 0


def test_a_restored_ledger_goes_on_to_sign_with_its_key(
    house: Environment, empty: Environment, file: Path
) -> None:
    empty["LEDGER_SIGNING_KEY"] = house["LEDGER_SIGNING_KEY"]
    told = output_of(empty, "restore", file)
    assert "\nCheckpoints will be signed: the journal is not older than the last of them. If" in told
    with served(empty, "--no-demo") as here:
        assert here.get("/readyz")[0] == 200


def test_the_checkpoint_of_a_backup_is_remembered_where_there_is_none(
    house: Environment, empty: Environment, file: Path
) -> None:
    key = Path(house["LEDGER_SIGNING_KEY"])
    kept = checkpoint_beside(key)
    kept.unlink()
    empty["LEDGER_SIGNING_KEY"] = str(key)
    output_of(empty, "restore", file)
    assert kept.read_bytes() == members(file)["checkpoint"]


def test_after_an_older_backup_nothing_is_signed_and_restore_and_the_service_say_so(
    house: Environment, empty: Environment, file: Path
) -> None:
    report(house, 99)
    output_of(house, "verify")  # signs
    key = Path(house["LEDGER_SIGNING_KEY"])
    kept = checkpoint_beside(key)
    newest = kept.read_bytes()
    empty["LEDGER_SIGNING_KEY"] = str(key)
    told = run(empty, "restore", file).stdout.splitlines()[-1]
    size = int(newest.splitlines()[1])
    here = manifest_of(file).facts
    assert told.startswith(
        f"Nothing will be signed: A checkpoint of {size} facts has left this ledger, and the journal has"
        f" {here}: facts are missing. The last checkpoint that left the house is in {kept}."
    )
    assert kept.read_bytes() == newest
    with open_world(empty["LEDGER_DATABASE_URL"]) as world:
        world.sign_with(key)
        answer = world.anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["reason"].startswith(f"A checkpoint of {size} facts has left this ledger")
    assert kept.read_bytes() == newest


def test_the_embedded_database_is_restored_into_a_new_folder(
    house: Environment, file: Path, open_folder: Path, tmp_path: Path
) -> None:
    there = {"LEDGER_DATA_DIR": str(open_folder / "new")} | elsewhere(tmp_path)
    assert "and verified" in run(there, "restore", file).stdout
    assert run(there, "facts").stdout == run(house, "facts").stdout


# --- what does not ---


def test_a_database_that_is_not_empty_is_refused(house: Environment, file: Path) -> None:
    report(house, 99)
    before = facts(house)
    done = run(house, "restore", file)
    assert (done.returncode, done.stdout) == (1, "")
    last = before[-1]["notification_id"]
    assert done.stderr == (
        f"Error: the database is not empty: a journal of {len(before)} facts up to position {last} is in"
        " it. Nothing was changed; name an empty one\n"
    )
    assert facts(house) == before


def test_read_models_alone_are_not_nothing(empty: Environment, file: Path) -> None:
    execute(empty["LEDGER_DATABASE_URL"], "CREATE SCHEMA read_models; CREATE TABLE read_models.t ()")
    done = run(empty, "restore", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it has the schemas read_models (1 tables)" in done.stderr
    assert schemas(empty) == {"public", "read_models"}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.95])
def test_a_file_that_was_cut_off_is_refused(empty: Environment, file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    refused(empty, file, "is no backup, or")


def refused(environment: Environment, file: Path, told: str) -> None:
    """A restore is refused, with these words about the file, and leaves nothing."""
    done = run(environment, "restore", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{file} {told}" in done.stderr
    assert schemas(environment) == {"public"}


@pytest.mark.parametrize("name", ["manifest.json", "journal.dump", "checkpoint", "SHA256SUMS"])
def test_a_file_with_another_byte_is_refused(empty: Environment, file: Path, name: str) -> None:
    whole = bytearray(file.read_bytes())
    with tarfile.open(file) as tar:
        member = tar.getmember(name)
    whole[member.offset_data + member.size // 3] ^= 1
    file.write_bytes(whole)
    refused(empty, file, "is damaged: ")


def test_what_is_no_backup_is_told(empty: Environment, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("milk, bread\n" * 1000)
    refused(empty, file, "is no backup, or damaged: ")


def written(file: Path, change: Callable[[Manifest], Manifest]) -> Path:
    """A backup with another manifest, whose checksums fit."""
    parts, manifest, out = members(file), change(manifest_of(file)), BytesIO()
    archive = ArchiveWriter(out, manifest.created)
    for name, part in {**parts, "manifest.json": msgspec.json.encode(manifest)}.items():
        if name != SUMS:
            archive.add(name, [part])
    archive.finish()
    file.write_bytes(out.getvalue())
    return file


LIES: dict[str, Callable[[Manifest], dict[str, Any]]] = {
    "position": lambda manifest: {"position": manifest.position + 1},
    "facts": lambda manifest: {"facts": manifest.facts - 1},
    "root": lambda _: {"root": bytes(32)},
    "ledger_id": lambda _: {"ledger_id": "00000000-0000-4000-8000-000000000001"},
}


@pytest.mark.parametrize("name", LIES)
def test_a_journal_that_is_not_what_its_manifest_says_is_taken_back(
    empty: Environment, file: Path, name: str
) -> None:
    written(file, lambda manifest: msgspec.structs.replace(manifest, **LIES[name](manifest)))
    refused(empty, file, f"has other facts than its manifest says: {name} is ")


def test_a_backup_of_a_later_format_is_refused(empty: Environment, file: Path) -> None:
    written(file, lambda manifest: msgspec.structs.replace(manifest, format="usage-ledger backup 2"))
    done = run(empty, "restore", file)
    assert done.returncode == 1
    assert "a 'usage-ledger backup 2', and this version reads 'usage-ledger backup 1'" in done.stderr


# --- interrupted ---


def test_a_restore_that_is_killed_before_the_journal_is_whole_leaves_nothing(
    empty: Environment, file: Path
) -> None:
    url = empty["LEDGER_DATABASE_URL"]
    with psycopg.connect(url) as holder, started(empty, "restore", file) as restoring:
        holder.execute("CREATE SCHEMA journal")  # which the other waits for, in its transaction
        await_waiting(url)
        restoring.send_signal(signal.SIGKILL)
        restoring.wait(30)
        holder.rollback()
    assert schemas(empty) == {"public"}
    assert run(empty, "restore", file).returncode == 0
    assert run(empty, "verify").returncode == 0


def test_a_restore_that_is_killed_later_is_repeated(
    house: Environment, empty: Environment, file: Path
) -> None:
    url = empty["LEDGER_DATABASE_URL"]
    with psycopg.connect(url) as holder, started(empty, "restore", file) as restoring:
        holder.execute("CREATE SCHEMA read_models")
        await_waiting(url)
        restoring.send_signal(signal.SIGKILL)
        restoring.wait(30)
        holder.rollback()
    assert schemas(empty) == {"public", "journal"}
    done = run(empty, "restore", file)
    assert (done.returncode, facts(empty)) == (0, facts(house))
    assert run(empty, "verify").returncode == 0


def test_differences_that_are_found_are_the_exit_code(
    house: Environment, empty: Environment, tmp_path: Path
) -> None:
    with psycopg.connect(house["LEDGER_DATABASE_URL"]) as connection:
        connection.execute("ALTER TABLE journal.ledger_events DISABLE TRIGGER append_only")
        connection.execute("UPDATE journal.ledger_events SET state = state || ' ' WHERE notification_id = 3")
        connection.execute("ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER append_only")
    file = tmp_path / "ledger.tar"
    assert run(house, "backup", file).returncode == 0
    done = run(empty, "restore", file)
    assert done.returncode == 1
    assert done.stdout.startswith("journal ")
    assert "Error: the journal is restored as it was backed up, and 1 differences were found" in done.stderr
