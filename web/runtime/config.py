"""The only reader of the environment, and what is opened by it.

| variable | meaning | default |
|---|---|---|
| LEDGER_DATABASE_URL | any PostgreSQL >= 15, as a libpq URL | an embedded one |
| LEDGER_DATA_DIR | where the embedded PostgreSQL keeps its files | ~/.local/share/usage-ledger |
| LEDGER_TIME_ZONE | IANA name; the month of reports that don't say theirs, and the current one | UTC |
| LEDGER_MAX_BODY_BYTES | larger request bodies are answered with 413 | 5242880 |
| LEDGER_TOKEN | the API token that `usage-ledger report` reports with | is asked for |

`usage-ledger report` goes by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as its HTTP library does.
"""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from ledger.errors import JournalIncomplete
from ledger.journal.guard import LOCK_CREATION
from ledger.journal.ledger import Ledger
from ledger.journal.recorder import SCHEMA as JOURNAL
from projections.fast.position import Board
from projections.projector import SCHEMA as READ_MODELS
from projections.projector import (
    Projector,
    create_read_models,
    position_without_journal,
    reason_to_rebuild,
)
from projections.rebuild import Rebuild
from web import MAX_BODY_BYTES
from web.runtime.postgres.embedded import embedded_postgres

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


def is_proxied(url: str) -> bool:
    """Whether the environment leads to this URL through a proxy."""
    parts = urlsplit(url)
    through = {parts.scheme, "all"} & getproxies().keys()
    return bool(through) and not proxy_bypass(parts.netloc)


def check_there(settings: Settings) -> None:
    """Raises ConfigurationError if there is no embedded database, where one would be used."""
    if settings.database_url is None and not os.path.lexists(settings.data_dir / "postgres"):
        raise ConfigurationError(
            f"LEDGER_DATA_DIR: there is no ledger in {settings.data_dir}; `serve` and `import` make one"
        )


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
    """The conninfo that the ledger at a URL is opened with, with all tables in its database."""
    try:
        given = conninfo_to_dict(url).get("options")
        conninfo = make_conninfo(url, options=f"{given or ''} {OPTIONS}".strip())
    except psycopg.Error as error:
        raise unusable(error) from error
    prepare(conninfo, settings)
    return conninfo


def prepare(conninfo: str, settings: Settings) -> None:
    """Makes what is missing in the database, and rebuilds read models that do not follow from its journal.

    At every start, and where the database was found to have another history. Raises ConfigurationError.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            if connection.info.server_version < OLDEST_POSTGRES * 10_000:
                raise ConfigurationError(
                    f"LEDGER_DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or later is needed"
                )
            if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
                raise ConfigurationError(f"LEDGER_DATABASE_URL: a database in UTF8 is needed, not {encoding}")
            connection.execute(LOCK_CREATION)
            if position := position_without_journal(connection):
                raise ConfigurationError(
                    f"LEDGER_DATABASE_URL: the journal is gone, and the read models are at {position}:"
                    f" restore the schema {JOURNAL}, or drop the schema {READ_MODELS} to begin anew"
                )
            with open_ledger(conninfo, settings, create=True) as ledger:
                create_read_models(connection)
                if reason := reason_to_rebuild(connection):
                    log.warning("The read models %s: rebuilding them", reason)
                    Rebuild(ledger.pool, ledger.facts_after).run(compare=False)
    except (psycopg.Error, PersistenceError, JournalIncomplete) as error:
        raise unusable(error) from error


def unusable(error: Exception) -> ConfigurationError:
    reason = " ".join(str(error).split())
    return ConfigurationError(f"LEDGER_DATABASE_URL: the database can't be used: {reason}")


@contextmanager
def open_ledger(
    conninfo: str,
    settings: Settings,
    *,
    connections: int = 10,
    longest_use: float | None = None,
    create: bool = False,
) -> Iterator[Ledger]:
    """The ledger on a prepared database."""
    ledger = Ledger(
        conninfo,
        zone=settings.zone,
        entropy=secrets.token_bytes,
        connections=connections,
        longest_use=longest_use,
        create=create,
    )
    try:
        yield ledger
    finally:
        ledger.close()


def projector_of(ledger: Ledger, board: Board | None = None) -> Projector:
    return Projector(ledger.pool, ledger.facts_after, board=board)
