"""The command behind `make torture` and `make torture-short`."""

import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom

import click

from tests.torture.counts import add
from tests.torture.records import Findings
from tests.torture.rounds import FAULTS, Told, plan, run_round, summary
from tests.torture.target import Target

ROUNDS_OF_A_LEDGER = 12
"""A ledger that has become large takes long to check, so that another one follows."""


class Run:
    """A run: what was broken in it, and how long it took until all was well."""

    def __init__(self) -> None:
        self.injected, self.left_out = Counter[str](), Counter[str]()
        self.well_after: list[float] = []

    def add(self, told: Told) -> None:
        """Add a round, which has been checked."""
        self.injected += told.injected
        self.left_out += told.left_out
        self.well_after.append(told.well_after)


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long rounds are begun.")
@click.option("--round", "of_a_round", default=20.0, show_default=True, help="Seconds, without the check.")
@click.option("--most", default=150, show_default=True, help="Faults in a round.")
@click.option("--every", default=4, show_default=True, help="One of so many rounds loses history.")
@click.option("--even", is_flag=True, help="All kinds equally often, but for those that lose history.")
@click.option("--seed", type=int, help="Of an earlier run. Default: any.")
@click.option("--only", default="", help="Faults whose names have this in them.")
@click.option("--record", is_flag=True, help="Add what was injected to the table beside this suite.")
def main(
    minutes: float,
    of_a_round: float,
    most: int,
    every: int,
    even: bool,
    seed: int | None,
    only: str,
    record: bool,
) -> None:
    """Break a service in all ways that are known, and check that it keeps what it acknowledged."""
    seed = SystemRandom().randrange(10**9) if seed is None else seed
    click.echo(f"seed {seed}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left
    faults = [each for each in FAULTS if only.replace(" ", "_") in each.__name__]
    folder = Path(tempfile.mkdtemp(prefix="usage-ledger-torture-"))
    folder.chmod(0o777)
    findings, run = Findings(), Run()
    target = Target(folder, findings)
    end, number, wrong = time.monotonic() + 60 * minutes, 0, 0
    try:
        while time.monotonic() < end:
            number += 1
            random = Random(f"{seed} {number}")  # noqa: S311 (chosen, not secret)
            told = run_round(
                target, plan(random, number, of_a_round, most, faults, every=every, is_even=even)
            )
            run.add(told)
            injected = sum(told.injected.values())
            click.echo(
                f"round {number}: {injected} faults of {len(told.injected)} kinds,"
                f" well after {told.well_after:.1f} s, checked in {told.checked_in:.1f} s,"
                f" {run.injected.total()} in all"
            )
            for each in findings.wrong[wrong:]:
                click.echo(f"  WRONG: {each}")
            wrong = len(findings.wrong)
            if number % ROUNDS_OF_A_LEDGER == 0:
                target.begin_anew()
    except KeyboardInterrupt:
        click.echo("interrupted: the round that was under way is not counted")
        number -= 1
    finally:
        target.close()
    for title, counted in (
        ("injected", run.injected),
        ("left out", run.left_out),
        ("otherwise", findings.counts),
    ):
        click.echo(f"{title}:")
        for name, times in sorted(counted.items(), key=lambda each: -each[1]):
            click.echo(f"  {times:7} {name}")
    for each in findings.wrong:  # once more, where who only has the end of the output finds it
        click.echo(f"WRONG: {each}")
    click.echo(f"{number} rounds, {summary(run.well_after)}; {len(findings.wrong)} wrong; seed {seed}")
    if record:
        add(seed, number, run.injected, run.well_after, len(findings.wrong))
    if findings.wrong:
        raise click.ClickException(f"{len(findings.wrong)} things are wrong, the logs are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
