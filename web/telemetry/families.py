"""The families of metrics that workers keep. Their names and labels are stable: others watch them.

Those that are asked of the database at a scrape are in `scrape.py`; `web/operate/README.md` has all of them.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TRANSACTION_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
COMMANDS = (1, 2, 3, 4, 6, 8, 12, 16, 32)

LAST_REPORT = "ledger_last_report_timestamp_seconds"
LAST_REPORT_HELP = "When a provider last reported, changed or not."

POOLS = ("journal", "read_models")
"""The pools of connections of a worker."""


class Families:
    """The families of one process, to be made once its values are kept in a folder.

    Counters outlive a worker, gauges don't: of each family the values of all workers are added up.
    """

    def __init__(self) -> None:
        of = CollectorRegistry(auto_describe=False)
        self.requests = Counter(
            "ledger_requests_total", "Answered requests.", ["method", "route", "status"], registry=of
        )
        self.request_seconds = Histogram(
            "ledger_request_seconds",
            "Time of a request from when Python has it until its answer is made.",
            ["method", "route"],
            buckets=REQUEST_SECONDS,
            registry=of,
        )
        self.reports = Counter("ledger_reports_total", "Reports that were read.", ["result"], registry=of)
        self.last_report = Gauge(
            LAST_REPORT, LAST_REPORT_HELP, ["provider"], registry=of, multiprocess_mode="max"
        )
        self.group_size = Histogram(
            "ledger_group_size", "Commands decided and stored together.", buckets=COMMANDS, registry=of
        )
        self.append_seconds = Histogram(
            "ledger_append_seconds",
            "Time of appending facts, with the wait for the journal's lock.",
            buckets=TRANSACTION_SECONDS,
            registry=of,
        )
        self.projection_seconds = Histogram(
            "ledger_projection_seconds",
            "Time of projecting appended facts, with the commit of both.",
            buckets=TRANSACTION_SECONDS,
            registry=of,
        )
        self.facts = Counter("ledger_appended_facts_total", "Facts appended.", registry=of)
        self.retries = Counter(
            "ledger_append_retries_total", "Appends that were tried again.", ["reason"], registry=of
        )
        self.pool_size = _now("ledger_pool_size", "Open connections.", of, "pool")
        self.pool_available = _now("ledger_pool_available", "Open connections that nobody uses.", of, "pool")
        self.pool_waiting = _now("ledger_pool_waiting", "Threads that wait for a connection.", of, "pool")
        self.places = _now("ledger_admission_places_used", "Requests that are worked on.", of)
        self.queue = _now("ledger_admission_queue", "Requests that wait for a place.", of)
        self.bodies = _now("ledger_admission_bodies", "Requests whose bodies are waited for.", of)


def _now(name: str, meaning: str, registry: CollectorRegistry, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, registry=registry, multiprocess_mode="livesum")
