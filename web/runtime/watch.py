"""What watches a worker from around its application, as the settings say: nothing is loaded that is off."""

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from ledger.journal.ledger import Ledger
from projections.fast.position import SharedPosition
from web.limits.admission import Places
from web.runtime.config import Settings, set_metrics_folder
from web.telemetry.requests import Observed, Sink

if TYPE_CHECKING:
    from web.telemetry.measuring import Measuring


class Watch:
    """The metrics of a worker, kept in a folder where there are any."""

    def __init__(self, settings: Settings, metrics: Path | None) -> None:
        self._settings, self._folder = settings, metrics
        self.meter = _meter(metrics) if metrics else None

    def around(self, app: Flask, ledger: Ledger, shared_position: SharedPosition, places: Places) -> Flask:
        """Return the application with all that watches it around it."""
        sinks: list[Sink] = []
        if self.meter and self._folder:
            from web.telemetry.endpoint import MetricsEndpoint
            from web.telemetry.scrape import Scrape

            self.meter.keep_measuring(ledger, places)
            scrape = Scrape(self._folder, ledger, shared_position)
            app.wsgi_app = MetricsEndpoint(app.wsgi_app, scrape, self._settings.metrics_token)  # type: ignore[method-assign]
            sinks.append(self.meter.answered)
        if sinks:
            app.wsgi_app = Observed(app.wsgi_app, app.url_map, sinks)  # type: ignore[method-assign]
        return app


def _meter(folder: Path) -> "Measuring":
    set_metrics_folder(folder)
    from web.telemetry.measuring import Measuring  # takes a while, and most services have no metrics

    return Measuring(folder)
