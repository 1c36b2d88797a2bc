"""The first process of a server, found by the pid file that it keeps in its cluster."""

import os
from pathlib import Path


def is_running(cluster: Path) -> bool:
    """Return whether the server of a cluster is there, be it ready or not."""
    return bool(pid_file_lines(cluster))


def pid_file_lines(cluster: Path) -> list[str]:
    """Return the lines of the pid file, none when the server does not run."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].isdecimal() and serves(int(lines[0]), cluster) else []


def serves(pid: int, cluster: Path) -> bool:
    """Return whether this process is the postmaster of this cluster.

    It may as well be another that got the number later.
    """
    process = Path("/proc", str(pid))
    arguments: list[bytes] = []
    try:
        if not knows_processes():
            os.kill(pid, 0)  # any process counts, and PostgreSQL has the last word
            return True
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        return arguments[0].endswith(b"/postgres") and (process / "cwd").samefile(cluster)
    except PermissionError:  # root in a container may not see the current folder of a process of `nobody`
        return os.fsencode(cluster) in arguments
    except (FileNotFoundError, ProcessLookupError):
        return False


def knows_processes() -> bool:
    """Return whether /proc tells about processes, as on Linux."""
    return Path("/proc/self/cmdline").exists()
