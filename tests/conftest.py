"""A real PostgreSQL for every test: each gets a fresh database with all tables of the ledger in it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import OperationalError, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.journal.ledger import Ledger
from tests import world
from tests.support.clients import client as client
from tests.support.clients import url as url
from tests.support.command import environment as environment
from tests.support.memory import memory
from tests.support.rules import KeptRule
from tests.support.wire import wire as wire
from web import Application
from web.runtime.database import open_ledger, prepare_database, projector_of
from web.runtime.postgres.embedded import embedded_postgres

Application.url_rule_class = KeptRule


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run whole folders in two processes, and files or tests that somebody chose in this one."""
    return 0 if all(".py" in each for each in config.args) else 2


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of the server that the tests make their databases on."""
    if url := os.environ.get("LEDGER_DATABASE_URL"):
        yield url
        return
    directory = Path(tempfile.mkdtemp(prefix="usage-ledger-", dir=memory()))
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
    if template:
        execute(server, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
    else:
        execute(server, "CREATE DATABASE {}", name)
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def empty_template(server: str) -> Iterator[str]:
    with database(server) as url:
        prepare_database(url, world.settings_of(url))
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
            here.issue_tokens()
        execute(url, KEEP_COPIES)
        yield name_of(url)


# What a test may leave behind is taken back from the copies that the template has of its tables. Tests that
# change tables themselves are told by the number of columns and checks. Each table is copied without those
# that inherit from it, which are copied themselves.
KEEP_COPIES = """
CREATE SCHEMA kept;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'read_models' LOOP
        EXECUTE format('CREATE TABLE kept.%1$I AS SELECT * FROM ONLY read_models.%1$I', name);
    END LOOP;
    CREATE TABLE kept.people AS TABLE journal.person;
    FOREACH name IN ARRAY '{tree_tile,tree_tail,checkpoint}'::text[] LOOP
        EXECUTE format('CREATE TABLE kept.%1$I AS TABLE journal.%1$I', name);
    END LOOP;
    CREATE TABLE kept.journal AS SELECT max(notification_id) AS last FROM journal.ledger_events;
END $$"""

TAKE_BACK = """
DO $$ DECLARE name text; BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);  -- no row goes to the past
    ALTER TABLE journal.ledger_events DISABLE TRIGGER append_only;
    DELETE FROM journal.ledger_events WHERE notification_id > (SELECT last FROM kept.journal);
    ALTER TABLE journal.ledger_events ENABLE ALWAYS TRIGGER append_only;
    FOREACH name IN ARRAY '{tree_tile,tree_tail,checkpoint}'::text[] LOOP
        EXECUTE format('ALTER TABLE journal.%I DISABLE TRIGGER USER', name);
        EXECUTE format('DELETE FROM journal.%I', name);
        EXECUTE format('INSERT INTO journal.%1$I SELECT * FROM kept.%1$I', name);
        EXECUTE format('ALTER TABLE journal.%1$I ENABLE ALWAYS TRIGGER %2$I', name,
            CASE WHEN name = 'tree_tail' THEN 'only_removal' ELSE 'append_only' END);
    END LOOP;
    DELETE FROM journal.person WHERE uuid NOT IN (SELECT uuid FROM kept.people);
    INSERT INTO journal.person SELECT * FROM kept.people ON CONFLICT DO NOTHING;
    DELETE FROM dashboard.session;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'read_models'
        AND tablename NOT LIKE '%\\_versions' LOOP
        EXECUTE format('DELETE FROM ONLY read_models.%1$I', name);
        EXECUTE format('INSERT INTO read_models.%1$I SELECT * FROM kept.%1$I', name);
    END LOOP;
    PERFORM setval('journal.ledger_events_notification_id_seq', (SELECT last FROM kept.journal));
END $$"""

SHAPE = """
SELECT string_agg(format('%s %s %s', relname, relnatts, relchecks), ' ' ORDER BY relname) FROM pg_class
WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^(journal|read_models)')"""


class Lent:
    """A database with the catalogue of `tests/world.py`, and a ledger that stays open on it."""

    def __init__(self, server: str, template: str) -> None:
        self._stack = ExitStack()
        self.url = self._stack.enter_context(database(server, template))
        self._ledger: Ledger | None = None
        self._cleaner: psycopg.Connection | None = None

    def world(self) -> world.World:
        """The world on this database. All of it is new but for the connections."""
        settings = world.settings_of(self.url)
        if self._ledger is None:
            self._conninfo = prepare_database(self.url, settings)
            self._ledger = self._stack.enter_context(closing(open_ledger(self._conninfo, settings)))
        else:
            self._ledger.check_connections()
        return world.World(self._conninfo, self._ledger, projector_of(self._ledger))

    def take_back(self, shape: object) -> bool:
        """Make the rows those of the template again, and return whether another test may have them."""
        if self._ledger and self._ledger.reachability.is_away:
            return False
        # A new connection would have to read all about the tables first, which takes longer than the rest.
        if self._cleaner is None:
            self._cleaner = self._stack.enter_context(psycopg.connect(self.url, autocommit=True))
        try:
            if self._cleaner.execute(SHAPE).fetchone() != shape:
                return False
            self._cleaner.execute(TAKE_BACK)
        except OperationalError:  # a test has ended all connections
            return False
        return True

    def close(self) -> None:
        self._stack.close()


class Worlds:
    """Databases with the catalogue of `tests/world.py`. Making one takes longer than most tests do, so one
    serves many, and what a test leaves behind is taken back."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        with psycopg.connect(make_conninfo(server, dbname=template)) as connection:
            self._shape = connection.execute(SHAPE).fetchone()
        self._spare: Lent | None = None

    @contextmanager
    def lend(self) -> Iterator[Lent]:
        lent, self._spare = self._spare or Lent(self._server, self._template), None
        yield lent
        if lent.take_back(self._shape):
            self._spare = lent
        else:
            lent.close()

    def close(self) -> None:
        if self._spare:
            self._spare.close()


@pytest.fixture(scope="session")
def worlds(server: str, world_template: str) -> Iterator[Worlds]:
    worlds = Worlds(server, world_template)
    yield worlds
    worlds.close()


@pytest.fixture
def world_database(server: str, world_template: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes databases with the catalogue of `tests/world.py`, for tests that need many."""
    return lambda: database(server, world_template)


@pytest.fixture
def lent(worlds: Worlds) -> Iterator[Lent]:
    with worlds.lend() as lent:
        yield lent


@pytest.fixture
def world_url(lent: Lent) -> str:
    """URL of a database with the catalogue of `tests/world.py`."""
    return lent.url


@pytest.fixture(name="world")
def world_of_test(lent: Lent) -> "world.World":
    """The world of `tests/world.py`, new for every test."""
    return lent.world()


def execute(server: str, statement: LiteralString, *names: str) -> None:
    identifiers = [sql.Identifier(name) for name in names]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*identifiers) if names else statement)
