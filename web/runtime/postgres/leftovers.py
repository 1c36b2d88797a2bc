"""Processes that a killed PostgreSQL left behind.

They should notice that their postmaster is gone. Now and then one does not, and keeps the shared memory in
which the next server would have to begin. PostgreSQL refuses to start then, and says no process.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def end_leftovers(cluster: Path) -> list[str]:
    """Kill the processes of a cluster whose postmaster is gone; return number and title of each. On Linux.

    The caller holds the lock on the cluster, and knows that no server runs on it. Nothing is lost that a
    crash would not have lost: such a process has committed nothing since.
    """
    return [f"{pid} ({title})" for pid, title in _processes_of(cluster) if _is_left_over(pid) and _kill(pid)]


def _processes_of(cluster: Path) -> Iterator[tuple[int, str]]:
    """Yield number and title of the helpers and backends that run in the folder of the cluster."""
    owner = cluster.stat().st_uid
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            title = (process / "cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")
            is_ours = title.startswith("postgres: ") and process.stat().st_uid == owner
            if is_ours and (process / "cwd").samefile(cluster):
                yield int(process.name), title


def _is_left_over(pid: int) -> bool:
    """Return whether its parent is no postmaster, which starts such processes and is named by a path."""
    try:
        status = Path("/proc", str(pid), "status").read_text()
        (parent,) = (line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
        program, *_ = Path("/proc", parent, "cmdline").read_bytes().split(b"\0")
    except OSError:  # one of them has gone meanwhile: the next look will tell
        return False
    return not program.endswith(b"/postgres")


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:  # it went by itself
        return False
    return True
