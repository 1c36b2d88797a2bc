"""`usage-ledger rebuild` and `usage-ledger facts`: the read models made anew, and the journal as it is."""

import sys
import time
from uuid import UUID

import click
import orjson

from projections.rebuild import Rebuild
from web.runtime.database import open_services

FACTS_AT_A_TIME = 5_000


@click.command("rebuild")
@click.option("--accept", is_flag=True, help="Take the rebuilt rows even where they differ.")
def rebuild_command(accept: bool) -> None:
    """Make every read model anew from the journal, while the service runs.

    The rebuilt rows are compared with the live ones at one position of the journal and take their place.
    Where they differ the live ones stay, unless told otherwise, and the differences are shown.
    """
    start = time.monotonic()
    with open_services() as services:
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


@click.command("facts")
@click.option("--after", type=click.IntRange(0), default=0, metavar="POSITION", help="Only later facts.")
def facts_command(after: int) -> None:
    """Print the journal as it is stored: one JSON object a line, in the order of positions."""
    with open_services(only_reads=True) as services:
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
