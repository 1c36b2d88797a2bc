"""`make crowd`: 200 and 1,000 clients on two workers, slow ones, and large bodies beside small ones."""

import asyncio
import time
from collections.abc import Sequence

import click

from tests.load.clients import USAGES, Reader, Slow, Tally, slow_body, slow_head, slow_reader
from tests.load.running import Running, check_shown, conclude, running

LONGEST_SECONDS = 45
"""No request waits longer for its answer, be it a 503."""

MOST_MEMORY = 300
"""MiB, of a worker."""

ROW = "{:40} {:>8} {:>8} {:>7} {:>6} {:>7} {:>9} {:>5} {:>6} {:>12} {:>7}"
HEAD = (
    "",
    "answers",
    "2xx, 304",
    "refused",
    "none",
    "p50 s",
    "longest s",
    "MiB",
    "files",
    "connections",
    "well s",
)


async def phase(
    here: Running,
    name: str,
    seconds: float,
    *,
    reporters: int,
    readers: int = 0,
    bulks: int = 0,
    slow: int = 0,
) -> list[str]:
    """Load the service with so many clients, and look whether all is well soon after. Return what is not."""
    tally, end = Tally(), time.monotonic() + seconds
    singles, many = here.reporters(reporters), here.bulk_reporters(bulks)
    lists = [f"{USAGES}?page_size=100", f"{USAGES}?page_size=10&o=-usage", "/api/ledger/freshness/"]
    kinds: Sequence[Slow] = (slow_head, slow_body, slow_reader)
    ended = Tally()
    await asyncio.gather(
        *(each.run(end, tally) for each in [*singles, *many]),
        *(Reader(here.connection(), *lists).run(end, tally) for _ in range(readers)),
        *(kind(here.port, here.served.demo_token, end, ended) for kind in kinds for _ in range(slow)),
    )
    after, calm = here.taken(), await here.calm(tally)
    await check_shown([*singles, *many], tally)
    good = tally.statuses[200] + tally.statuses[201] + tally.statuses[304]
    figures = (f"{tally.quantile(0.5):.2f}", f"{tally.quantile(1):.1f}", f"{after.memory:.0f}")
    refused = tally.statuses[503] + tally.statuses[409]
    known = (tally.statuses.total(), good, refused, tally.statuses[0])
    click.echo(ROW.format(name, *known, *figures, after.files, after.connections, f"{calm:.1f}"))
    return [f"{name}: {each}" for each in [*tally.wrong, *_beyond(tally, good, after.memory)]]


def _beyond(tally: Tally, good: int, memory: float) -> list[str]:
    wrong = []
    if (longest := tally.quantile(1)) > LONGEST_SECONDS:
        wrong.append(f"a request waited {longest:.1f} s")
    if tally.statuses[0]:
        wrong.append(f"{tally.statuses[0]} requests had no answer")
    if not good:
        wrong.append("nothing was answered well")
    if memory > MOST_MEMORY:
        wrong.append(f"a worker takes {memory:.0f} MiB")
    return wrong


async def phases(here: Running, seconds: float) -> list[str]:
    """Return what did not hold in any of the phases."""
    click.echo(ROW.format(*HEAD))
    wrong = [
        *await phase(here, "8 clients", seconds, reporters=4, readers=4),
        *await phase(here, "200 clients", seconds, reporters=100, readers=100),
        *await phase(here, "1,000 clients", seconds, reporters=500, readers=500),
        *await phase(
            here, "100 slow ones of each kind beside 20", seconds, reporters=10, readers=10, slow=100
        ),
        *await phase(here, "bulks of 10,000 items beside 20", seconds, reporters=10, readers=10, bulks=4),
        *await phase(here, "8 clients again", seconds, reporters=4, readers=4),
    ]
    return [*wrong, *here.verify()]


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="How long each phase takes.")
def main(seconds: float) -> None:
    """Crowd a service with two workers, and look whether it keeps its bounds."""
    with running() as here:
        wrong = asyncio.run(phases(here, seconds))
    conclude(wrong)


if __name__ == "__main__":
    main()
