"""The embedded PostgreSQL dies under a running service, or leaves something behind."""

import json
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.request import Request

import psycopg
import pytest

from tests.support.clusters import another_user, linux_only, notes, postmaster
from tests.support.command import DEMO_RESOURCE, Served, output_of, served
from tests.support.waiting import wait_until
from tests.world import USAGES
from web.runtime.postgres import EmbeddedPostgresError, cluster
from web.runtime.postgres.care import kept_running
from web.runtime.postgres.embedded import embedded_postgres, start_again
from web.runtime.postgres.leftovers import end_leftovers

pytestmark = linux_only


def report(here: Served, amount: int) -> int:
    body = {"resource": DEMO_RESOURCE, "usages": [{"type": "cpu", "amount": str(amount)}]}
    request = Request(  # noqa: S310 (it is http)
        f"{here.url}{USAGES}set_usage/",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Token {here.demo_token}", "Content-Type": "application/json"},
    )
    return here.send(request)[0]


def test_a_service_whose_postgresql_is_killed_goes_on_and_keeps_what_it_acknowledged(
    open_folder: Path,
) -> None:
    folder = open_folder / "data"
    environment = {"LEDGER_DATA_DIR": str(folder), "HOME": str(open_folder), "PATH": "/usr/bin:/bin"}
    stored: list[int] = []
    amount = 0

    def is_taken() -> bool:
        nonlocal amount
        amount += 1
        answer = report(here, amount)
        assert answer in (201, 503)
        if answer == 201:
            stored.append(amount)
        return answer == 201

    with served(environment) as here:
        for _ in range(2):
            wait_until(is_taken)
            killed = postmaster(folder / "postgres")
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda gone=killed: has_new_postmaster(folder, gone))  # type: ignore[misc]
            wait_until(is_taken)
        facts = [json.loads(line) for line in output_of(environment, "facts").splitlines()]
        amounts = [fact["state"].get("amount") for fact in facts if fact["topic"] == "UsageReported"]
        assert [int(float(each)) for each in amounts[-len(stored) :]] == stored
    assert not (folder / "postgres" / "postmaster.pid").exists()


def has_new_postmaster(folder: Path, gone: int) -> bool:
    with suppress(FileNotFoundError, IndexError):
        return postmaster(folder / "postgres") != gone
    return False


def test_a_server_that_dies_is_started_at_its_port_also_when_that_fails_at_first(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with embedded_postgres(data_dir) as url, kept_running(data_dir, url):
        monkeypatch.setitem(cluster.SETTINGS, "no_such_setting", "1")
        os.kill(postmaster(data_dir / "postgres"), signal.SIGKILL)
        wait_until(lambda: "could not be started, trying again" in caplog.text)
        monkeypatch.delitem(cluster.SETTINGS, "no_such_setting")
        wait_until(lambda: "runs again" in caplog.text)
        assert ("kept",) in notes(url)
    with pytest.raises(psycopg.OperationalError):
        notes(url)


@pytest.fixture
def left_behind(data_dir: Path) -> Iterator[int]:
    """A helper process of a killed server, which does not notice that as it is stopped."""
    with another_user(data_dir) as (process, url), closing(psycopg.connect(url)) as connection:
        helper = connection.info.backend_pid
        os.kill(helper, signal.SIGSTOP)
        process.kill()
        process.wait()
        os.kill(postmaster(data_dir / "postgres"), signal.SIGKILL)
        yield helper
        with suppress(ProcessLookupError):
            os.kill(helper, signal.SIGKILL)


def test_a_helper_that_a_killed_server_left_behind_is_named_and_ended(
    data_dir: Path, left_behind: int, open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with embedded_postgres(open_folder / "other") as other_url, closing(psycopg.connect(other_url)) as other:
        with embedded_postgres(data_dir) as url:
            assert ("kept",) in notes(url)
            assert f"ended process {left_behind} (postgres: ledger usage_ledger" in caplog.text
        assert other.execute("SELECT 1").fetchone() == (1,)  # of another cluster, and so none of ours


def test_processes_of_a_living_server_are_left_alone(data_dir: Path) -> None:
    with embedded_postgres(data_dir) as url:
        assert end_leftovers(data_dir / "postgres") == []
        assert ("kept",) in notes(url)


def test_a_port_that_somebody_else_has_is_waited_for(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "RETRY_SECONDS", 1)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedPostgresError, match="could not create any TCP/IP sockets"):
            start_again(data_dir, port)
    start_again(data_dir, port)
    with embedded_postgres(data_dir) as url:
        start_again(data_dir, cluster.free_port())  # does nothing, as it runs
        assert f":{port}/" in url
        assert ("kept",) in notes(url)
