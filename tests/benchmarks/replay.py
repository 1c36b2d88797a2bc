"""Reads every fact of a ledger, and makes read models of them or nothing, in a process of its own.

Run as `python -m tests.benchmarks.replay (replay|rebuild|compare|verify) DATABASE_URL`. Prints a `Replayed`
as JSON.
"""

import resource
import subprocess
import sys
import time
from contextlib import closing

import click
import msgspec

from ledger.journal.ledger import Ledger
from projections.projector import BATCH
from projections.rebuild import Rebuild
from tests.benchmarks.sets import settings_of
from web.commands.audit.verify import verification_of
from web.runtime.database import open_ledger, prepare_database, projector_of, services_of


class Replayed(msgspec.Struct, frozen=True):
    """How many facts went by in how many seconds, and how much memory the process had at most."""

    facts: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        return self.facts / self.seconds


def in_a_process(work: str, url: str) -> Replayed:
    command = [sys.executable, "-m", __name__, work, url]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return msgspec.json.decode(output, type=Replayed)


def main(work: str, url: str) -> None:
    settings = settings_of(url)
    conninfo = prepare_database(url, settings)
    with closing(open_ledger(conninfo, settings)) as ledger:
        began = time.monotonic()
        facts = done(work, ledger)
        seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(msgspec.json.encode(Replayed(facts, seconds, peak)))


def done(work: str, ledger: Ledger) -> int:
    """Do one of these, and return how many facts it was of."""
    match work:
        case "replay":
            return replay(ledger)
        case "verify":
            return verify(ledger)
    return rebuild(ledger, compare=work == "compare")


def verify(ledger: Ledger) -> int:
    """Everything that `usage-ledger verify` looks at, but for checkpoints."""
    services = services_of(ledger, projector_of(ledger), settings_of(""))
    result = verification_of(services, print, is_alone=True).run()
    assert not result.differences
    return result.facts


def replay(ledger: Ledger) -> int:
    """The floor: reads every fact as it is stored, a page at a time, and does nothing."""
    facts = position = 0
    while stored := ledger.stored_after(position, BATCH):
        facts, position = facts + len(stored), stored[-1].id
    return facts


def rebuild(ledger: Ledger, *, compare: bool) -> int:
    facts = 0

    def count(done: int, _head: int) -> None:
        nonlocal facts
        facts += done

    rebuilding = Rebuild(ledger.pool, ledger.facts_after, progress=count)
    rebuilt = rebuilding.run(compare=compare)
    assert rebuilt.is_live, rebuilt.differences
    return facts


if __name__ == "__main__":
    main(*sys.argv[1:])
