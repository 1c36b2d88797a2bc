"""The variables of the environment: one declaration of each, which the handbook and `--help` rest on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from web.runtime.parsing import (
    number_from,
    parse_bytes,
    parse_choice,
    parse_count,
    parse_currency,
    parse_folder,
    parse_log,
    parse_metrics,
    parse_origin,
    parse_origins,
    parse_poll,
    parse_seconds,
    parse_switch,
    parse_token,
    parse_url,
    parse_zone,
    seconds_from,
)

T_co = TypeVar("T_co", covariant=True)


class ConfigurationError(Exception):
    """A setting can't be used. The message is one line that names it."""


@dataclass(frozen=True)
class Variable(Generic[T_co]):
    """A variable of the environment. An empty value counts as unset."""

    name: str
    meaning: str
    parse: Callable[[str], T_co]
    """Return the value that a text means. Raises ValueError with a reason that follows the name."""
    default: str = ""
    """The text that an unset variable stands for."""
    if_unset: str = ""
    """The behaviour without the variable, in words, where no text can say it."""

    @property
    def shown_default(self) -> str:
        """Return the default as documentation shows it."""
        return self.default or self.if_unset

    def read(self, environment: Mapping[str, str]) -> T_co:
        """Return the value. Raises ConfigurationError."""
        try:
            return self.parse(environment.get(self.name) or self.default)
        except ValueError as error:
            raise ConfigurationError(f"{self.name}: {error}") from None


DATABASE_URL = Variable[str | None](
    "LEDGER_DATABASE_URL",
    "a PostgreSQL 15 or later, as a libpq URL; its role must be allowed to create schemas",
    lambda text: text or None,
    if_unset="an embedded one",
)
DATA_DIR = Variable(
    "LEDGER_DATA_DIR",
    "the folder in which the embedded PostgreSQL keeps its files",
    parse_folder,
    default="~/.local/share/usage-ledger",
)
TIME_ZONE = Variable(
    "LEDGER_TIME_ZONE",
    "IANA name of the zone that months are counted in; decides which month is the current one, and the month "
    "of reports that name none",
    parse_zone,
    default="UTC",
)
MAX_BODY_BYTES = Variable(
    "LEDGER_MAX_BODY_BYTES",
    "size of the largest request body in bytes; larger ones are answered with 413",
    parse_bytes,
    default=str(5 * 1024 * 1024),
)
PROXIES = Variable(
    "LEDGER_PROXIES",
    "how many proxies in front of the service are believed what they say in X-Forwarded-For, -Proto, -Host, "
    "-Port and -Prefix; they must drop X_Forwarded_For and the like, with underscores",
    parse_count,
    default="0",
)
CORS_ORIGINS = Variable[tuple[str, ...]](
    "LEDGER_CORS_ORIGINS",
    "the origins whose pages may call from a browser, with commas between them; `*` for any",
    parse_origins,
    if_unset="none",
)
STRICT = Variable(
    "LEDGER_STRICT",
    "`yes` refuses unknown parameters and keys of bodies, as a client does with `Prefer: handling=strict`",
    parse_switch,
    default="no",
)
NAME = Variable(
    "LEDGER_ORIGIN",
    "what this ledger is called where others keep its facts; it never changes once they do",
    parse_origin,
    if_unset="usage-ledger/ and its id",
)
FEED_WAITS = Variable(
    "LEDGER_FEED_WAITS",
    "how many readers of `/api/ledger/events/` may wait for facts in a worker; others are answered at once",
    parse_count,
    default="8",
)
SIGNING_KEY = Variable[Path | None](
    "LEDGER_SIGNING_KEY",
    "the file of the key that checkpoints are signed with, and beside it `….checkpoint`, the last of them",
    lambda text: parse_folder(text) if text else None,
    if_unset="signing-key in LEDGER_DATA_DIR",
)
CHECKPOINT_SECONDS = Variable(
    "LEDGER_CHECKPOINT_SECONDS",
    "how many seconds after a checkpoint another one is signed, once somebody asks for it",
    parse_seconds,
    default="1",
)
TOKEN = Variable(
    "LEDGER_TOKEN",
    "the API token that commands send to a running service",
    parse_token,
    if_unset="asked for at a terminal",
)
WALDUR_TOKEN = Variable(
    "LEDGER_WALDUR_TOKEN",
    "the API token of the Waldur that `usage-ledger import` reads out of",
    parse_token,
    if_unset="asked for at a terminal",
)

CURRENCY = Variable(
    "LEDGER_CURRENCY",
    "the currency of the plans' prices, for costs (ISO 4217; XXX is none)",
    parse_currency,
    default="XXX",
)

FOUR_EYES = Variable(
    "LEDGER_FOUR_EYES",
    "`no` has whoever proposed a correction approve it, too; otherwise a second person does",
    parse_switch,
    default="yes",
)

METRICS = Variable(
    "LEDGER_METRICS",
    "`open` has everybody read the metrics at `/metrics`, who can reach the service",
    parse_metrics,
    if_unset="none, but with LEDGER_METRICS_TOKEN",
)
METRICS_TOKEN = Variable(
    "LEDGER_METRICS_TOKEN",
    "who brings this as `Authorization: Bearer` reads the metrics at `/metrics`",
    parse_token,
    if_unset="none",
)
PRIMARY_URL = Variable[str | None](
    "LEDGER_PRIMARY_URL",
    "where `serve --read-only` sends those who want to write: the URL of a server that does",
    parse_url,
    if_unset="nowhere",
)
MAX_LAG_SECONDS = Variable(
    "LEDGER_MAX_LAG_SECONDS",
    "how many seconds `serve --read-only` may be behind its primary before `/readyz` is 503",
    parse_seconds,
    default="30",
)
POLL_SECONDS = Variable(
    "LEDGER_POLL_SECONDS",
    "how many seconds pass before `serve --read-only` looks for new facts again, from 0.01 to 10",
    parse_poll,
    default="0.1",
)

LOG = Variable(
    "LEDGER_LOG",
    "the form of the log of `serve`: `json` or `text`",
    parse_log,
    if_unset="text on a terminal, else json",
)
OTEL = Variable(
    "LEDGER_OTEL",
    "`yes` sends traces by OpenTelemetry, `no` does not even where its own variables say whereto",
    parse_choice,
    if_unset="as OTEL_EXPORTER_OTLP_ENDPOINT is set",
)

PLACES = Variable(
    "LEDGER_PLACES",
    "how many requests a worker works on at a time, from 1 to 64; it opens up to twice so many connections to"
    " the database, and a few more",
    number_from(1, 64),
    default="8",
)
QUEUE = Variable(
    "LEDGER_QUEUE",
    "how many requests wait for a place in a worker, up to 1000; others are told at once to come again",
    number_from(0, 1000),
    default="160",
)
QUEUE_SECONDS = Variable(
    "LEDGER_QUEUE_SECONDS",
    "how many seconds a request waits for a place, from 0.1 to 30",
    seconds_from(0.1, 30),
    default="10",
)
LOCK_SECONDS = Variable(
    "LEDGER_LOCK_SECONDS",
    "how many seconds a statement waits for a lock in the database, from 0.1 to 600",
    seconds_from(0.1, 600),
    default="10",
)
STATEMENT_SECONDS = Variable(
    "LEDGER_STATEMENT_SECONDS",
    "how many seconds a statement of a request may take, from 1 to 3600; more than LEDGER_LOCK_SECONDS",
    seconds_from(1, 3600),
    default="15",
)
POSITION_SECONDS = Variable(
    "LEDGER_POSITION_SECONDS",
    "how many seconds `min_position` waits for what is not there yet, up to 30",
    seconds_from(0, 30),
    default="3",
)

VARIABLES: tuple[Variable[object], ...] = (
    *(DATABASE_URL, DATA_DIR, TIME_ZONE, MAX_BODY_BYTES, PROXIES, CORS_ORIGINS),
    *(STRICT, NAME, FEED_WAITS, SIGNING_KEY, CHECKPOINT_SECONDS, CURRENCY, FOUR_EYES, TOKEN),
    *(METRICS, METRICS_TOKEN, WALDUR_TOKEN),
    *(PRIMARY_URL, MAX_LAG_SECONDS, POLL_SECONDS),
    *(LOG, OTEL, PLACES, QUEUE, QUEUE_SECONDS, LOCK_SECONDS, STATEMENT_SECONDS, POSITION_SECONDS),
)
