"""The only reader of the environment, and what is opened by it.

| variable | meaning | default |
|---|---|---|
| LEDGER_DATABASE_URL | any PostgreSQL >= 15, as a libpq URL | an embedded one |
| LEDGER_DATA_DIR | where the embedded PostgreSQL keeps its files | ~/.local/share/usage-ledger |
| LEDGER_TIME_ZONE | IANA name; the month of reports that don't say theirs | UTC |
| LEDGER_MAX_BODY_BYTES | larger request bodies are answered with 413 | 5242880 |
| LEDGER_TOKEN | the API token that `usage-ledger report` reports with | is asked for |
"""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from ledger.application import Ledger
from ledger.journal import LOCK_CREATION
from ledger.journal import SCHEMA as JOURNAL
from projections.board import Board
from projections.projector import SCHEMA as READ_MODELS
from projections.projector import Projector, are_outdated, create_read_models
from projections.rebuild import Rebuild
from web import MAX_BODY_BYTES
from web.embedded_postgres import embedded_postgres

OLDEST_POSTGRES = 15

# Of the statements that come again and again the planning takes longer than the rest: they are planned once.
OPTIONS = (
    f"-c timezone=UTC -c search_path={READ_MODELS},{JOURNAL} -c jit=off -c plan_cache_mode=force_generic_plan"
)

log = logging.getLogger(__name__)


class ConfigurationError(Exception):
    """A setting can't be used. The message names it."""


@dataclass(frozen=True)
class Settings:
    """What an operator can set."""

    database_url: str | None
    data_dir: Path
    zone: ZoneInfo
    max_body_bytes: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ConfigurationError, naming the variable. An empty value counts as unset."""
        data_dir = environment.get("LEDGER_DATA_DIR") or "~/.local/share/usage-ledger"
        try:
            zone = ZoneInfo(environment.get("LEDGER_TIME_ZONE") or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(
                f"LEDGER_TIME_ZONE: {environment['LEDGER_TIME_ZONE']!r} is no time zone like Europe/Tallinn"
            ) from None
        limit = environment.get("LEDGER_MAX_BODY_BYTES") or str(MAX_BODY_BYTES)
        if not limit.isdecimal() or int(limit) == 0:
            raise ConfigurationError(f"LEDGER_MAX_BODY_BYTES: {limit!r} is no number of bytes")
        return cls(
            database_url=environment.get("LEDGER_DATABASE_URL") or None,
            data_dir=Path(data_dir).expanduser().absolute(),
            zone=zone,
            max_body_bytes=int(limit),
        )


def api_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """The token of a client of the API. Raises ConfigurationError; the token is not in the message."""
    token = environment.get("LEDGER_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigurationError("LEDGER_TOKEN: has characters that no API token has")
    return token or None


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """Yields the conninfo of a database with all tables of the ledger in it.

    Raises ConfigurationError or EmbeddedPostgresError in one line for people.
    """
    if settings.database_url is None:
        with embedded_postgres(settings.data_dir) as url:
            yield prepared(url, settings)
    else:
        yield prepared(settings.database_url, settings)


def prepared(url: str, settings: Settings) -> str:
    """Makes the tables where they are missing. Returns the conninfo that the ledger is opened with."""
    try:
        given = conninfo_to_dict(url).get("options")
        options = f"{given or ''} {OPTIONS}"
        conninfo = make_conninfo(url, options=options.strip())
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            if connection.info.server_version < OLDEST_POSTGRES * 10_000:
                raise ConfigurationError(
                    f"LEDGER_DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or later is needed"
                )
            connection.execute(LOCK_CREATION)
            with open_ledger(conninfo, settings, create=True) as ledger:
                create_read_models(connection)
                if are_outdated(connection):
                    log.warning("The read models were built by another version: rebuilding them")
                    Rebuild(ledger.pool, ledger.facts_after).run(compare=False)
    except (psycopg.Error, PersistenceError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"LEDGER_DATABASE_URL: the database can't be used: {reason}") from error
    return conninfo


@contextmanager
def open_ledger(
    conninfo: str, settings: Settings, *, connections: int = 10, create: bool = False
) -> Iterator[Ledger]:
    """The ledger on a prepared database."""
    ledger = Ledger(
        conninfo,
        zone=settings.zone,
        entropy=secrets.token_bytes,
        connections=connections,
        create=create,
    )
    try:
        yield ledger
    finally:
        ledger.close()


def projector_of(ledger: Ledger, board: Board | None = None) -> Projector:
    return Projector(ledger.pool, ledger.facts_after, board=board)
