"""A real PostgreSQL for every test: each gets a fresh database with all tables of the ledger in it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from web.config import Settings, prepared
from web.embedded_postgres import embedded_postgres

TEMPLATE = f"usage_ledger_test_{os.getpid()}"


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
            yield url
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Name of a database with empty tables, which PostgreSQL copies in a few milliseconds."""
    execute(server, "CREATE DATABASE {}", TEMPLATE)
    prepared(make_conninfo(server, dbname=TEMPLATE), settings_of(server))
    yield TEMPLATE
    execute(server, "DROP DATABASE {} WITH (FORCE)", TEMPLATE)


numbers = count(1)


@pytest.fixture
def database_url(server: str, template: str) -> Iterator[str]:
    """URL of an empty ledger's database."""
    name = f"{template}_{next(numbers)}"
    execute(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    yield make_conninfo(server, dbname=name)
    execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def execute(server: str, statement: str, *names: str) -> None:
    identifiers = [sql.Identifier(name) for name in names]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*identifiers))  # type: ignore[arg-type]


def settings_of(url: str, zone: str = "UTC") -> Settings:
    return Settings.from_environment({"LEDGER_DATABASE_URL": url, "LEDGER_TIME_ZONE": zone})
