"""The lines about backups in the operator's handbook are run as they are there."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.conftest import name_of
from tests.operate.keeping import checkpoint_beside, elsewhere, facts, report
from tests.paths import HANDBOOK
from tests.projections.restoring import UPDATE, execute
from tests.support.command import COMMAND, Environment, output_of, run, served
from tests.support.dumps import program


def lines_with(*beginnings: str) -> list[str]:
    """The lines of the handbook that are to be pasted and begin like this, one for each."""
    pasted = [line.strip() for line in HANDBOOK.read_text().splitlines() if line.startswith("    ")]
    found = [[line for line in pasted if line.startswith(each) and "#" not in line] for each in beginnings]
    assert [len(each) for each in found] == [1] * len(beginnings)
    return [line for (line,) in found]


def paste(environment: Environment, folder: Path, *lines: str) -> str:
    """Return what a shell prints that is given some lines, where PostgreSQL's programs are found."""
    path = f"{COMMAND.parent}:{Path(program('psql')).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(lines)],
        env=environment | {"PATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_back_up_and_restore(house: Environment, empty: Environment, tmp_path: Path) -> None:
    back_up, restore = lines_with("usage-ledger backup ", "usage-ledger restore ")
    paste(house, tmp_path, back_up)
    assert "and verified." in paste(empty, tmp_path, restore)
    assert facts(empty) == facts(house)


def test_a_trial_leaves_the_key_alone(house: Environment, empty: Environment, tmp_path: Path) -> None:
    back_up, trial = lines_with("usage-ledger backup ", "LEDGER_SIGNING_KEY=/nonexistent ")
    told = paste(house | {"TRIAL": empty["LEDGER_DATABASE_URL"]}, tmp_path, back_up, trial)
    assert "and verified." in told
    assert "No signing key is here" in told
    report(empty, 5)
    assert run(empty, "verify").returncode == 0
    assert run(house, "verify").stderr.count("signed") == 0


def test_after_a_trial_with_the_key_the_ledger_signs_once_the_checkpoint_of_it_is_away(
    house: Environment, empty: Environment, tmp_path: Path
) -> None:
    empty["LEDGER_SIGNING_KEY"] = house["LEDGER_SIGNING_KEY"]
    paste(house, tmp_path, *lines_with("usage-ledger backup "))
    told = paste(empty, tmp_path, *lines_with("usage-ledger restore "))
    assert "If this is a trial, and the other ledger goes on, take the key away first" in told
    report(empty, 5)
    assert run(empty, "verify").returncode == 0
    assert "facts are missing" in run(house, "verify").stdout
    checkpoint_beside(house["LEDGER_SIGNING_KEY"]).unlink()
    assert run(house, "verify").returncode == 0
    assert checkpoint_beside(house["LEDGER_SIGNING_KEY"]).exists()


def test_the_lines_dump_and_restore_with_programs_of_postgresql(
    house: Environment, empty: Environment, tmp_path: Path
) -> None:
    psql, pg_dump, pg_restore = lines_with('psql "$(usage', "pg_dump ", "pg_restore ")
    assert str(facts(house)[-1]["notification_id"]) in paste(house, tmp_path, psql, pg_dump).split()
    paste(empty, tmp_path, pg_restore)
    assert run(empty, "verify").returncode == 0
    assert facts(empty)[: len(facts(house))] == facts(house)
    report(empty, 5)
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(empty["LEDGER_DATABASE_URL"], UPDATE)


def test_programs_of_postgresql_find_the_embedded_one_while_it_runs(
    open_folder: Path, tmp_path: Path
) -> None:
    folder = open_folder / "it's 100% mine"
    environment = elsewhere(tmp_path) | {"LEDGER_DATA_DIR": str(folder)}
    psql, pg_dump = lines_with('psql "$(usage', "pg_dump ")
    with served(environment):
        position = run(environment, "facts").stdout.count("\n")
        assert str(position) in paste(environment, tmp_path, psql, pg_dump).split()
        url = output_of(environment, "database", "url").strip()
        password = (folder / "postgres.password").read_text()
        assert password not in url
        assert (folder / "postgres.pgpass").stat().st_mode & 0o777 == 0o600
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == "usage_ledger"
    assert (tmp_path / "ledger.dump").stat().st_size > 1000
    done = run(environment, "database", "url")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not run: it does while `usage-ledger serve` does" in done.stderr


def test_the_url_of_another_database_is_the_one_that_was_set(environment: Environment) -> None:
    url = environment["LEDGER_DATABASE_URL"]
    assert output_of(environment, "database", "url") == f"{url}\n"
    assert name_of(url) in url


def test_no_url_is_made_up(tmp_path: Path) -> None:
    done = run(elsewhere(tmp_path) | {"LEDGER_DATA_DIR": str(tmp_path / "none")}, "database", "url")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no ledger in" in done.stderr
    assert not (tmp_path / "none").exists()
