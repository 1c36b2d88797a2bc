"""Clusters of the embedded PostgreSQL in temporary folders."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.paths import ROOT
from tests.support.memory import memory
from tests.support.waiting import wait_until
from web.runtime.postgres.embedded import embedded_postgres
from web.runtime.postgres.postmaster import serves

LINUX = Path("/proc/self/cmdline").exists()


linux_only = pytest.mark.skipif(not LINUX, reason="looks at processes and sockets in /proc")


# A shell would trip over it; most tests below use a folder of this name.
ODD_NAME = 'it\'s "my" $HOME `x`'


# Uses the server until its standard input ends.
USER = """
import sys
from pathlib import Path
from web.runtime.postgres.embedded import embedded_postgres

with embedded_postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def make_open_folder(*, on_disk: bool = False) -> Path:
    """A folder everybody can enter: pytest's own are closed to the account that runs PostgreSQL for root."""
    parent = None if on_disk else memory()
    folder = Path(tempfile.mkdtemp(prefix="usage-ledger-test-", dir=parent))
    folder.chmod(0o755)
    return folder


def remove(folder: Path) -> None:
    for pid_file in folder.rglob("postmaster.pid"):
        kill_server(pid_file.parent)
    shutil.rmtree(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = make_open_folder()
    yield folder
    remove(folder)


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    folder = make_open_folder()
    with embedded_postgres(folder / ODD_NAME) as url:
        run_sql(url, "CREATE TABLE note (text text)", "INSERT INTO note VALUES ('kept')")
    yield folder / ODD_NAME
    remove(folder)


@pytest.fixture
def data_dir(made_once: Path) -> Iterator[Path]:
    """A data directory with a stopped cluster in it, which has a table with the row 'kept'."""
    yield made_once
    kill_server(made_once / "postgres")


def run_sql(url: str, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def notes(url: str) -> list[tuple[object, ...]]:
    return run_sql(url, "SELECT text FROM note ORDER BY text")


@contextmanager
def another_user(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A second process that uses the server, and the URL it got."""
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def postmaster(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().splitlines()[0])


def kill_server(cluster: Path) -> None:
    """Kills every process of a server at once, as a power cut would."""
    try:
        pid = postmaster(cluster)
        if LINUX and not serves(pid, cluster):
            return
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if LINUX else []
        for victim in (pid, *map(int, children)):
            os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not serves(pid, cluster))
    except (FileNotFoundError, ProcessLookupError):
        pass
