"""Reads what a service and its database take at a moment."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psycopg

CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""

# Of what is shown now: it has as many rows however often they are written.
LIVE_BYTES = """
SELECT sum(pg_total_relation_size(format('read_models.%I', name)::regclass))
FROM unnest(ARRAY[
    'component_usage', 'user_usage', 'project_usage', 'monthly_consumption', 'usage_count'
]) name"""

FACTS = "SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events"

TOTAL_BYTES = "SELECT pg_database_size(current_database())"


class Taken(NamedTuple):
    """Memory of the largest worker in MiB, files and threads of all, connections, and bytes on disk."""

    memory: float
    files: int
    threads: int
    connections: int
    live_bytes: int
    facts: int
    total_bytes: int


def taken(service: int, url: str) -> Taken:
    """Return what the workers of a service's first process take, and the database at `url`."""
    workers = children(service)
    statuses = [
        dict(line.split(":", 1) for line in text.splitlines()) for text in map(status_of, workers) if text
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        figures = [
            int((connection.execute(statement.encode()).fetchone() or (0,))[0] or 0)
            for statement in (CONNECTIONS, LIVE_BYTES, FACTS, TOTAL_BYTES)
        ]
    return Taken(
        max((int(each["VmRSS"].split()[0]) / 1024 for each in statuses), default=0.0),
        sum(files_of(worker) for worker in workers),
        sum(int(each["Threads"]) for each in statuses),
        *figures,
    )


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            _, parent = (each / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == process:
                found.append(int(each.name))
    return found


def status_of(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/status").read_text()
    return ""


def files_of(process: int) -> int:
    with suppress(OSError):
        return len(list(Path(f"/proc/{process}/fd").iterdir()))
    return 0
