"""Opens the database that the settings name: complete, and with read models that follow from its journal."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import DictRow, dict_row

from ledger.errors import JournalIncomplete
from ledger.journal.guard import LOCK_CREATION
from ledger.journal.ledger import Ledger
from ledger.journal.recorder import SCHEMA as JOURNAL
from ledger.journal.tree.keys import KeyFile
from projections.fast.position import SharedPosition
from projections.projector import Projector
from projections.read_position import SELECT_TABLES, position_without_journal
from projections.rebuild import Rebuild
from projections.schema import SCHEMA as READ_MODELS
from projections.schema import create_read_models, reason_to_rebuild
from web import utc_now
from web.backup.records import ensure_backups
from web.dashboard.sessions import ensure_sessions
from web.request.services import Services
from web.runtime.config import ConfigurationError, Settings
from web.runtime.postgres.embedded import embedded_postgres
from web.telemetry.uses import ensure_uses

OLDEST_POSTGRES = 15

# Of the statements that come again and again the planning takes longer than the rest: they are planned once.
OPTIONS = (
    f"-c timezone=UTC -c search_path={READ_MODELS},{JOURNAL} -c jit=off -c plan_cache_mode=force_generic_plan"
)

READ_ONLY = (
    "LEDGER_DATABASE_URL: the database is read-only, as a standby is: `serve --read-only` and commands that"
    " only read work with it, all others with the primary"
)

MAY_ONLY_READ = (
    "LEDGER_DATABASE_URL: its role may append nothing to the journal: `serve --read-only` and commands that"
    " only read work with it"
)

SELECT_REFUSALS = """
SELECT current_setting('transaction_read_only') = 'on' AS is_read_only,
    has_any_column_privilege(to_regclass('journal.ledger_events'), 'INSERT') AS may_append"""

log = logging.getLogger(__name__)


@contextmanager
def open_services(
    *, may_create: bool = False, may_rebuild: bool = True, only_reads: bool = False
) -> Iterator[Services]:
    """Yield the ledger that the environment names, with its read models, for a command.

    Raises ConfigurationError, also where there is no embedded database yet, unless `may_create`: the ledger
    that is wanted is somewhere else then. `may_rebuild=False` leaves read models as they are. A command that
    `only_reads` works on a standby, too; for all others a read-only database is an error.
    """
    settings = Settings.from_environment()
    if not may_create:
        check_exists(settings)
    if only_reads:
        settings = replace(settings, is_read_only=_is_read_only(settings))
    with (
        open_database(settings, may_rebuild=may_rebuild) as conninfo,
        closing(open_ledger(conninfo, settings)) as ledger,
    ):
        yield services_of(ledger, projector_of(ledger), settings)


def services_of(ledger: Ledger, projector: Projector, settings: Settings) -> Services:
    """Return what commands work with."""
    return Services(
        ledger,
        projector,
        utc_now,
        origin=settings.origin,
        key_file=KeyFile(settings.signing_key),
        checkpoint_seconds=settings.checkpoint_seconds,
    )


def check_exists(settings: Settings) -> None:
    """Raise ConfigurationError where an embedded database is meant, and there is none."""
    if settings.database_url is None and not os.path.lexists(settings.data_dir / "postgres"):
        raise ConfigurationError(
            f"LEDGER_DATA_DIR: there is no ledger in {settings.data_dir}; `serve` and `import` make one"
        )


@contextmanager
def open_database(settings: Settings, *, may_rebuild: bool = True) -> Iterator[str]:
    """Yield the conninfo of a database with all tables of the ledger in it.

    Raises ConfigurationError or EmbeddedPostgresError in one line for people.
    """
    with database_url(settings) as url:
        yield prepare_database(url, settings, may_rebuild=may_rebuild)


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """Yield the URL of the database as it is; an embedded one is started. Raises EmbeddedPostgresError."""
    if settings.database_url is None:
        with embedded_postgres(settings.data_dir) as url:
            yield url
    else:
        yield settings.database_url


def prepare_database(url: str, settings: Settings, *, may_rebuild: bool = True) -> str:
    """Create what is missing in the database at `url`; return the conninfo to open the ledger with.

    Raises ConfigurationError.
    """
    conninfo = conninfo_of(url)
    ensure_schemas(conninfo, settings, may_rebuild=may_rebuild)
    return conninfo


def conninfo_of(url: str) -> str:
    """Return the conninfo with which the ledger at a URL is opened. Raises ConfigurationError."""
    try:
        given = conninfo_to_dict(url).get("options")
        return make_conninfo(url, options=f"{given or ''} {OPTIONS}".strip())
    except psycopg.Error as error:
        raise _unusable(error) from error


def ensure_schemas(conninfo: str, settings: Settings, *, may_rebuild: bool = True) -> None:
    """Create what is missing in the database, and rebuild read models that do not follow from its journal.

    For every start, and for a database that was found to have another history. Raises ConfigurationError, for
    whoever is read-only also where anything is missing.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            check_suitable(connection)
            if settings.is_read_only:
                _check_complete(connection, is_followed=may_rebuild)
                return
            if refusal := _refusal(connection):
                raise ConfigurationError(refusal)
            connection.execute(LOCK_CREATION)
            if position := position_without_journal(connection):
                raise ConfigurationError(
                    f"LEDGER_DATABASE_URL: the journal is gone, and the read models are at {position}:"
                    f" restore the schema {JOURNAL}, or drop the schema {READ_MODELS} to begin anew"
                )
            with closing(open_ledger(conninfo, settings, create=True)) as ledger:
                create_read_models(connection)
                ensure_sessions(connection)
                ensure_backups(connection)
                ensure_uses(connection)
                if may_rebuild and (reason := reason_to_rebuild(connection)):
                    log.warning("The read models %s: rebuilding them", reason)
                    Rebuild(ledger.pool, ledger.facts_after).run(compare=False)
    except (psycopg.Error, PersistenceError, JournalIncomplete) as error:
        raise _unusable(error) from error


def ensure_journal_alone(url: str, settings: Settings) -> None:
    """Create what the journal lacks in the database at `url`, and nothing else. Raises ConfigurationError.

    Whoever owns the journal runs nothing of what the service may have made: no name is looked for there.
    """
    try:
        conninfo = make_conninfo(url, options=f"-c timezone=UTC -c search_path={JOURNAL}")
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            check_suitable(connection)
            if refusal := _refusal(connection):
                raise ConfigurationError(refusal)
            connection.execute(LOCK_CREATION)
            open_ledger(conninfo, settings, create=True).close()
    except (psycopg.Error, PersistenceError, JournalIncomplete) as error:
        raise _unusable(error) from error


def check_suitable(connection: Connection[DictRow]) -> None:
    """Raise ConfigurationError for a database that no ledger can be in."""
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        raise ConfigurationError(f"LEDGER_DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or later is needed")
    if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
        raise ConfigurationError(f"LEDGER_DATABASE_URL: a database in UTF8 is needed, not {encoding}")


def _is_read_only(settings: Settings) -> bool:
    """Return whether the settings' database is only read, by this role or all. Raises ConfigurationError."""
    if settings.database_url is None:
        return False
    try:
        with psycopg.connect(settings.database_url, autocommit=True, row_factory=dict_row) as connection:
            return _refusal(connection) is not None
    except psycopg.Error as error:
        raise _unusable(error) from error


def _refusal(connection: Connection[DictRow]) -> str | None:
    """Return why nothing can be written here, None if it can, or if there is no journal yet."""
    row = connection.execute(SELECT_REFUSALS).fetchone()
    if row is None or row["is_read_only"]:
        return READ_ONLY
    return MAY_ONLY_READ if row["may_append"] is False else None


def _check_complete(connection: Connection[DictRow], *, is_followed: bool) -> None:
    """Raise ConfigurationError unless there is a ledger that can be read as it is."""
    tables = connection.execute(SELECT_TABLES).fetchone()
    if not tables or not all(tables.values()):
        raise ConfigurationError("LEDGER_DATABASE_URL: there is no ledger here, and none is made read-only")
    if is_followed and (reason := reason_to_rebuild(connection)):
        raise ConfigurationError(
            f"LEDGER_DATABASE_URL: the read models {reason}, and read-only they are not rebuilt: start this"
            " version of usage-ledger on the primary first"
        )


def _unusable(error: Exception) -> ConfigurationError:
    reason = " ".join(str(error).split())
    if isinstance(error, InsufficientPrivilege) or isinstance(error.__cause__, InsufficientPrivilege):
        reason += (
            "; where the journal is of another version, its owner runs `usage-ledger database migrate` first,"
            " and a superuser what `usage-ledger database grants` prints"
        )
    return ConfigurationError(f"LEDGER_DATABASE_URL: the database can't be used: {reason}")


def open_ledger(
    conninfo: str,
    settings: Settings,
    *,
    connections: int = 10,
    longest_use: float | None = None,
    create: bool = False,
    statement_seconds: float | None = None,
) -> Ledger:
    """Return the ledger on a prepared database, to be closed by the caller."""
    return Ledger(
        conninfo,
        zone=settings.zone,
        entropy=secrets.token_bytes,
        connections=connections,
        longest_use=longest_use,
        create=create,
        is_read_only=settings.is_read_only,
        lock_seconds=settings.lock_seconds,
        statement_seconds=statement_seconds,
    )


def projector_of(ledger: Ledger, shared_position: SharedPosition | None = None) -> Projector:
    """Return the projector of a ledger; those of several processes share their position."""
    return Projector(
        ledger.pool,
        ledger.facts_after,
        shared_position=shared_position,
        is_read_only=ledger.is_read_only,
    )
