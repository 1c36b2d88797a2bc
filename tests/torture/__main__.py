"""The command behind `make torture-short`."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom

import click
import psycopg

from tests.torture.faults import FAULTS, Fault, Torture

GAPS = """
SELECT count(*) FROM journal.ledger_events e
WHERE originator_version > 1 AND NOT EXISTS (
    SELECT FROM journal.ledger_events
    WHERE originator_id = e.originator_id AND originator_version = e.originator_version - 1)"""

MOST_MEMORY = 300
"""MiB, of a worker."""


def check_all(torture: Torture) -> None:
    """Looks whether everything follows from the journal, once nobody reports any more."""
    for client in torture.clients:
        client.check()
    with psycopg.connect(torture.primary.url()) as connection:
        (gaps,) = connection.execute(GAPS).fetchone() or (0,)
    if gaps:
        torture.findings.say(f"{gaps} facts lack the one before them")
    if (memory := torture.service.peak_memory) > MOST_MEMORY:
        torture.findings.say(f"a worker took {memory} MiB")
    rebuilt = subprocess.run(
        [str(Path(sys.executable).parent / "usage-ledger"), "rebuild"],
        env={"LEDGER_DATABASE_URL": torture.primary.url()},
        capture_output=True,
        text=True,
        check=False,
    )
    if rebuilt.returncode:
        told = rebuilt.stdout + rebuilt.stderr
        torture.findings.say(f"the read models do not follow from the journal: {told}")


def break_it(torture: Torture, random: Random, seconds: float, faults: Sequence[Fault]) -> None:
    """One fault after the other, all of them before any comes again."""
    end = time.monotonic() + seconds
    left: list[Fault] = []
    while time.monotonic() < end:
        left = left or random.sample(faults, len(faults))
        fault, wrong = left.pop(), len(torture.findings.wrong)
        began = time.monotonic()
        fault(torture)
        took, settled = time.monotonic() - began, torture.settle()
        told = f"{fault.__name__.replace('_', ' '):42} {took:5.1f} s, well after {settled:4.1f} s"
        click.echo("\n  ".join([told, *torture.findings.wrong[wrong:]]))
        time.sleep(random.random())


@click.command()
@click.option("--seconds", default=90, show_default=True, help="How long things are broken.")
@click.option("--seed", type=int, help="Of an earlier run. Default: any.")
@click.option("--only", default="", help="Faults whose names have this in them.")
def main(seconds: int, seed: int | None, only: str) -> None:
    """Break a service in all ways that are known, and check that it keeps what it acknowledged."""
    seed = SystemRandom().randrange(10**9) if seed is None else seed
    random = Random(seed)  # noqa: S311 (chosen, not secret)
    click.echo(f"seed {seed}")
    folder = Path(tempfile.mkdtemp(prefix="usage-ledger-torture-"))
    folder.chmod(0o777)
    torture = Torture(folder, random)
    try:
        for client in torture.clients:
            client.start()
        break_it(torture, random, seconds, [fault for fault in FAULTS if only in fault.__name__])
        for client in torture.clients:
            client.stop()
        check_all(torture)
    finally:
        torture.close()
    findings = torture.findings
    click.echo(
        f"{findings.acknowledged} reports acknowledged, {findings.refused} not; {len(findings.tags)} ETags;"
        f" seed {seed}"
    )
    if findings.wrong:
        click.echo(f"{len(findings.wrong)} things are wrong, the log is {folder}/service.log:", err=True)
        raise click.ClickException("\n".join(findings.wrong[:20]))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
