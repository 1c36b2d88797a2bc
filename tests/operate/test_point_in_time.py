"""The handbook's lines take a server back to a moment, with its base backup and its archived log."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.operate.keeping import elsewhere, facts
from tests.paths import HANDBOOK
from tests.support.clusters import make_open_folder, remove
from tests.support.command import Environment, output_of, run
from tests.support.dumps import program
from tests.support.waiting import wait_until
from tests.torture.clusters import Cluster
from tests.torture.clusters import run as run_program
from tests.world import open_world
from web.runtime.postgres.account import account

MOMENT = "2026-11-30 09:00:00+00"
"""That of the handbook."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with an empty archive in it, that PostgreSQL can write to."""
    folder = make_open_folder()
    folder.chmod(0o777)
    (folder / "archive").mkdir()
    (folder / "archive").chmod(0o777)
    yield folder
    remove(folder)


def blocks() -> list[str]:
    """The lines of the section: once, by night, and after an accident."""
    section = HANDBOOK.read_text().partition("\n### To a moment\n")[2].partition("\n## ")[0]
    return re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)


def paste(lines: str, cluster: Cluster, folder: Path) -> None:
    """Runs lines as the account of PostgreSQL."""
    variables = {
        "PATH": f"{Path(program('psql')).parent}:/usr/bin:/bin",
        "ADMIN": cluster.url(),
        "ARCHIVE": str(folder / "archive"),
        "BASE": str(folder / "base"),
        "RESTORED": str(folder / "restored"),
    }
    words = ["/bin/sh", "-ec", lines]
    done = subprocess.run(words, env=variables, cwd=folder, capture_output=True, text=True, **account())
    assert done.returncode == 0, done.stderr


def restart(cluster: Cluster) -> None:
    run_program("pg_ctl", "stop", "-w", "-m", "fast", "-D", cluster.folder)
    cluster.start()


def report(url: str, amount: int) -> None:
    with open_world(url) as world:
        assert world.report(usages=[{"type": "cpu", "amount": amount}]).status_code == 201


def test_a_server_goes_back_to_a_moment(folder: Path, catalogue: Path, tmp_path: Path) -> None:
    once, nightly, accident = blocks()
    primary = Cluster.new(folder)
    restored = Cluster(folder / "restored")
    try:
        paste(once, primary, folder)
        restart(primary)
        here: Environment = {"LEDGER_DATABASE_URL": primary.url()} | elsewhere(tmp_path)
        output_of(here, "import", catalogue)
        paste(nightly, primary, folder)
        report(primary.url(), 1)
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            row = connection.execute("SELECT clock_timestamp()::text").fetchone()
            assert row
        before = facts(here)
        report(primary.url(), 2)
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            switched = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert switched
        wait_until(lambda: (folder / "archive" / switched[0]).exists())
        primary.stop()
        assert MOMENT in accident
        paste(accident.replace(MOMENT, row[0]), primary, folder)
        restored.start()
        there = {"LEDGER_DATABASE_URL": restored.url()} | elsewhere(tmp_path)
        wait_until(lambda: is_promoted(restored.url()))
        assert facts(there) == before
        assert run(there, "verify").returncode == 0
        with open_world(restored.url()) as world:
            assert [row["usage"] for row in world.usages()] == ["1.00"]
    finally:
        restored.stop()
        primary.stop()


def is_promoted(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
        return bool(row and row[0])
