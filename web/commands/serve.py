"""`usage-ledger serve`: the API in the foreground."""

import logging
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from functools import partial

import click

from ledger.errors import SigningRefused
from ledger.journal.roles import standing
from projections.fast.position import SharedPosition
from web.commands import demo
from web.commands.audit import keys
from web.limits.admission import Bounds
from web.request.services import Services
from web.runtime import server
from web.runtime.config import Settings
from web.runtime.database import check_exists, open_database, open_ledger, projector_of, services_of
from web.runtime.postgres.care import kept_running
from web.runtime.watch import check_traces
from web.telemetry import logs
from web.telemetry.folder import metrics_folder

log = logging.getLogger(__name__)


def address(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; an IPv6 host is in brackets."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise click.BadParameter(f"{value!r} is not HOST:PORT.")
    return host.strip("[]"), int(port)


@click.command("serve")
@click.option("--bind", callback=address, default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--no-demo", is_flag=True, help="Leave an empty ledger empty, and print no demo token.")
@click.option(
    "--read-only",
    "is_read_only",
    is_flag=True,
    help="Answer reads, refuse all writes and make nothing: on a standby, or any other ledger.",
)
def serve_command(bind: tuple[str, int], workers: int, no_demo: bool, is_read_only: bool) -> None:
    """Serve the API in the foreground until SIGTERM or Ctrl-C.

    An empty ledger gets a small demo catalogue, unless told otherwise.
    """
    settings = replace(Settings.from_environment(), is_read_only=is_read_only)
    if is_read_only:
        check_exists(settings)
    check_traces(settings)
    host, port = bind
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    shared_position = SharedPosition(workers + 1)
    with (
        logs.configured(logs.form_of(settings.log)),
        server.bound(host, port) as holder,
        open_database(settings) as conninfo,
    ):
        greeting = None
        if not is_read_only:
            with closing(open_ledger(conninfo, settings)) as ledger:
                services = services_of(ledger, projector_of(ledger, shared_position), settings)
                greeting = prepare(services, settings, None if no_demo else url)

        def when_ready() -> None:
            told = ", read-only" if is_read_only else ""
            click.echo(f"usage-ledger serves {url}{told} (Ctrl-C stops it)\n")
            if greeting:
                click.echo(greeting)

        with (
            nullcontext() if settings.database_url else kept_running(settings.data_dir, conninfo),
            metrics_folder() if settings.has_metrics else nullcontext() as metrics,
        ):
            load = partial(server.application, conninfo, settings, shared_position, metrics=metrics)
            bounds = Bounds(settings.places, settings.queue, settings.queue_seconds)
            server.serve(load, holder, workers, when_ready, metrics, bounds)


def prepare(services: Services, settings: Settings, url_of_demo: str | None) -> str | None:
    """Bring a ledger up to date, with a demo catalogue if it is empty and with a key if it is embedded.

    Returns the greeting of the demo, None without a URL for it.
    """
    services.projector.catch_up()
    if url_of_demo:
        demo.load_if_empty(services)
    if settings.database_url is None:
        keys.create_if_missing(services)
    else:
        with services.reading() as cursor:
            if told := standing(cursor.connection):
                log.warning("%s `usage-ledger database grants` makes another role", told)
        _tell_of_signing(services, settings)
    return demo.greeting(services, url_of_demo) if url_of_demo else None


def _tell_of_signing(services: Services, settings: Settings) -> None:
    """Log why nothing will be signed, for instance as the name of the key's file is misspelt."""
    with suppress(SigningRefused):  # which was logged
        services.signing.check()
        if not settings.signing_key.exists():
            log.info("Nothing is signed: no key is in %s; `key create` makes one", settings.signing_key)
