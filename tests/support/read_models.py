"""Read models that notice, or refuse, the facts that they are given."""

from collections.abc import Collection, Sequence

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.people import Person
from ledger.events import Fact
from projections.fast.cache import VersionedCache
from projections.fast.position import KnownPosition
from projections.lookups.decision_state import PostgresReadModels
from projections.writers.read_model import ReadModel
from tests.world import World

CREATE_WITNESS = """
CREATE TABLE read_models.witness (
    position bigint PRIMARY KEY, seen_at bigint GENERATED ALWAYS AS IDENTITY)"""


def note(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]]) -> None:
    cursor.executemany(
        "INSERT INTO read_models.witness (position) VALUES (%s)", [(position,) for position, _ in facts]
    )


WITNESS = ReadModel(handles=(Fact,), project=note, writes=("witness",))
"""A read model that notes every fact it is given; the primary key refuses one that comes twice."""


class Dying(PostgresReadModels):
    """The read side of a process that ends between appending and projecting."""

    def __init__(self, world: World) -> None:
        super().__init__(world.projector, VersionedCache())
        self.project = self.die
        self.recover = self.end

    def die(self, cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], digest: int) -> KnownPosition:
        raise RuntimeError("dying")

    def end(self, position: int) -> None:
        pass


def append(world: World, facts: list[Fact], people: Collection[Person] = ()) -> None:
    """Append facts as a process does that ends before it can project them."""
    with world.ledger.transaction() as transaction:
        transaction.append(facts, people)
