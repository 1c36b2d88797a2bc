"""What every row works with: the sets, the rounds, and where servers and clients keep their files."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from tests.benchmarks import serving
from tests.benchmarks.load import Plan, play
from tests.benchmarks.measure import Series, Side, alternate
from tests.benchmarks.serving import Served
from tests.benchmarks.sets import Sets

CALM = 4
"""How often in a row nothing may be seen under way before the next side has its turn."""

PATIENCE_SECONDS = 30


class Bench(Struct, frozen=True):
    sets: Sets
    folder: Path
    rounds: int
    seconds: float
    tell: Callable[[str], None]

    def ledger(self, database_url: str) -> AbstractContextManager[Served]:
        return serving.ledger(database_url, self.folder / "ledger.log")

    @contextmanager
    def ledger_and_floor(self, database_url: str) -> Iterator[tuple[Served, Served]]:
        """The ledger on a set, and the floors beside it."""
        floor = serving.floor(self.sets.floors, self.folder / "floors.log")
        with self.ledger(database_url) as served, floor as bare:
            yield served, bare

    def side(self, served: Served, plan: Plan) -> Side:
        return partial(play, self.folder / "calls", served.url, plan)

    def compare(self, sides: Mapping[str, Side], *, per_call: int = 1, longer: int = 1) -> dict[str, Series]:
        """The figures of some sides that took turns, `longer` by so many times where a call takes long."""
        return alternate(self.rounds, longer * self.seconds, sides, self.settle, per_call)

    def settle(self) -> None:
        """Waits until no statement of a server is under way, nor about to be."""
        calm, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        while calm < CALM and time.monotonic() < deadline:
            time.sleep(0.05)
            calm = 0 if self.sets.is_busy() else calm + 1
