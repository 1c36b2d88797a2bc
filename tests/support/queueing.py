"""Reports that wait for their turn."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from ledger.decisions.state import DecisionState
from ledger.domain.metering import VersionedResources
from ledger.domain.reports import ReadableReport
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.lookups.decision_state import PostgresReadModels
from tests.world import (
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    Client,
    World,
)

LOCK_JOURNAL = "LOCK TABLE journal.ledger_events IN EXCLUSIVE MODE"


@contextmanager
def locked(world_url: str) -> Iterator[None]:
    """Nobody can append meanwhile, and whoever wants to waits."""
    with psycopg.connect(world_url) as connection:
        connection.execute(LOCK_JOURNAL)
        yield


def is_locked(world: World) -> bool:
    """Return whether somebody keeps others from appending."""
    with psycopg.connect(world.conninfo) as connection:
        return connection.execute(IS_LOCKED).fetchone() is not None


IS_LOCKED = """
SELECT 1 FROM pg_locks
WHERE relation = 'journal.ledger_events'::regclass AND mode = 'ExclusiveLock' AND granted"""


def be_patient(world: World, seconds: float) -> None:
    services = world.app.extensions["usage-ledger"]
    services.handler = CommandHandler(
        world.ledger, PostgresReadModels(world.projector, VersionedCache()), queue_seconds=seconds
    )


def await_waiting(world_url: str) -> None:
    """Until somebody waits for a lock."""
    deadline = time.monotonic() + 10
    with psycopg.connect(world_url, autocommit=True) as connection:
        while not connection.execute(WAITING).fetchone():
            assert time.monotonic() < deadline, "nobody waits"


WAITING = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""


REPORTS = "/api/ledger/reports/"


def of(resource: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {"resource": resource, "type": "cpu", "amount": amount, **more}


class Queue:
    """Requests that are sent while one stands still in the middle of its turn: they make one group."""

    def __init__(self, world: World, pool: ThreadPoolExecutor) -> None:
        self._commit = world.app.extensions["usage-ledger"].handler.singles
        self._pool = pool

    @property
    def is_stalled(self) -> bool:
        return bool(self._commit.is_stalled)

    def add(self, send: Callable[[], Any]) -> "Future[Any]":
        """Returns when the request waits for its turn."""
        before = self._commit.waiting
        future = self._pool.submit(send)
        while self._commit.waiting == before:
            assert not future.done(), future.result()
        return future


@contextmanager
def queue(world: World, world_url: str) -> Iterator[Queue]:
    first = world.as_("staff")
    with ThreadPoolExecutor(20) as pool, locked(world_url):
        pool.submit(first.post, REPORTS, [of(SECOND_RESOURCE, 1)])
        await_waiting(world_url)
        yield Queue(world, pool)


def report(client: Client, amount: Any, **more: Any) -> Callable[[], TestResponse]:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": amount}], **more}
    return lambda: client.post(f"{USAGES}set_usage/", body)


class Overtaken(PostgresReadModels):
    """While it has read and nothing is appended yet, somebody else is faster, once.

    `reads`: not before it has read so often. A dated report is looked at before its turn.
    """

    def __init__(self, world: World, others: Callable[[], object], reads: int = 1) -> None:
        super().__init__(world.projector, VersionedCache())
        self._others: list[Callable[[], object]] = [others, *[dict] * (reads - 1)]

    def read(
        self,
        cursor: Cursor[DictRow],
        reports: Sequence[tuple[ReadableReport, datetime]],
        zone: tzinfo,
        looked_up: Iterable[VersionedResources] = (),
    ) -> DecisionState:
        known = super().read(cursor, reports, zone, looked_up)
        if self._others:
            self._others.pop()()
        return known
