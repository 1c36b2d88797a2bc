"""The shared position and the cache, whoever goes on when: nothing is seen half written, or too old."""

from collections.abc import Callable
from functools import partial

import pytest

from projections.fast import cache as caches
from projections.fast import position as positions
from projections.fast.cache import VersionedCache
from projections.fast.position import End, KnownPosition, SharedPosition
from tests.schedules.scheduler import Scheduler, SteppedLock

FILES = ("projections/fast/position.py", "projections/fast/cache.py", "tests/schedules/test_positions.py")
SCHEDULES = 120


def stepped(seed: int, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """Return a scheduler whose locks the position and the cache have."""
    scheduler = Scheduler(seed, FILES, (0.3, 0.6, 0.9)[seed % 3])
    lock = type("Lock", (SteppedLock,), {"scheduler": scheduler})
    monkeypatch.setattr(positions, "Lock", lock)
    monkeypatch.setattr(caches, "Lock", lock)
    return scheduler


def at(generation: int, position: int) -> KnownPosition:
    """Return a position all of whose numbers follow from one."""
    return KnownPosition(generation, End(position, position * 7), position * 3, position * 5)


def write(shared: SharedPosition, first: int) -> None:
    """Advance, not always in order, and have one writer find that the database went back."""
    for position in (first, first + 2, first + 1):
        shared.advance(at(0, position))
    if first == 5:
        shared.advance(at(shared.forget(0), 1))


def read(shared: SharedPosition) -> None:
    """Look again and again, and never see less than before."""
    seen = KnownPosition()
    for _ in range(3):
        known = shared.known()
        assert known == at(known.generation, known.end.position), known
        assert known >= seen, (known, seen)
        seen = known


def test_a_position_is_seen_as_it_was_written_and_only_advances(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(SCHEDULES):
        scheduler = stepped(seed, monkeypatch)
        shared = SharedPosition()

        scheduler.add("writer", partial(write, shared, 1))
        scheduler.add("other writer", partial(write, shared, 5))
        scheduler.add("reader", partial(read, shared))
        scheduler.add("other reader", partial(read, shared))
        scheduler.run()
        assert shared.known() == at(1, 1), "of the generation before nothing is left"


def test_what_is_kept_is_never_older_than_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(SCHEDULES):
        scheduler = stepped(seed, monkeypatch)
        cache, database = VersionedCache(most=2), {"version": 1}

        scheduler.add("reader", partial(look, cache, database, 3))
        scheduler.add("other reader", partial(look, cache, database, 4))
        scheduler.add("writer", partial(change, database))
        scheduler.run()
        look(cache, database, 3)


def look(cache: VersionedCache, database: dict[str, int], times: int) -> None:
    """Ask the cache for what is to be at least as new as the database was before."""
    for number in range(times):
        known = database["version"]
        found = cache.get_many((known,), ["a", "b", "c"][: number % 3 + 1], reader(database))
        assert all(version >= known for version in found.values()), (found, known)


def change(database: dict[str, int]) -> None:
    """Describe something anew, three times."""
    for _ in range(3):
        database["version"] += 1


def reader(database: dict[str, int]) -> Callable[[list[str]], dict[str, int]]:
    def read(keys: list[str]) -> dict[str, int]:
        version = database["version"]
        return dict.fromkeys(keys, version)

    return read
