"""How what other servers store is seen without anybody's asking, by a thread that nothing ends."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import DictRow

from tests.support.waiting import wait_until
from tests.world import World, open_world
from web.runtime import listener as watching
from web.runtime.listener import PositionListener

END_LISTENING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@contextmanager
def listening(world: World, watch: PositionListener) -> Iterator[None]:
    """Somebody listens; ended by an administrator, as everybody's connections are."""
    with ThreadPoolExecutor(1) as pool:
        listener = pool.submit(watch.listen)
        try:
            wait_until(lambda: world.projector.shared_position.is_live)
            yield
        finally:
            with psycopg.connect(world.conninfo, autocommit=True) as connection:
                connection.execute(END_LISTENING)
        with pytest.raises(psycopg.OperationalError):
            listener.result()


def never() -> None:
    raise AssertionError("there is nothing to mend")


def test_what_another_server_stores_is_put_on_the_board(world: World, world_url: str) -> None:
    shared = world.projector.shared_position
    with (
        open_world(world_url) as other,
        listening(world, PositionListener(world.ledger, world.projector, never)),
    ):
        other.report(usages=[{"type": "cpu", "amount": "10"}])
        head = other.ledger.facts_after(0, 1_000_000)[-1][0]
        wait_until(lambda: shared.known().end.position == head)
        assert shared.known().end == other.projector.shared_position.known().end


class Failing(PositionListener):
    """Fails in ways that nobody thought of, and then listens."""

    def __init__(self, world: World) -> None:
        super().__init__(world.ledger, world.projector, never)
        self.failures = [SystemExit(3), MemoryError("no more"), OSError(35, "Resource deadlock avoided")]
        self.listens = Event()

    def _beat(self, connection: Connection[DictRow]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.listens.set()
        time.sleep(60)


def test_the_thread_that_watches_goes_on_whatever_happens_and_counts_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "BEAT_SECONDS", 0.01)
    watch = Failing(world)
    with caplog.at_level(logging.WARNING):
        watch.start()
        assert watch.listens.wait(timeout=30)
    told = [message for message in caplog.messages if "Not listening" in message]
    assert told == [
        "Not listening to the database, failure 1: SystemExit: 3",
        "Not listening to the database, failure 2: MemoryError: no more",
        "Not listening to the database, failure 3: OSError: [Errno 35] Resource deadlock avoided",
    ]
