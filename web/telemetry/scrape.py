"""What a scrape tells: what the workers and their server keep in a folder, and what the database says."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import psycopg
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ledger.journal.ledger import Ledger
from projections.fast.position import SharedPosition
from projections.queries.operation.state import State, select_state
from web.telemetry.families import LAST_REPORT, LAST_REPORT_HELP
from web.telemetry.folder import RESPAWNS, forget_dead

STATEMENT_TIMEOUT = "SET statement_timeout = '2s'"
"""For each statement of a scrape. Prometheus gives up after ten seconds."""

log = logging.getLogger(__name__)


class Scrape(Collector):
    """Collects all families. Always tells what the processes know, whether or not the database answers."""

    def __init__(self, folder: Path, ledger: Ledger, shared_position: SharedPosition) -> None:
        self._folder, self._ledger, self._shared_position = folder, ledger, shared_position
        self._counted = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        living, state = forget_dead(self._folder), self._state()
        counted: dict[str, Metric] = {each.name: each for each in self._counted.collect()}  # type: ignore[no-untyped-call]
        noted = counted.pop(LAST_REPORT, None)
        yield from counted.values()
        yield _gauge("ledger_workers", "Worker processes that count.", living)
        yield _respawns(self._folder)
        yield _build_info()
        yield _gauge("ledger_database_up", "Whether the database answered this scrape.", state is not None)
        yield from self._positions(state)
        yield _last_reports(noted, state)
        if state:
            yield from _of_operation(state)

    def _state(self) -> State | None:
        if self._ledger.reachability.is_away:
            return None
        try:
            with self._ledger.connect() as connection, connection.cursor() as cursor:
                cursor.execute(STATEMENT_TIMEOUT)
                return select_state(cursor)
        except psycopg.Error as error:
            log.warning("A scrape got no answer from the database: %s", type(error).__name__)
            return None

    def _positions(self, state: State | None) -> Iterator[Metric]:
        position = state.head if state else self._shared_position.known().end.position
        yield _gauge("ledger_position", "Position of the last fact, as far as it is known.", position)
        if state:
            lag = state.head - state.position
            yield _gauge("ledger_projection_lag", "Positions that the read models are behind.", lag)
        behind = self._shared_position.lag
        yield GaugeMetricFamily("ledger_replica_lag_seconds", "How far a replica is behind.", value=behind)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _respawns(folder: Path) -> Metric:
    """Return how many workers the server has replaced: it writes that down once it has replaced one."""
    counted = 0
    with suppress(OSError, ValueError):  # there is none, or it is being written
        counted = int((folder / RESPAWNS).read_text())
    return CounterMetricFamily(
        "ledger_worker_respawns",
        "Workers that were replaced: they had died or stood still.",
        value=counted,
    )


def _build_info() -> Metric:
    family = GaugeMetricFamily("ledger_build_info", "Always 1.", labels=["version"])
    family.add_metric([version("usage-ledger")], 1)
    return family


def _last_reports(noted: Metric | None, state: State | None) -> Metric:
    """Return the later one of what the workers noted and what the database knows at the least."""
    times = {each.labels["provider"]: each.value for each in (noted.samples if noted else ())}
    for provider, moment in (state.reported_at if state else {}).items():
        times[provider.hex] = max(times.get(provider.hex, 0.0), moment.timestamp())
    family = GaugeMetricFamily(LAST_REPORT, LAST_REPORT_HELP, labels=["provider"])
    for name, seconds in sorted(times.items()):
        family.add_metric([name], seconds)
    return family


def _of_operation(state: State) -> Iterator[Metric]:
    if state.verified:
        at, differences = state.verified
        yield _gauge(
            "ledger_last_verification_timestamp_seconds", "When a verification last ended.", at.timestamp()
        )
        yield _gauge(
            "ledger_last_verification_differences",
            "Rows that differed in the last verification.",
            differences,
        )
    if state.signed_at:
        yield _gauge(
            "ledger_last_checkpoint_timestamp_seconds",
            "When the last checkpoint was signed.",
            state.signed_at.timestamp(),
        )
    if state.backed_up_at:
        yield _gauge(
            "ledger_last_backup_timestamp_seconds",
            "When the last backup was taken.",
            state.backed_up_at.timestamp(),
        )
