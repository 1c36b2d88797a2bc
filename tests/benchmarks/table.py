"""What is printed and what is written."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.measure import Line, Series

HEADINGS = ("#", "work", "median", "p50 / p99 ms", "floor", "p50 / p99 ms", "ratio", "target", "met")
TO_THE_RIGHT = {0, 2, 3, 4, 5, 6}


class Results(msgspec.Struct, frozen=True):
    """A whole run."""

    began: str
    seconds: float
    tool: str
    rounds: int
    seconds_per_round: float
    machine: dict[str, str]
    versions: dict[str, str]
    lines: list[Line]


def write(path: Path, results: Results) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2))


def printed(results: Results) -> str:
    about = ", ".join(f"{name}: {value}" for name, value in results.machine.items())
    used = ", ".join(f"{name} {value}" for name, value in results.versions.items())
    how = f"{results.rounds} rounds of {results.seconds_per_round:g} s, load by {results.tool}"
    return "\n".join(
        [about, used, how, "", *table(results.lines), "", *notes(results.lines), judged(results.lines)]
    )


def notes(lines: Iterable[Line]) -> list[str]:
    """What a table has no room for."""
    told = [f"{line.row}: {line.note}" for line in lines if line.note and line.targets]
    return [*told, ""] if told else []


def judged(lines: Iterable[Line]) -> str:
    targets = [target for line in lines for target in line.targets]
    return f"{sum(target.met for target in targets)} of {len(targets)} targets are met."


def table(lines: Iterable[Line]) -> list[str]:
    """Markdown that can be read as it is: cells are padded."""
    rows = [HEADINGS, *(row for line in lines for row in rows_of(line))]
    widths = [max(2, *(len(row[column]) for row in rows)) for column in range(len(HEADINGS))]
    rules = ["-" * (width - 1) + (":" if n in TO_THE_RIGHT else "-") for n, width in enumerate(widths)]
    return [in_columns(row, widths) for row in (HEADINGS, rules, *rows[1:])]


def in_columns(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in TO_THE_RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def rows_of(line: Line) -> list[Sequence[str]]:
    """One for each target, the first with the figures."""
    figures = (str(line.row), line.work, *shown(line.measured), *shown(line.floor))
    asked = [(each.figure, each.text, "yes" if each.met else "NO") for each in line.targets]
    asked = asked or [("", line.note, "")]
    rows: list[Sequence[str]] = [(*figures, *asked[0])]
    rows += [("", "", "", "", "", "", *each) for each in asked[1:]]
    return rows


def shown(series: Series | None) -> tuple[str, str]:
    if series is None:
        return "", ""
    digits = 0 if series.median >= 100 else 1 if series.median >= 10 else 2
    latencies = f"{series.median_p50:.1f} / {series.median_p99:.1f}" if any(series.p50) else ""
    return f"{series.median:,.{digits}f} {series.unit}".replace(" /s", "/s"), latencies
