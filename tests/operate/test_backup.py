"""Backups are whole, of one moment, and either there or not."""

import base64
import os
import shlex
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.proof.checkpoints import open_checkpoint
from ledger.proof.notes import Verifier
from tests.operate.keeping import (
    child_of,
    command_line,
    facts,
    is_gone,
    manifest_of,
    members,
    report,
    rows,
    started,
)
from tests.support.command import COMMAND, Environment, output_of, positions, run, served
from tests.support.command import report as report_over_http
from tests.support.dumps import program
from tests.support.waiting import wait_until
from web.backup import BackupError
from web.backup.programs import connecting, find_program

LOCK = "LOCK TABLE journal.checkpoint IN ACCESS EXCLUSIVE MODE"
"""pg_dump waits for it. What is read before, for the manifest, does not."""


def test_a_backup_says_what_is_in_it(house: Environment, tmp_path: Path) -> None:
    file = tmp_path / "ledger.tar"
    told = output_of(house, "backup", file)
    parts, manifest, stored = members(file), manifest_of(file), facts(house)
    assert list(parts) == ["manifest.json", "journal.dump", "checkpoint", "SHA256SUMS"]
    assert (manifest.position, manifest.facts) == (stored[-1]["notification_id"], len(stored))
    size = f"{file.stat().st_size:,}"
    assert told == f"{len(stored)} facts up to position {manifest.position}, {size} bytes in {file}\n"
    key = Verifier.parse(output_of(house, "key", "show").strip())
    checkpoint = open_checkpoint(parts["checkpoint"], [key])
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (
        manifest.origin,
        manifest.facts,
        manifest.root,
    )
    assert file.stat().st_mode & 0o777 == 0o600


def test_tools_of_others_check_a_backup_and_read_its_dump(house: Environment, tmp_path: Path) -> None:
    output_of(house, "backup", tmp_path / "ledger.tar")
    pg_restore = shlex.quote(str(program("pg_restore")))
    lines = f"tar -xf ledger.tar && sha256sum --check SHA256SUMS && {pg_restore} --list journal.dump"
    done = subprocess.run(["/bin/sh", "-ec", lines], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("manifest.json: OK\njournal.dump: OK\ncheckpoint: OK\n")
    assert "TABLE DATA journal ledger_events" in done.stdout


def test_a_ledger_without_a_key_is_backed_up_without_a_checkpoint(
    environment: Environment, catalogue: Path, tmp_path: Path
) -> None:
    output_of(environment, "import", catalogue)
    assert run(environment, "backup", tmp_path / "ledger.tar").returncode == 0
    assert list(members(tmp_path / "ledger.tar")) == ["manifest.json", "journal.dump", "SHA256SUMS"]


def test_each_backup_is_of_one_moment_while_reports_come_in(
    environment: Environment, server: str, tmp_path: Path
) -> None:
    assert run(environment, "key", "create").returncode == 0
    over = Event()
    with served(environment) as here:

        def keep_reporting() -> None:
            amount = 1
            while not over.is_set():
                report_over_http(here, here.demo_token, amount)
                amount += 1

        reporter = Thread(target=keep_reporting)
        reporter.start()
        try:
            files = [tmp_path / f"{number}.tar" for number in range(3)]
            for file in files:
                assert run(environment, "backup", file).returncode == 0
        finally:
            over.set()
            reporter.join()
    manifests = [manifest_of(file) for file in files]
    assert manifests[0].position < manifests[1].position < manifests[2].position
    for file, manifest in zip(files, manifests, strict=True):
        checkpoint = members(file)["checkpoint"].decode().splitlines()
        assert checkpoint[1:3] == [str(manifest.facts), base64.b64encode(manifest.root).decode()]
        restored = tmp_path / f"{file.name}.dump"
        restored.write_bytes(members(file)["journal.dump"])
        script = subprocess.run(
            [program("pg_restore"), "--data-only", "--table=ledger_events", "--file=-", restored],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        copied = script.partition(" FROM stdin;\n")[2].partition("\n\\.\n")[0].splitlines()
        dumped = sorted(int(line.split("\t")[4]) for line in copied)
        assert dumped == [each for each in positions(environment) if each <= manifest.position]


def test_a_backup_is_noted_for_whoever_watches(house: Environment, tmp_path: Path) -> None:
    def noted() -> Iterable[object]:
        return rows(house, "SELECT taken_at, position, bytes FROM operations.backup ORDER BY 1")[-1].values()

    for name in ("first.tar", "second.tar"):
        output_of(house, "backup", tmp_path / name)
        manifest = manifest_of(tmp_path / name)
        size = (tmp_path / name).stat().st_size
        assert [*noted()] == [manifest.created, manifest.position, size]
        report(house, 9)
    output_of(house, "rebuild")
    assert [*noted()] == [manifest.created, manifest.position, size]


def test_nothing_is_written_over_unless_told_so(house: Environment, tmp_path: Path) -> None:
    file = tmp_path / "ledger.tar"
    file.write_text("precious")
    done = run(house, "backup", file)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {file}: is there already\n")
    assert file.read_text() == "precious"
    output_of(house, "backup", "--replace", file)
    assert manifest_of(file).position == positions(house)[-1]


def test_a_folder_that_is_not_there_is_told(house: Environment, tmp_path: Path) -> None:
    done = run(house, "backup", tmp_path / "none/ledger.tar")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize("victim", ["pg_dump", "backup"])
def test_where_anybody_is_killed_there_is_no_file(house: Environment, tmp_path: Path, victim: str) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    url = make_conninfo(house["LEDGER_DATABASE_URL"])
    with psycopg.connect(url) as holder, started(house, "backup", folder / "ledger.tar") as backup:
        holder.execute(LOCK)
        dump = child_of(backup, "pg_dump")
        os.kill(dump if victim == "pg_dump" else backup.pid, signal.SIGKILL)
        _, told = backup.communicate(timeout=30)
    assert backup.returncode == (1 if victim == "pg_dump" else -signal.SIGKILL)
    if victim == "pg_dump":
        assert told.endswith("Error: pg_dump ended with signal 9\n")
        assert list(folder.iterdir()) == []
    else:
        assert [each for each in folder.iterdir() if ".unfinished-" not in each.name] == []
        wait_until(lambda: is_gone(dump))


def test_sigterm_leaves_nothing_behind(house: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with (
        psycopg.connect(house["LEDGER_DATABASE_URL"]) as holder,
        started(house, "backup", folder / "ledger.tar") as backup,
    ):
        holder.execute(LOCK)
        dump = child_of(backup, "pg_dump")
        backup.terminate()
        assert backup.wait(30) == 143
        wait_until(lambda: is_gone(dump))
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_no_file(house: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    lines = 'ulimit -f 16; exec "$0" backup "$1"'  # blocks of 512 or 1,024 bytes
    done = subprocess.run(
        ["/bin/sh", "-c", lines, COMMAND, folder / "ledger.tar"], env=house, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Error: {folder}/ledger.tar: File too large" in done.stderr
    assert list(folder.iterdir()) == []


def test_no_password_is_on_a_command_line(house: Environment, tmp_path: Path) -> None:
    password = conninfo_to_dict(house["LEDGER_DATABASE_URL"])["password"]
    assert password
    with (
        psycopg.connect(house["LEDGER_DATABASE_URL"]) as holder,
        started(house, "backup", tmp_path / "ledger.tar") as backup,
    ):
        holder.execute(LOCK)
        words = command_line(child_of(backup, "pg_dump"))
        holder.rollback()
        assert backup.wait(30) == 0
    assert "--snapshot=" in words
    assert str(password) not in words


def test_a_password_that_has_no_variable_is_refused() -> None:
    with pytest.raises(BackupError, match="put sslpassword into a service file"):
        connecting("postgresql://ledger@db.example.org/ledger?sslpassword=secret")


def test_a_pg_dump_that_is_older_than_the_server_is_refused() -> None:
    with pytest.raises(
        BackupError, match=r"the server is PostgreSQL 99, and a pg_dump of 99 or later is needed: only"
    ):
        find_program("pg_dump", 99)


def test_a_journal_whose_tree_is_damaged_gets_no_manifest(house: Environment, tmp_path: Path) -> None:
    with psycopg.connect(house["LEDGER_DATABASE_URL"]) as connection:
        connection.execute("ALTER TABLE journal.tree_tail DISABLE TRIGGER only_removal")
        connection.execute("UPDATE journal.tree_tail SET first_leaf = first_leaf + 256")
        connection.execute("ALTER TABLE journal.tree_tail ENABLE ALWAYS TRIGGER only_removal")
    done = run(house, "backup", tmp_path / "ledger.tar")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the tree lacks" in done.stderr
    assert "plain pg_dump saves the journal as it is" in done.stderr
    assert list(tmp_path.glob("ledger*")) == []
