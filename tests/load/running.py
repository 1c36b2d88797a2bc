"""The service that is loaded, on a PostgreSQL of its own, and what has to hold when all is over."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson

from tests.load.clients import Connection, Reporter, Tally
from tests.load.watching import Taken, taken
from tests.support.command import COMMAND, Served, served
from tests.torture.clusters import Cluster
from tests.world import uid

RESOURCES = 100
CUSTOMER, PROJECT, CATEGORY, PROVIDER, OFFERING, CPU, PLAN = (uid(0xF00 + number) for number in range(7))

WELL_SECONDS = 1.0
"""How long a request takes at most where nothing is wrong."""

CALM_SECONDS = 10
"""How long it may take until all is well again."""


@dataclass
class Running:
    """A service with two workers, its database, and the token of staff."""

    served: Served
    url: str
    environment: dict[str, str]
    _reporters: list[Reporter] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.served.url.rpartition(":")[2])

    def connection(self) -> Connection:
        return Connection(self.port, self.served.demo_token)

    def reporters(self, count: int) -> list[Reporter]:
        """Return reporters each of whom has a figure of its own, always the same."""
        for number in range(len(self._reporters), count):
            figure = resource(number % RESOURCES), f"{2000 + number // RESOURCES}-01"
            self._reporters.append(Reporter(self.connection(), [figure]))
        return self._reporters[:count]

    def bulk_reporters(self, count: int) -> list[Reporter]:
        """Return reporters each of whom has 10,000 figures of its own, 100 of each resource."""
        months = [f"{1000 + number // 12:04}-{number % 12 + 1:02}" for number in range(100 * count)]
        return [
            Reporter(
                self.connection(),
                [(resource(number), month) for month in months[each::count] for number in range(RESOURCES)],
            )
            for each in range(count)
        ]

    def taken(self) -> Taken:
        return taken(self.served.process.pid, self.url)

    async def calm(self, tally: Tally) -> float:
        """Wait until a report and a list are answered at once, three times. Return after how many seconds."""
        began, (reporter, *_) = time.monotonic(), self.reporters(1)
        well, last = 0, ""
        while well < 3 and time.monotonic() - began < CALM_SECONDS:
            one = Tally()
            await reporter.run(time.monotonic(), one)
            connection = self.connection()
            for path in ("/readyz", "/api/marketplace-component-usages/?page_size=10"):
                one.add(await connection.ask("GET", path))
            connection.close()
            last = f"{dict(one.statuses)} within {max(one.seconds):.1f} s"
            is_well = set(one.statuses) <= {200, 201} and max(one.seconds) < WELL_SECONDS
            well = well + 1 if is_well else 0
        took = time.monotonic() - began
        if well < 3:
            tally.wrong.append(f"all was not well {took:.0f} s after: {last}")
        return took

    def verify(self) -> list[str]:
        """Return what `usage-ledger verify` finds, if anything."""
        done = subprocess.run(
            [COMMAND, "verify"], env=self.environment, capture_output=True, text=True, check=False
        )
        return [done.stdout + done.stderr] if done.returncode else []


def resource(number: int) -> str:
    return uid(0xA0000 + number)


def catalogue() -> dict[str, Any]:
    """Return an offering with a component, and its resources."""
    return {
        "customers": [{"uuid": CUSTOMER, "name": "Crowd"}],
        "projects": [{"uuid": PROJECT, "name": "Crowd", "customer_uuid": CUSTOMER}],
        "categories": [{"uuid": CATEGORY, "title": "Computing"}],
        "service_providers": [{"uuid": PROVIDER, "customer_uuid": CUSTOMER}],
        "offerings": [{"uuid": OFFERING, "name": "Crowd", "type": "Basic", "customer_uuid": CUSTOMER}],
        "offering_components": [{"uuid": CPU, "offering_uuid": OFFERING, "type": "cpu", "name": "CPU"}],
        "plans": [{"uuid": PLAN, "name": "Basic", "offering_uuid": OFFERING}],
        "resources": [
            {
                "uuid": resource(number),
                "name": f"Resource {number}",
                "offering_uuid": OFFERING,
                "project_uuid": PROJECT,
                "plan_uuid": PLAN,
                "created": "1000-01-01T00:00:00Z",
            }
            for number in range(RESOURCES)
        ],
    }


@contextmanager
def running(**variables: str) -> Iterator[Running]:
    """Start a PostgreSQL and the service on it, with the catalogue. It has these `variables` besides."""
    folder = Path(tempfile.mkdtemp(prefix="usage-ledger-load-"))
    folder.chmod(0o755)
    cluster = Cluster.new(folder)
    try:
        url = cluster.url()
        environment = {"LEDGER_DATABASE_URL": url, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
        environment |= {"LEDGER_METRICS": "open", **variables}
        (file := folder / "catalogue.json").write_bytes(orjson.dumps(catalogue()))
        with served(environment, "--workers", "2") as here:
            subprocess.run([COMMAND, "import", file], env=environment, check=True, capture_output=True)
            yield Running(here, url, environment)
    finally:
        cluster.stop()
        shutil.rmtree(folder)


async def check_shown(reporters: Sequence[Reporter], tally: Tally) -> None:
    """Look whether what was acknowledged is shown."""
    for first in range(0, len(reporters), 8):
        await asyncio.gather(*(each.check(tally) for each in reporters[first : first + 8]))


def conclude(wrong: Sequence[str]) -> None:
    """Raise ClickException where anything is wrong."""
    if wrong:
        raise click.ClickException("\n".join([f"{len(wrong)} things did not hold:", *wrong[:20]]))
