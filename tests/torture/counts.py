"""The record of all runs that were to be counted: `counts.json`, and its table in `README.md`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson

FILE = Path(__file__).with_name("counts.json")
PAGE = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- counts -->\n", "<!-- end of counts -->\n"


def runs() -> list[dict[str, Any]]:
    """Return the runs that were recorded, the first one first."""
    found: list[dict[str, Any]] = orjson.loads(FILE.read_bytes())
    return found


def add(seed: int, rounds: int, injected: Mapping[str, int], well_after: Sequence[float], wrong: int) -> None:
    """Record a run: faults by kind, of which each was injected and followed by a check."""
    run = {
        "ended": datetime.now(UTC).isoformat(timespec="minutes"),
        "seed": seed,
        "rounds": rounds,
        "faults": sum(injected.values()),
        "wrong": wrong,
        "seconds until well, median": round(median(well_after), 1),
        "seconds until well, most": round(max(well_after), 1),
        "injected": dict(sorted(injected.items())),
    }
    FILE.write_bytes(orjson.dumps([*runs(), run], option=orjson.OPT_INDENT_2) + b"\n")
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}")


def table() -> str:
    """Return what the page tells of all runs, in Markdown."""
    kinds, everything = Counter[str](), runs()
    for run in everything:
        kinds.update(run["injected"])
    lines = [
        f"{kinds.total():,} faults in {sum(run['rounds'] for run in everything):,} rounds of"
        f" {len(everything)} runs:\n",
        "| fault | times |\n|---|--:|",
        *(f"| {kind} | {times:,} |" for kind, times in kinds.most_common()),
        "\n| seed | rounds | faults | well after, median | at most | wrong |\n|--:|--:|--:|--:|--:|--:|",
        *(_line(run) for run in everything),
    ]
    return "\n".join([*lines, ""])


def _line(run: dict[str, Any]) -> str:
    times = f"{run['seconds until well, median']} s | {run['seconds until well, most']} s"
    return f"| {run['seed']} | {run['rounds']} | {run['faults']:,} | {times} | {run['wrong']} |"
