"""What a worker counts and measures, in the folder that it shares with others."""

import time
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from uuid import UUID

from prometheus_client import Counter, Gauge, Histogram, values

from ledger.errors import Overdue
from ledger.handler import NotProjected
from ledger.journal.ledger import Ledger
from web.limits.admission import Places
from web.telemetry.families import POOLS, Families
from web.telemetry.folder import take_place
from web.telemetry.requests import Answered

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEASURE_SECONDS = 1.0
"""How often the present is measured: pools and queues."""

RESULTS = ("accepted", "refused", "unchanged")
REASONS = ("faster_writer", "overdue", "projection_failed")


class Measuring:
    """Counts what happens in this process. Every method takes microseconds: each request goes through some.

    The children of families are kept, as looking one up takes as long as counting does.
    """

    def __init__(self, folder: Path) -> None:
        place = take_place(folder)
        values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
        self._families = Families()
        self._requests: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._providers: dict[UUID, Gauge] = {}
        self._results = {name: self._families.reports.labels(name) for name in RESULTS}
        self._reasons = {name: self._families.retries.labels(name) for name in REASONS}

    def answered(self, request: Answered, _environ: "WSGIEnvironment") -> None:
        """Count a request, and its time."""
        key = request.method, request.route, request.status
        if (children := self._requests.get(key)) is None:
            children = self._requests[key] = (
                self._families.requests.labels(*key),
                self._families.request_seconds.labels(request.method, request.route),
            )
        counter, histogram = children
        counter.inc()
        histogram.observe(request.seconds)

    def reported(self, accepted: int, refused: int, unchanged: int, providers: Iterable[UUID]) -> None:
        """Count reports by what came of them, and note when these providers reported."""
        for name, count in zip(RESULTS, (accepted, refused, unchanged), strict=True):
            if count:
                self._results[name].inc(count)
        now = time.time()
        for provider in providers:
            if (gauge := self._providers.get(provider)) is None:
                gauge = self._providers[provider] = self._families.last_report.labels(provider.hex)
            gauge.set(now)

    def grouped(self, commands: int) -> None:
        """Note that so many commands are handled together."""
        self._families.group_size.observe(commands)

    def appended(self, facts: int, appending: float, projecting: float) -> None:
        """Count facts, and note the seconds that they took."""
        self._families.facts.inc(facts)
        self._families.append_seconds.observe(appending)
        self._families.projection_seconds.observe(projecting)

    def retried(self, error: Exception) -> None:
        """Count another attempt by its reason."""
        index = 1 if isinstance(error, Overdue) else 2 if isinstance(error, NotProjected) else 0
        self._reasons[REASONS[index]].inc()

    def keep_measuring(self, ledger: Ledger, places: Places) -> None:
        """Measure pools and queues once in a while, in a thread of its own."""
        Thread(target=self._measure_for_ever, args=(ledger, places), daemon=True, name="measuring").start()

    def _measure_for_ever(self, ledger: Ledger, places: Places) -> None:
        while True:
            self.measure(ledger, places)
            time.sleep(MEASURE_SECONDS)

    def measure(self, ledger: Ledger, places: Places) -> None:
        """Measure pools and queues."""
        families = self._families
        for name, pool in zip(POOLS, (ledger.journal.datastore.pool, ledger.pool), strict=True):
            stats = pool.get_stats()
            families.pool_size.labels(name).set(stats.get("pool_size", 0))
            families.pool_available.labels(name).set(stats.get("pool_available", 0))
            families.pool_waiting.labels(name).set(stats.get("requests_waiting", 0))
        families.places.set(places.used)
        families.queue.set(places.queue.used)
        families.bodies.set(places.readers.used)
