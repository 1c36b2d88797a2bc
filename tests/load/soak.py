"""`make soak`: an hour of what agents and readers do, after which nothing may have grown."""

import asyncio
import time
from statistics import median

import click

from tests.load.clients import USAGES, Reader, Tally
from tests.load.crowd import LONGEST_SECONDS
from tests.load.running import Running, check_shown, conclude, running
from tests.load.watching import Taken

REPORTERS, READERS, PAUSE_SECONDS = 16, 8, 0.5

GROWTH = {"memory": 1.1, "files": 1.1, "threads": 1.1, "connections": 1.3, "live_bytes": 1.2}
"""How many times as large as at the beginning these may be at the end.

Connections follow how many requests meet.
"""

LISTS = (
    f"{USAGES}?page_size=100",
    f"{USAGES}?page_size=10&o=-usage",
    f"{USAGES}?format=csv",
    "/api/marketplace-component-usage-monthly/",
    "/api/marketplace-component-user-usages/?page_size=100",
    "/api/ledger/freshness/",
    "/api/ledger/events/?limit=100",
    "/metrics",
    "/",
)


async def soaked(here: Running, seconds: float, samples: list[Taken]) -> list[str]:
    """Load the service moderately, and note what it takes. Return what did not hold."""
    tally, end = Tally(), time.monotonic() + seconds
    reporters = here.reporters(REPORTERS)
    clients = [
        *(each.run(end, tally, PAUSE_SECONDS) for each in reporters),
        *(Reader(here.connection(), *LISTS).run(end, tally, PAUSE_SECONDS) for _ in range(READERS)),
    ]

    async def watch() -> None:
        while time.monotonic() < end:
            samples.append(await asyncio.to_thread(here.taken))
            await asyncio.sleep(seconds / 240)

    await asyncio.gather(watch(), *clients)
    await here.calm(tally)
    await check_shown(reporters, tally)
    longest = tally.quantile(1)
    click.echo(
        f"{tally.statuses.total()} answers: {dict(tally.statuses)}; p50 {tally.quantile(0.5) * 1000:.1f} ms,"
        f" p99 {tally.quantile(0.99) * 1000:.1f} ms, longest {longest:.2f} s"
    )
    return [*tally.wrong, *([f"a request waited {longest:.1f} s"] if longest > LONGEST_SECONDS else [])]


def grown(samples: list[Taken]) -> list[str]:
    """Print what was taken in the second sixth of the time and in the last; return what has grown."""
    part = len(samples) // 6
    early, late = samples[part : 2 * part], samples[-part:]
    wrong = []
    for name in Taken._fields:
        first, last = (median(getattr(each, name) for each in some) for some in (early, late))
        click.echo(f"{name:12} {first:>14,.0f} {last:>14,.0f}  {last / max(first, 1):.2f} x")
        if last > GROWTH.get(name, float("inf")) * first:
            wrong.append(f"{name} has grown from {first:,.0f} to {last:,.0f}")
    per_fact = [each.total_bytes / max(each.facts, 1) for each in (early[-1], late[-1])]
    click.echo(f"bytes of the database a fact: {per_fact[0]:,.0f}, then {per_fact[1]:,.0f}")
    return wrong


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
def main(minutes: float) -> None:
    """Load a service for long, and look whether anything grows that should not."""
    samples: list[Taken] = []
    with running() as here:
        wrong = asyncio.run(soaked(here, minutes * 60, samples))
        wrong += here.verify()
    conclude([*wrong, *grown(samples)])


if __name__ == "__main__":
    main()
