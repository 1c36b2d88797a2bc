"""What every row works with: the sets, the rounds, and where servers and clients keep their files."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from tests.benchmarks import serving
from tests.benchmarks.load import Plan, Played, play
from tests.benchmarks.serving import Served
from tests.benchmarks.sets import Sets

Side = Callable[[float], Played]
"""One side of a comparison: plays for so many seconds."""


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
