"""`usage-ledger database`: where the database is."""

import click

from web.commands.errors import Group
from web.runtime.config import Settings
from web.runtime.database import check_exists
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
