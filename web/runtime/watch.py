"""What watches a worker from around its application, as the settings say: nothing is loaded that is off."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from ledger.journal.ledger import Ledger
from projections.fast.position import SharedPosition
from web.limits.admission import Places
from web.runtime.config import ConfigurationError, Settings, set_metrics_folder
from web.runtime.variables import OTEL
from web.telemetry.logs import RequestLog, form_of
from web.telemetry.requests import Observed, Sink
from web.telemetry.uses import Uses

if TYPE_CHECKING:
    from web.telemetry.measuring import Measuring


OF_TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def check_traces(settings: Settings) -> None:
    """Raise ConfigurationError where traces are wanted, and what sends them is not installed."""
    if settings.has_traces and not all(map(_is_installed, OF_TRACES)):
        raise ConfigurationError(
            f"{OTEL.name}: traces need `pip install 'usage-ledger[otel]'`; {OTEL.name}=no goes without"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class Watch:
    """The log of a worker's requests, and its metrics and traces where there are any."""

    def __init__(self, settings: Settings, metrics: Path | None) -> None:
        self._settings, self._folder = settings, metrics
        self.meter = _meter(metrics) if metrics else None

    def around(self, app: Flask, ledger: Ledger, shared_position: SharedPosition, places: Places) -> Flask:
        """Return the application with all that watches it around it."""
        lines = RequestLog(form_of(self._settings.log))
        lines.start()
        sinks: list[Sink] = [lines.answered]
        if not self._settings.is_read_only:
            uses = Uses(ledger)
            uses.start()
            sinks.append(uses.answered)
        if self.meter and self._folder:
            from web.telemetry.endpoint import MetricsEndpoint
            from web.telemetry.scrape import Scrape

            self.meter.keep_measuring(ledger, places)
            scrape = Scrape(self._folder, ledger, shared_position)
            app.wsgi_app = MetricsEndpoint(app.wsgi_app, scrape, self._settings.metrics_token)  # type: ignore[method-assign]
            sinks.append(self.meter.answered)
        if self._settings.has_traces:
            from web.telemetry.tracing import Tracing

            sinks.append(Tracing().answered)
        app.wsgi_app = Observed(app.wsgi_app, app.url_map, sinks)  # type: ignore[method-assign]
        return app


def _meter(folder: Path) -> "Measuring":
    set_metrics_folder(folder)
    from web.telemetry.measuring import Measuring  # takes a while, and most services have no metrics

    return Measuring(folder)
