"""Runs programs as the account that PostgreSQL accepts: our own, or `nobody` in place of root."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from web.runtime.postgres import EmbeddedPostgresError


def account() -> dict[str, Any]:
    """Return the arguments with which `subprocess` runs a program as the account of PostgreSQL."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        message = "PostgreSQL refuses to run as root, and there is no account 'nobody' to run it as"
        raise EmbeddedPostgresError(message) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(command: Sequence[str | Path], inherit: Sequence[int] = (), **variables: str) -> tuple[int, str]:
    """Run a program as that account in a clean environment; return its exit code and its output."""
    with tempfile.TemporaryFile() as output:  # not a pipe, whose end would come with the end of the server
        finished = subprocess.run(  # noqa: S603 (no shell, and the words are ours)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"} | variables,
            pass_fds=inherit,
            **account(),
        )
        output.seek(0)
        return finished.returncode, output.read().decode(errors="replace")


def can_reach(folder: Path) -> bool:
    """Return whether that account can enter a folder."""
    return run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder])[0] == 0


def last_lines(text: str) -> str:
    """Return what went wrong, on one line: the last lines that say so, or else just the last ones."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal:", "panic:", "error:"))]
    return " / ".join((telling or lines)[-3:])


def name_of(uid: int) -> str:
    """Return the name of an account, or its number in words."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
