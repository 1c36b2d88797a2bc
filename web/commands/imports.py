"""`usage-ledger import`: a catalogue and its usages from a file, or out of a live Waldur."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import click

from web.commands.report import ask_for_token, print_waiting, service_url
from web.importer.importer import NOT_READ, Summary, import_lists
from web.importer.reading import StructureError, read_lists
from web.importer.waldur.pull import Pull
from web.importer.waldur.source import OnPage, PullGaveUp, Waldur
from web.runtime.config import api_token, is_proxied
from web.runtime.database import open_services
from web.runtime.variables import WALDUR_TOKEN


def waldur_url(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the URL of a Waldur, without `/api` at its end."""
    return value and service_url(context, parameter, value).removesuffix("/api")


@click.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Refuse a file with lists or keys that are not read.")
@click.option(
    "--from-waldur", metavar="URL", callback=waldur_url, help="Import out of a live Waldur instead."
)
@click.option("--watch", metavar="MINUTES", type=click.FloatRange(0.01), help="Go on pulling so often.")
def import_command(file: Path | None, strict: bool, from_waldur: str | None, watch: float | None) -> None:
    """Import a catalogue and its usages from FILE, in Waldur's structure format (JSON, or YAML: .yaml, .yml).

    The whole file is checked before anything is stored. Only what the ledger does not know yet is
    stored; a usage that is there already is kept as it is. Lists and keys that are not read are named on
    standard error. May run while the service runs, and again.

    With --from-waldur catalogue and usages are read from a Waldur, with the token LEDGER_WALDUR_TOKEN of
    somebody who is staff or support there; only GETs are sent. The catalogue is checked and stored as a
    whole, then every month. When it breaks off, run it again: it compares, and goes on. --watch keeps the
    catalogue in step, and brings usages that are new there. The exit code is 1 if something could not be
    imported; what that is, and what Waldur does not give, is named at the end.
    """
    if (file is None) == (from_waldur is None):
        raise click.UsageError("Either FILE or --from-waldur names what to import.")
    if from_waldur is None:
        if watch:
            raise click.UsageError("--watch goes with --from-waldur.")
        assert file
        import_file(file, is_strict=strict)
        return
    if strict:
        raise click.UsageError("--strict is for files: much of a Waldur is not read.")
    token = api_token(variable=WALDUR_TOKEN) or ask_for_token(WALDUR_TOKEN)
    with open_waldur(from_waldur, token) as waldur:
        pull = Pull(waldur, partial(open_services, may_create=True), partial(click.echo, err=True))
        is_complete = pull_once(pull)
        while watch:
            time.sleep(60 * watch)
            try:
                pull_once(pull)
            except (PullGaveUp, StructureError) as error:  # it may be back, or mended, the next time
                click.echo(f"{error} Trying again in {watch:g} min.", err=True)
    sys.exit(0 if is_complete else 1)


def import_file(file: Path, *, is_strict: bool) -> None:
    """Import a file and print what came of it. Raises StructureError, OSError."""
    lists, unread = read_lists(file)
    total = sum(len(raws) for raws in lists.values())
    try:
        if unread and is_strict:
            raise StructureError(NOT_READ)
        with (
            open_services(may_create=True) as services,
            click.progressbar(length=2 * total, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar,
        ):

            def progress(name: str, done: int) -> None:
                bar.label = f"{name:<28}"
                bar.update(done)

            summary = import_lists(lists, services, progress, unread.append, is_strict=is_strict)
    finally:  # also of a file that is refused: what is not read may be why
        for line in unread:
            click.echo(line, err=True)
    print_summary(summary, total)


@contextmanager
def open_waldur(url: str, token: str) -> Iterator[Waldur]:
    """Yield a Waldur whose lists are shown on a terminal while they are read. Raises PullFailed."""
    waldur = Waldur(url, token, is_proxied=is_proxied(url), on_waiting=print_waiting, on_page=shown_pages())
    with closing(waldur):
        yield waldur


def shown_pages() -> OnPage:
    """Return what shows how far a list is read: on a terminal, on a line of its own that is written over."""
    if not sys.stderr.isatty():
        return lambda _name, _read, _total: None
    return lambda name, read, total: click.echo(f"{name:<28}{read:11,} of {total:,}\r", err=True, nl=False)


def pull_once(pull: Pull) -> bool:
    """Pull, print what came of it, and return whether everything had its place."""
    pulled = pull.run()
    for line in pulled.notes.lines():
        click.echo(line, err=True)
    print_summary(pulled.summary, pulled.total)
    return not pulled.notes.left_out


def print_summary(summary: Summary, total: int) -> None:
    """Print a line for each list that has objects, and how many of all were stored."""
    for name, counted in summary.items():
        if counted:
            words = [word for word in ("new", "changed", "unchanged", "kept", "closed") if counted[word]]
            click.echo(f"{name}: {', '.join(f'{counted[word]} {word}' for word in words)}")
    stored = sum(counted["new"] + counted["changed"] for counted in summary.values())
    click.echo(f"{stored} of {total} objects were stored.")
