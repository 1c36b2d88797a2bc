"""Finds and runs pg_dump and pg_restore: those of the embedded PostgreSQL, or else those of the PATH."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from web.backup import BackupError
from web.runtime.config import environment_with
from web.runtime.postgres import EmbeddedPostgresError
from web.runtime.postgres.account import last_lines
from web.runtime.postgres.programs import find_programs

VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def find_program(name: str, server: int) -> Path:
    """Return a program of PostgreSQL that fits a server of this major version. Raises BackupError."""
    found = []
    for path in _candidates(name):
        version = _version_of(path)
        if version >= server:
            return path
        found.append(f"{path} is of {version}")
    told = f"only {' and '.join(found)}" if found else "there is none"
    raise BackupError(
        f"the server is PostgreSQL {server}, and a {name} of {server} or later is needed: {told}"
        f" (Debian: postgresql-client-{server})"
    )


def _candidates(name: str) -> Iterator[Path]:
    try:
        embedded = find_programs().folder / name
    except EmbeddedPostgresError:
        pass
    else:
        if embedded.exists():
            yield embedded
    if path := shutil.which(name):
        yield Path(path)


def _version_of(path: Path) -> int:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = VERSION.search(told.stdout)
    if not found:
        raise BackupError(f"{path} can't be run: {last_lines(told.stderr) or 'it says no version'}")
    return int(found[1])


def connecting(conninfo: str) -> tuple[str, dict[str, str]]:
    """Return a conninfo that may be seen on a command line, and the variables with what may not.

    Raises BackupError.
    """
    parameters = conninfo_to_dict(conninfo)
    password = parameters.pop("password", None)
    if "sslpassword" in parameters:  # libpq has no variable for it
        raise BackupError(
            "LEDGER_DATABASE_URL: put sslpassword into a service file, and name that (service=)"
        )
    return make_conninfo("", **parameters), {"PGPASSWORD": str(password)} if password else {}


@contextmanager
def running(
    words: Sequence[str | Path], variables: dict[str, str], stdin: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[IO[bytes]]:
    """Run a program, and yield its output. Raises BackupError where it fails.

    It has ended when the block has, however that ends.
    """
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 (no shell, and the words are ours)
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment_with({"LC_ALL": "C"} | variables),
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield process.stdout
            process.stdout.close()
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        if code:
            errors.seek(0)
            told = last_lines(errors.read().decode(errors="replace"))
            ended = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise BackupError(f"{Path(words[0]).name} ended with {ended}" + (f": {told}" if told else ""))
