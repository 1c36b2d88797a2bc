"""`usage-ledger import`: a catalogue and its usages from a file."""

import sys
from pathlib import Path

import click

from web.importer.importer import NOT_READ, Summary, import_lists
from web.importer.reading import StructureError, read_lists
from web.runtime.database import open_services


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Refuse a file with lists or keys that are not read.")
def import_command(file: Path, strict: bool) -> None:
    """Import a catalogue and its usages from FILE, in Waldur's structure format (JSON, or YAML: .yaml, .yml).

    The whole file is checked before anything is stored. Only what the ledger does not know yet is
    stored; a usage that is there already is kept as it is. Lists and keys that are not read are named on
    standard error. May run while the service runs, and again.
    """
    lists, unread = read_lists(file)
    total = sum(len(raws) for raws in lists.values())
    try:
        if unread and strict:
            raise StructureError(NOT_READ)
        with (
            open_services(may_create=True) as services,
            click.progressbar(length=2 * total, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar,
        ):

            def progress(name: str, done: int) -> None:
                bar.label = f"{name:<28}"
                bar.update(done)

            summary = import_lists(lists, services, progress, unread.append, is_strict=strict)
    finally:  # also of a file that is refused: what is not read may be why
        for line in unread:
            click.echo(line, err=True)
    print_summary(summary, total)


def print_summary(summary: Summary, total: int) -> None:
    """Print a line for each list that has objects, and how many of all were stored."""
    for name, counted in summary.items():
        if counted:
            words = [word for word in ("new", "changed", "unchanged", "kept") if counted[word]]
            click.echo(f"{name}: {', '.join(f'{counted[word]} {word}' for word in words)}")
    stored = sum(counted["new"] + counted["changed"] for counted in summary.values())
    click.echo(f"{stored} of {total} objects were stored.")
