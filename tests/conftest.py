"""A real PostgreSQL for every test: each gets a fresh database with all tables of the ledger in it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests import world
from web.config import prepared
from web.embedded_postgres import embedded_postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of the server that the tests make their databases on."""
    if url := os.environ.get("LEDGER_DATABASE_URL"):
        yield url
        return
    directory = Path(tempfile.mkdtemp(prefix="usage-ledger-"))
    directory.chmod(0o755)
    try:
        with embedded_postgres(directory) as url:
            # Hundreds of databases are made here, and none has to survive a power cut.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                execute(url, f"ALTER SYSTEM SET {setting} = off")
            execute(url, "SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(directory)


numbers = count(1)


@contextmanager
def database(server: str, template: str | None = None) -> Iterator[str]:
    """URL of a new database, copied from another one if told so, which takes PostgreSQL a moment only."""
    name = f"usage_ledger_test_{os.getpid()}_{next(numbers)}"
    execute(
        server, "CREATE DATABASE {}" + (" TEMPLATE {}" if template else ""), name, *filter(None, [template])
    )
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def empty_template(server: str) -> Iterator[str]:
    with database(server) as url:
        prepared(url, world.settings_of(url))
        yield name_of(url)


@pytest.fixture
def database_url(server: str, empty_template: str) -> Iterator[str]:
    """URL of an empty ledger's database."""
    with database(server, empty_template) as url:
        yield url


@pytest.fixture(scope="session")
def world_template(server: str, empty_template: str) -> Iterator[str]:
    with database(server, empty_template) as url:
        with world.open_world(url) as here:
            here.describe(**world.CATALOGUE)
        yield name_of(url)


@pytest.fixture
def world_database(server: str, world_template: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes databases with the catalogue of `tests/world.py`, for tests that need many."""
    return lambda: database(server, world_template)


@pytest.fixture
def world_url(server: str, world_template: str) -> Iterator[str]:
    """URL of a database with the catalogue of `tests/world.py`."""
    with database(server, world_template) as url:
        yield url


@pytest.fixture(name="world")
def open_world(world_url: str) -> Iterator["world.World"]:
    """The world of `tests/world.py`, new for every test."""
    with world.open_world(world_url) as here:
        yield here


def execute(server: str, statement: LiteralString, *names: str) -> None:
    identifiers = [sql.Identifier(name) for name in names]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*identifiers))
