"""`usage-ledger database`: where the database is, who may do what in it, and its journal of this version."""

import click

from ledger.journal.roles import grants
from web.commands.errors import Group
from web.runtime.config import Settings
from web.runtime.database import check_exists, database_url, ensure_journal_alone
from web.runtime.postgres.embedded import running_url


@click.group("database", cls=Group)
def database_group() -> None:
    """Tell about the database, for PostgreSQL's own programs."""


@database_group.command("url")
def url_command() -> None:
    """Print the libpq URL of the database, for psql, pg_dump and others.

    That of the embedded PostgreSQL is good while the service or a command runs: it names a file with the
    password in it, and the port is another one after each start.
    """
    settings = Settings.from_environment()
    check_exists(settings)
    click.echo(settings.database_url or running_url(settings.data_dir))


@database_group.command("migrate")
def migrate_command() -> None:
    """Make what the journal of this version has, and nothing else: for the role that owns it.

    Where there is one role for all, `serve` and every other command do so by themselves.
    """
    settings = Settings.from_environment()
    with database_url(settings) as url:
        ensure_journal_alone(url, settings)
    click.echo("The journal is that of this version.")


@database_group.command("grants")
@click.option("--owner", required=True, metavar="ROLE", help="Makes the journal, and owns it.")
@click.option("--service", required=True, metavar="ROLE", help="Appends to it, and can change nothing there.")
def grants_command(owner: str, service: str) -> None:
    """Print the SQL that gives two roles their rights in the database, to be run by a superuser with psql.

    Roles that are missing are made, without a password. It can be run any number of times, and has to be
    after each `database migrate`.
    """
    if owner == service:
        raise click.UsageError("the owner and the service are two roles")
    click.echo(grants(owner, service).as_string())
