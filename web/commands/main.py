"""The command `usage-ledger`."""

import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import orjson

from ledger.domain.reports import LastUsage
from ledger.errors import Contended, StreamGap
from projections.fast.position import Board
from projections.projector import ProjectingFailed
from projections.rebuild import AlreadyRebuilding, Rebuild
from web import utc_now
from web.commands import demo, tokens
from web.commands.carry_over import MonthError, carry_into, plan_of
from web.commands.report import report_file
from web.importer.importer import import_lists
from web.importer.reading import StructureError, read_lists
from web.request.services import Services
from web.runtime import server
from web.runtime.config import (
    ConfigurationError,
    Settings,
    check_there,
    open_database,
    open_ledger,
    projector_of,
)
from web.runtime.postgres.care import kept_running
from web.runtime.postgres.embedded import EmbeddedPostgresError
from web.sender.client import SendingFailed
from web.sender.lines import UnreadableFile
from web.wire.errors import DATABASE_IS_AWAY
from web.wire.fields import uuid_of

FACTS_AT_A_TIME = 5_000

EXPECTED = (
    ConfigurationError,
    EmbeddedPostgresError,
    StructureError,
    ProjectingFailed,
    AlreadyRebuilding,
    MonthError,
    SendingFailed,
    UnreadableFile,
    tokens.TokenError,
    *DATABASE_IS_AWAY,
)
"""What can go wrong without being a fault of the program: told in one line."""


NEVER_CARRIED = (
    "Nothing was ever carried over here, so this is done for {:%Y-%m} alone; where earlier months were"
    " missed, name them with --month, one after the other, and begin with the first."
)


class WrongUsage(click.ClickException):
    """The command was called in a wrong way."""

    exit_code = 2


@contextmanager
def told_in_one_line() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "usage-ledger"
        raise WrongUsage(f"{error.format_message()} `{command} --help` says more.") from error
    except Contended as error:
        raise click.ClickException("Reports come in too fast; run it again to finish it.") from error
    except StreamGap as error:
        raise click.ClickException("The read models do not follow from the journal; start again.") from error
    except OSError as error:
        about = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise click.ClickException(about) from error
    except EXPECTED as error:
        raise click.ClickException(" ".join(str(error).split())) from error


class Group(click.Group):
    """Tells errors in one line, where click prints the usage before them."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with told_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, context: click.Context) -> object:
        with told_in_one_line():
            return super().invoke(context)


def address(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; an IPv6 host is in brackets."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise click.BadParameter(f"{value!r} is not HOST:PORT.")
    return host.strip("[]"), int(port)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="usage-ledger")
def main() -> None:
    """An event-sourced usage ledger on the wire format of Waldur's marketplace usage API.

    Environment: LEDGER_DATABASE_URL names a PostgreSQL 15 or later (unset: an embedded one is started),
    LEDGER_DATA_DIR where the embedded one keeps its files, LEDGER_TIME_ZONE the zone that months are
    counted in (default UTC), LEDGER_MAX_BODY_BYTES the size of the largest request body. LEDGER_TOKEN is
    the API token that `report` uses.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else it tells of every request
    # Unwinds, so that an embedded database is not left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


main.add_command(report_file)


@contextmanager
def opened(*, may_create: bool = False) -> Iterator[Services]:
    """The ledger that the environment names.

    Raises ConfigurationError if it would be a new one, unless it may be: what is wanted is somewhere else.
    """
    settings = Settings.from_environment()
    if not may_create:
        check_there(settings)
    with open_database(settings) as conninfo, open_ledger(conninfo, settings) as ledger:
        yield Services(ledger, projector_of(ledger), utc_now)


@main.command()
@click.option("--bind", callback=address, default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--no-demo", is_flag=True, help="Leave an empty ledger empty, and print no demo token.")
def serve(bind: tuple[str, int], workers: int, no_demo: bool) -> None:
    """Serve the API in the foreground until SIGTERM or Ctrl-C.

    An empty ledger gets a small demo catalogue, unless told otherwise.
    """
    settings = Settings.from_environment()
    host, port = bind
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    board = Board(workers + 1)
    with server.bound(host, port) as holder, open_database(settings) as conninfo:
        with open_ledger(conninfo, settings) as ledger:
            services = Services(ledger, projector_of(ledger, board), utc_now)
            services.projector.catch_up()
            if not no_demo:
                demo.load_if_empty(services)
            greeting = None if no_demo else demo.greeting(services, url)

        def when_ready() -> None:
            click.echo(f"usage-ledger serves {url} (Ctrl-C stops it)\n")
            if greeting:
                click.echo(greeting)

        with nullcontext() if settings.database_url else kept_running(settings.data_dir, conninfo):
            server.serve(partial(server.application, conninfo, settings, board), holder, workers, when_ready)


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Import a catalogue and its usages from FILE, in Waldur's structure format (JSON).

    The whole file is checked before anything is stored. Only what the ledger does not know yet is
    stored; a usage that is there already is kept as it is. Lists and keys that are not read are named on
    standard error. May run while the service runs, and again.
    """
    lists, unread = read_lists(file)
    total = sum(len(raws) for raws in lists.values())
    try:
        with (
            opened(may_create=True) as services,
            click.progressbar(length=2 * total, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar,
        ):

            def progress(name: str, done: int) -> None:
                bar.label = f"{name:<28}"
                bar.update(done)

            summary = import_lists(lists, services, progress, unread.append)
    finally:  # also of a file that is refused: what is not read may be why
        for line in unread:
            click.echo(line, err=True)
    for name, counted in summary.items():
        if counted:
            parts = [
                f"{counted[word]} {word}" for word in ("new", "changed", "unchanged", "kept") if counted[word]
            ]
            click.echo(f"{name}: {', '.join(parts)}")
    stored = sum(counted["new"] + counted["changed"] for counted in summary.values())
    click.echo(f"{stored} of {total} objects were stored.")


@main.command("carry-over")
@click.option("--month", metavar="YYYY-MM", help="Default: all since the last time, to the current one.")
@click.option("--dry-run", is_flag=True, help="Only show what would be carried over.")
def carry_over(month: str | None, dry_run: bool) -> None:
    """Carry usages with a missing-usage policy over into months that have no report of them.

    `reuse` repeats the amount of the month before, `zero` sets it to zero. A report that is there is
    never touched, so it may be run at any time and again; run it on the first of every month. Months in
    which it was not run are made up for, from the last one on that anything was carried over into.
    """

    def tell(name: str, usage: LastUsage) -> None:
        policy, component = usage.missing_usage_policy, usage.site.component_type
        amount = usage.amount if policy == "reuse" else 0
        click.echo(f"{usage.site.resource_uuid.hex}  {component}  {amount}  ({policy}, {name})")

    would = "would be" if dry_run else "were"
    with opened() as services:
        plan = plan_of(month, services)
        if plan.is_first:
            click.echo(NEVER_CARRIED.format(plan.months[0]), err=True)
        for number, into in enumerate(plan.months, start=1):
            carried = carry_into(into, services, tell, dry_run=dry_run)
            click.echo(f"{carried} usages {would} carried over into {into:%Y-%m}.")
            if dry_run and carried and number < len(plan.months):
                click.echo("They are not stored, so what would follow from them later is not shown.")


@main.command()
@click.option("--accept", is_flag=True, help="Take the rebuilt rows even where they differ.")
def rebuild(accept: bool) -> None:
    """Make every read model anew from the journal, while the service runs.

    The rebuilt rows are compared with the live ones at one position of the journal and take their place.
    Where they differ the live ones stay, unless told otherwise, and the differences are shown.
    """
    start = time.monotonic()
    with opened() as services:
        head = services.projector.catch_up()
        with click.progressbar(length=head, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            facts = 0

            def progress(done: int, _head: int) -> None:
                nonlocal facts
                facts += done
                bar.label = f"{facts / (time.monotonic() - start):9,.0f} facts/s"
                bar.update(done)

            rebuilding = Rebuild(services.ledger.pool, services.ledger.facts_after, progress=progress)
            rebuilt = rebuilding.run(accept=accept)
    for each in rebuilt.differences:
        click.echo(
            f"{each.table}: {each.only_live} rows only live, {each.only_rebuilt} only rebuilt, such as"
        )
        click.echo(f"  live     {each.live_example}\n  rebuilt  {each.rebuilt_example}")
    if not rebuilt.is_live:
        raise click.ClickException("The rebuilt read models differ, the live ones stay; --accept takes them.")
    if rebuilt.forgotten:
        click.echo(f"Names left out, of people removed from journal.person: {rebuilt.forgotten}.")
    click.echo(f"{facts} facts were projected in {time.monotonic() - start:.1f} s; the result is live.")


@main.command()
@click.option("--after", type=click.IntRange(0), default=0, metavar="POSITION", help="Only later facts.")
def facts(after: int) -> None:
    """Print the journal as it is stored: one JSON object a line, in the order of positions."""
    with opened() as services:
        while stored := services.ledger.stored_after(after, FACTS_AT_A_TIME):
            for each in stored:
                about = {
                    "position": each.id,
                    "stream": UUID(str(each.originator_id)).hex,
                    "topic": each.topic,
                }
                fact = about | {"version": each.originator_version, "state": orjson.Fragment(each.state)}
                click.echo(orjson.dumps(fact))
            after = stored[-1].id


@main.group(cls=Group)
def token() -> None:
    """Create, list and revoke API tokens."""


@token.command("create")
@click.argument("username")
@click.option("--expires", type=click.IntRange(1, 36_500), metavar="DAYS", help="Default: never.")
def create_token(username: str, expires: int | None) -> None:
    """Issue a token to USERNAME and print it. It is shown only now: the ledger keeps its hash."""
    with opened() as services:
        click.echo(tokens.create(services, tokens.user_named(services, username), expires))


@token.command("list")
def list_tokens() -> None:
    """List all tokens: id, issued (UTC), expires, state, username."""
    with opened() as services:
        now = services.clock()
        listed = tokens.listed(services)
        if not listed:
            click.echo("No token was ever issued here.", err=True)
        for each in listed:
            expires = each["expires_at"]
            state = "revoked" if each["revoked_at"] else "expired" if expires and expires <= now else "valid"
            until = f"{expires:%Y-%m-%d %H:%M}" if expires else "never"
            issued = f"{each['issued_at']:%Y-%m-%d %H:%M}"
            click.echo(
                f"{each['token_uuid'].hex}  {issued}  {until:<16}  {state:<7}  {each['username'] or '-'}"
            )


@token.command("revoke")
@click.argument("token_id")
def revoke_token(token_id: str) -> None:
    """End the token with TOKEN_ID, the first column of `token list`."""
    uuid: UUID | None = uuid_of(token_id)
    if uuid is None:
        raise tokens.TokenError(f"{token_id!r} is no token id; `usage-ledger token list` shows them")
    with opened() as services:
        tokens.revoke(services, uuid)
