"""The command behind `make bench`."""

import logging
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.benchmarks.bench import Bench
from tests.benchmarks.load import TOOL
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.measure import Line
from tests.benchmarks.rows import ROWS, RUN_IN_ORDER
from tests.benchmarks.sets import ROOT, Sets
from tests.benchmarks.table import Results, printed, write
from web.runtime.postgres.embedded import embedded_postgres

FOLDER = ROOT / ".bench"


def numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> set[int]:
    """Rows of `1,3,7`; none means all."""
    try:
        wanted = {int(number) for number in value.split(",") if number.strip()} or set(ROWS)
    except ValueError:
        wanted = set()
    if not wanted or wanted - set(ROWS):
        raise click.BadParameter(f"{value!r} are no rows; there are {min(ROWS)} to {max(ROWS)}.")
    return wanted


@click.command()
@click.option("--only", default="", callback=numbers, metavar="1,3,7", help="Rows. Default: all.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=click.IntRange(1), default=3, show_default=True, help="Of a play.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: .bench/results-<timestamp>.json")
def main(only: set[int], rounds: int, seconds: int, out: Path | None) -> None:
    """Measure the ledger beside its floors; see the table of targets."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that servers are stopped
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    began, at = time.monotonic(), datetime.now(UTC)
    with embedded_postgres(FOLDER / "data") as server:
        sets = Sets(server, tell)
        bench = Bench(sets, FOLDER, rounds, seconds, tell)
        try:
            lines = [line for number in RUN_IN_ORDER if number in only for line in run(number, bench)]
        finally:
            sets.drop_copies()
        used = versions(server)
    lines.sort(key=lambda line: line.row)
    took = time.monotonic() - began
    results = Results(at.isoformat(), took, TOOL, rounds, seconds, machine(), used, lines)
    out = out or FOLDER / f"results-{at:%Y%m%dT%H%M%SZ}.json"
    write(out, results)
    click.echo(printed(results))
    click.echo(f"{took:.0f} s; all figures are in {out}")


def run(number: int, bench: Bench) -> list[Line]:
    """A row that fails is told, and the others are measured."""
    tell(f"row {number}")
    try:
        return ROWS[number](bench)
    except Exception as error:
        traceback.print_exc()
        return [Line(number, "failed", note=f"{type(error).__name__}: {error}"[:200])]


def tell(words: str) -> None:
    click.echo(words, err=True)


if __name__ == "__main__":
    main()
