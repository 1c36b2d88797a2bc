"""On what the figures were measured."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psycopg

PACKAGES = ("flask", "werkzeug", "granian", "eventsourcing", "psycopg", "psycopg-pool", "msgspec")


def machine() -> dict[str, str]:
    """Cores, model, memory and kernel."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "CPU": processor(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
    }


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def versions(server: str) -> dict[str, str]:
    """Of Python, of PostgreSQL, and of those of our packages that are installed."""
    with psycopg.connect(server) as connection:
        postgres = connection.info.parameter_status("server_version") or "?"
    return {"Python": platform.python_version(), "PostgreSQL": postgres, **installed()}


def installed() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except ModuleNotFoundError:  # we serve with one of two servers
            continue
    return found
