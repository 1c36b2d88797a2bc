"""`python -m tests.load.corrections`: corrections of 10,000 figures, beside reporters of other figures.

What two people have approved is applied as a whole. Told is how long each step takes, and how long a
reporter, who waits for the journal meanwhile, waits at most.
"""

import asyncio
import time
from typing import Any

import click
import orjson

from tests.load.clients import Connection, Tally
from tests.load.running import RESOURCES, Running, conclude, resource, running

PATH = "/api/ledger/corrections/"

REPORTERS = 2


def items(figures: int, amount: int) -> list[dict[str, Any]]:
    """Return items of so many figures: all resources in as many months."""
    return [
        {
            "resource": resource(number % RESOURCES),
            "type": "cpu",
            "date": f"{1000 + number // RESOURCES // 12:04}-{number // RESOURCES % 12 + 1:02}-02",
            "amount": str(amount),
        }
        for number in range(figures)
    ]


async def correct(connection: Connection, figures: int, amount: int) -> dict[str, float]:
    """Return the seconds of each step of a correction. Raises AssertionError unless all of it was applied."""
    steps = {}
    body: Any = {"title": "Load", "reason": "Measured", "items": items(figures, amount)}
    path = PATH
    for step in ("propose", "approve", "apply"):
        answer = await connection.ask("POST", path if step == "propose" else f"{path}{step}/", body)
        assert answer.status in (200, 201), answer.body[:500]
        steps[step], told = answer.seconds, orjson.loads(answer.body)
        path, body = f"{PATH}{told['uuid']}/", {}
    wrong = [item for item in told["items"] if item["usage_now"] != f"{amount}.00" or item["has_moved"]]
    assert not wrong, wrong[:3]
    return steps


async def rounds(here: Running, figures: int, count: int) -> list[str]:
    """Return what did not hold."""
    reporters, wrong = here.reporters(REPORTERS), list[str]()
    for number in range(count):
        tally = Tally()
        begun = asyncio.create_task(correct(here.connection(), figures, number + 1))
        while not begun.done():
            await asyncio.gather(*(each.run(time.monotonic() + 0.2, tally, 0.01) for each in reporters))
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in (await begun).items())
        click.echo(f"{figures} figures: {steps}; a report waits {tally.quantile(1):.2f} s at most")
        for each in reporters:
            await each.check(tally)
        wrong += tally.wrong
    return [*wrong, *here.verify()]


@click.command()
@click.option("--figures", default=10_000, show_default=True)
@click.option("--rounds", "count", default=4, show_default=True)
def main(figures: int, count: int) -> None:
    """Apply corrections to a service with two workers where one person may do both."""
    with running(LEDGER_FOUR_EYES="no") as here:
        wrong = asyncio.run(rounds(here, figures, count))
    conclude(wrong)


if __name__ == "__main__":
    main()
