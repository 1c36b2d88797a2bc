"""Worker processes that die or stand still, one after the other, under a real server."""

import inspect
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from select import select

import pytest
from granian.server import MPServer

from tests.paths import ROOT
from tests.support.processes import Process, answer, worker_of
from tests.support.waiting import wait_until
from web.runtime import server
from web.runtime.workers import STARTS, Awake, Beats, pause_after

SERVED = """
import logging, os, sys
from pathlib import Path
from flask import Flask
from web.runtime import server
from web.runtime import workers

logging.basicConfig(level=logging.INFO)
workers.STALLED_SECONDS = 2
workers.LONGEST_PAUSE_SECONDS = 0.5
port, count, broken = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

def load(places):
    if broken.exists():
        os._exit(3)
    app = Flask("served")
    app.add_url_rule("/pid", "pid", lambda: str(os.getpid()))
    return app

with server.bound("127.0.0.1", port) as holder:
    server.serve(load, holder, count, lambda: print("ready", flush=True))
"""

Address = tuple[str, int]


@contextmanager
def serving(folder: Path, workers: int) -> Iterator[tuple[Process, Address]]:
    """A running server; its workers die at start for as long as there is a file `broken` in the folder."""
    with closing(server.bound("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVED, str(port), str(workers), str(folder / "broken")]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            if not (folder / "broken").exists():
                assert process.stdout.readline() == "ready\n"
            yield process, ("127.0.0.1", port)
        finally:
            process.terminate()
            process.wait(40)


def workers_of(address: Address, count: int) -> set[int]:
    """Which processes answer; waits until there are so many."""
    found: set[int] = set()

    def are_all_there() -> bool:
        if worker := worker_of(address):
            found.add(worker)
        return len(found) == count

    wait_until(are_all_there)
    return found


def test_workers_that_are_killed_again_and_again_are_replaced_each_time(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as (process, address):
        for _ in range(8):
            (worker,) = workers_of(address, 1)
            os.kill(worker, signal.SIGKILL)
        workers_of(address, 2)
        assert process.poll() is None
    assert (tmp_path / "log").read_text().count("another one starts") == 8


def test_all_workers_at_once_are_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, workers=3) as (process, address):
        for _ in range(2):
            for worker in workers_of(address, 3):
                os.kill(worker, signal.SIGKILL)
            wait_until(lambda: worker_of(address) is not None)
        workers_of(address, 3)
        assert process.poll() is None


def test_a_worker_that_is_stopped_is_replaced_and_the_others_go_on_meanwhile(tmp_path: Path) -> None:
    with serving(tmp_path, workers=3) as (_, address):
        stopped = min(workers_of(address, 3))
        os.kill(stopped, signal.SIGSTOP)
        try:
            wait_until(lambda: has_stopped(stopped))
            for _ in range(60):  # two of three connections, or more, are answered at once
                assert worker_of_others(address) != stopped
            assert stopped not in workers_of(address, 3)
        finally:
            with suppress(ProcessLookupError):
                os.kill(stopped, signal.SIGKILL)
    assert re.search(r"has said nothing for [2-9] s: killing it", (tmp_path / "log").read_text())


def has_stopped(pid: int) -> bool:
    """That all threads of a process stand still; on a busy machine they go on for a moment."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "T"


def worker_of_others(address: Address) -> int | None:
    """Who answers, None if it was the one who is killed for not answering."""
    with suppress(ConnectionError, ValueError):
        return int(answer(address, "GET /pid HTTP/1.1")[1])
    return None


def test_workers_that_never_serve_end_the_server_with_1(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with serving(tmp_path, workers=1) as (process, _):
        assert process.wait(60) == 1
    log = (tmp_path / "log").read_text()
    assert log.count("another one starts") == STARTS
    assert f"{STARTS + 1} workers died, and none has served: giving up" in log


def test_a_worker_that_fails_to_start_for_a_while_is_replaced_when_it_can(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1) as (process, address):
        (tmp_path / "broken").touch()
        worker = worker_of(address)
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: (tmp_path / "log").read_text().count("another one starts") > STARTS + 2)
        (tmp_path / "broken").unlink()
        wait_until(lambda: worker_of(address) is not None)
        assert process.poll() is None


def test_a_server_whose_workers_all_die_at_first_says_that_it_is_ready_when_one_serves(
    tmp_path: Path,
) -> None:
    (tmp_path / "broken").touch()
    with serving(tmp_path, workers=2) as (process, address):
        wait_until(lambda: "another one starts" in (tmp_path / "log").read_text())
        (tmp_path / "broken").unlink()
        wait_until(lambda: worker_of(address) is not None)
        assert process.stdout is not None
        told = process.stdout
        wait_until(lambda: select([told], [], [], 0)[0] != [])
        assert told.readline() == "ready\n"


def test_a_server_whose_workers_fail_to_start_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with serving(tmp_path, workers=1) as (process, _):
        wait_until(lambda: (tmp_path / "log").read_text().count("another one starts") > 1)
        process.terminate()
        assert process.wait(20) in (0, 1)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_reload", ["self", "spawn_target", "target_loader"]),
        ("_respawn_workers", ["self", "workers", "spawn_target", "target_loader", "delay"]),
        ("_serve_loop", ["self", "spawn_target", "target_loader"]),
        ("_spawn_worker", ["self", "idx", "target", "callback_loader"]),
        ("_stop_workers", ["self"]),
        ("startup", ["self", "spawn_target", "target_loader"]),
    ],
)
def test_granian_has_the_methods_that_the_server_overrides_or_calls(
    method: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(MPServer, method)).parameters) == parameters


def test_the_pauses_between_workers_that_do_not_serve_grow_up_to_a_limit() -> None:
    assert [pause_after(failures) for failures in (0, 1, 2, 5, 6, 10_000)] == [0, 0.5, 1, 8, 10, 10]


def test_a_worker_that_has_not_served_yet_is_not_silent() -> None:
    beats = Beats(2)
    assert (beats.has_served(1), beats.silent(1)) == (False, 0.0)
    beats.keep(1)
    assert beats.has_served(1)
    assert not beats.has_served(0)
    assert 0 <= beats.silent(1) < 5
    beats.expect(1)
    assert not beats.has_served(1)


def test_a_parent_that_was_stopped_itself_does_not_hold_that_against_its_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    awake = Awake()
    now[0] = 101
    assert awake.for_seconds() == 1
    now[0] = 500
    assert awake.for_seconds() == 0
    now[0] = 502
    assert awake.for_seconds() == 2
