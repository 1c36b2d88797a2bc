"""Dumping and restoring databases, with PostgreSQL's own programs."""

import os
import shutil
import subprocess

from web.runtime.postgres.programs import find_programs

SCHEMAS = ("journal", "read_models")


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL: that of the server in use, or of the embedded one."""
    if os.environ.get("LEDGER_DATABASE_URL") and (found := shutil.which(name)):
        return found
    return str(find_programs().folder / name)


def run(name: str, *words: str, text: str = "") -> str:
    """Return what a program of PostgreSQL prints. Raises CalledProcessError."""
    finished = subprocess.run(
        [program(name), *words], input=text, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def dump(url: str, *options: str) -> str:
    """Return a dump in SQL."""
    return run("pg_dump", *options, url)


def restore(url: str, text: str, *schemas: str) -> None:
    """Put a dump into a database in one transaction, in place of these schemas."""
    drops = "".join(f"DROP SCHEMA IF EXISTS {schema} CASCADE;\n" for schema in schemas)
    run(
        "psql",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--quiet",
        "--no-psqlrc",
        url,
        text=drops + text,
    )


def put_back(url: str, text: str) -> None:
    """Put a whole database back to where it was when it was dumped."""
    restore(url, text, *SCHEMAS)


def journal_of(url: str) -> str:
    """Return a dump of the journal alone."""
    return dump(url, "--schema=journal")
