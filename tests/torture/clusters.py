"""PostgreSQL servers that can be killed, copied and promoted, and disks that can be filled."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.support.dumps import program
from web.runtime.postgres.account import account

USER, DATABASE = "ledger", "usage_ledger"

DISK_MEGABYTES = 384


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cluster:
    """A server in a folder, on a port of its own. As root it runs as `nobody`, as PostgreSQL insists."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    @classmethod
    def new(cls, parent: Path, name: str = "primary") -> "Cluster":
        """Return a running server in a folder of its own below `parent`, with an empty database."""
        cluster = cls(parent / name)
        cluster._make_folder()
        run("initdb", "-D", cluster.folder, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "-N")
        cluster.start()
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        return cluster

    def replica(self, parent: Path, name: str) -> "Cluster":
        """A running replica of this server, which it streams to."""
        replica = Cluster(parent / name)
        replica._make_folder()
        source = ("-d", self.url("postgres"), "-R", "-X", "stream", "-c", "fast", "-N")
        run("pg_basebackup", "-D", replica.folder, *source)
        replica.start()
        return replica

    def url(self, database: str = DATABASE, port: int | None = None) -> str:
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def session(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """Return a connection of an administrator, as soon as there is one to be had: each statement commits.

        Raises OperationalError after half a minute.
        """
        for _ in range(60):
            with suppress(psycopg.OperationalError):
                return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)
            time.sleep(0.5)
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def start(self) -> None:
        """Starts the server, once the children of a killed one have ended."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        words = ("start", "-w", "-D", self.folder, "-o", options, "-l", self.folder / "server.log")
        for _ in range(40):
            with suppress(RuntimeError):
                return run("pg_ctl", *words)
            time.sleep(0.5)
        return run("pg_ctl", *words)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, in one of the modes that `pg_ctl` knows. It may not run."""
        with suppress(RuntimeError):
            run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.folder)

    @property
    def pid(self) -> int:
        """Return the number of the first process. Raises OSError where there is none."""
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """Kills the first process; its children notice."""
        os.kill(self.pid, signal.SIGKILL)

    def promote(self) -> None:
        run("pg_ctl", "promote", "-w", "-D", self.folder)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700)
        if owner := account():
            os.chown(self.folder, owner["user"], owner["group"])


def run(name: str, *words: Any) -> None:
    """Raises CalledProcessError, with what the program says."""
    with tempfile.TemporaryFile() as output:  # not a pipe, which a server would keep open
        finished = subprocess.run(
            [program(name), *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd="/",
            check=False,
            **account(),
        )
        output.seek(0)
        if finished.returncode:
            raise RuntimeError(f"{name}: {output.read().decode(errors='replace')[-500:]}")


def new_disk(parent: Path, name: str) -> Path:
    """Return a new folder, which is a disk of its own where that is possible: as root on Linux."""
    place = parent / f"disk-{name}"
    place.mkdir()
    options = f"size={DISK_MEGABYTES}m,mode=777"
    words = ["mount", "-t", "tmpfs", "-o", options, "torture", str(place)]
    subprocess.run(words, capture_output=True, check=False)
    place.chmod(0o777)
    return place


def remove_disk(place: Path) -> None:
    """Remove such a folder, and what is in it."""
    if os.path.ismount(place):
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)  # noqa: S607
    shutil.rmtree(place, ignore_errors=True)
