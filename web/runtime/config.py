"""The settings of an operator: one declaration of each variable, and the only reader of the environment.

README's table, `usage-ledger --help` and `Settings` all rest on VARIABLES. Any other variable that begins
with LEDGER_ is an error: misspelt, it would be ignored in silence.

`usage-ledger report` and `import --from-waldur` go by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, too,
as their HTTP library does.
"""

import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from zoneinfo import ZoneInfo

from web.runtime.parsing import (
    parse_bytes,
    parse_count,
    parse_currency,
    parse_folder,
    parse_metrics,
    parse_origin,
    parse_origins,
    parse_poll,
    parse_seconds,
    parse_switch,
    parse_token,
    parse_url,
    parse_zone,
)

T_co = TypeVar("T_co", covariant=True)

PREFIX = "LEDGER_"

OF_KUBERNETES = re.compile(r"LEDGER(_\w+)?_(SERVICE_HOST|SERVICE_PORT\w*|PORT(_\d+_\w+)?)")
"""Variables that Kubernetes sets in every container where a service is named `ledger` or `ledger-…`."""

USUAL_KEY = "signing-key"
"""The name of the file in the data directory."""


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
    "the API token that `usage-ledger report` reports with",
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

VARIABLES: tuple[Variable[object], ...] = (
    *(DATABASE_URL, DATA_DIR, TIME_ZONE, MAX_BODY_BYTES, PROXIES, CORS_ORIGINS),
    *(STRICT, NAME, FEED_WAITS, SIGNING_KEY, CHECKPOINT_SECONDS, CURRENCY, TOKEN),
    *(METRICS, METRICS_TOKEN, WALDUR_TOKEN),
    *(PRIMARY_URL, MAX_LAG_SECONDS, POLL_SECONDS),
)


@dataclass(frozen=True)
class Settings:
    """The settings of a service, and of the commands that work on its database."""

    database_url: str | None
    data_dir: Path
    zone: ZoneInfo
    max_body_bytes: int
    proxies: int
    cors_origins: tuple[str, ...]
    is_strict: bool
    origin: str
    feed_waits: int
    signing_key: Path
    checkpoint_seconds: float
    currency: str
    has_open_metrics: bool = False
    metrics_token: str | None = None
    primary_url: str | None = None
    max_lag_seconds: float = 30.0
    poll_seconds: float = 0.1
    is_read_only: bool = False
    """Whether nothing is ever written: told by a command, and no variable."""

    def __post_init__(self) -> None:
        if self.has_open_metrics and self.metrics_token:
            raise ConfigurationError(
                f"{METRICS.name}: open metrics need no {METRICS_TOKEN.name}; set one of both"
            )
        if self.max_lag_seconds <= self.poll_seconds:
            raise ConfigurationError(f"{MAX_LAG_SECONDS.name}: must be more than {POLL_SECONDS.name}")

    @property
    def has_metrics(self) -> bool:
        """Return whether there are metrics at all."""
        return self.has_open_metrics or self.metrics_token is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Return the settings that the environment names. Raises ConfigurationError."""
        check_names(environment)
        data_dir = DATA_DIR.read(environment)
        return cls(
            database_url=DATABASE_URL.read(environment),
            data_dir=data_dir,
            zone=TIME_ZONE.read(environment),
            max_body_bytes=MAX_BODY_BYTES.read(environment),
            proxies=PROXIES.read(environment),
            cors_origins=CORS_ORIGINS.read(environment),
            is_strict=STRICT.read(environment),
            origin=NAME.read(environment),
            feed_waits=FEED_WAITS.read(environment),
            signing_key=SIGNING_KEY.read(environment) or data_dir / USUAL_KEY,
            checkpoint_seconds=CHECKPOINT_SECONDS.read(environment),
            currency=CURRENCY.read(environment),
            has_open_metrics=METRICS.read(environment),
            metrics_token=METRICS_TOKEN.read(environment),
            primary_url=PRIMARY_URL.read(environment),
            max_lag_seconds=MAX_LAG_SECONDS.read(environment),
            poll_seconds=POLL_SECONDS.read(environment),
        )


def api_token(
    environment: Mapping[str, str] = os.environ, *, variable: Variable[str | None] = TOKEN
) -> str | None:
    """Return the token of a client of the API, if one is set. Raises ConfigurationError."""
    check_names(environment)
    return variable.read(environment)


def set_metrics_folder(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell prometheus-client in which folder this process keeps its values: it asks the environment."""
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def environment_with(
    variables: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a program that is started with more variables than ours."""
    return {**environment, **variables}


def check_names(environment: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a set variable that begins with LEDGER_ and is none of VARIABLES."""
    known = [variable.name for variable in VARIABLES]
    for name, value in environment.items():
        if not value or not name.startswith(PREFIX) or name in known or OF_KUBERNETES.fullmatch(name):
            continue
        meant = get_close_matches(name, known, n=1, cutoff=0.7)
        hint = f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}"
        raise ConfigurationError(f"{name}: there is no such setting; {hint}")


def is_proxied(url: str) -> bool:
    """Return whether the environment names a proxy for this URL."""
    parts = urlsplit(url)
    through = {parts.scheme, "all"} & getproxies().keys()
    return bool(through) and not proxy_bypass(parts.netloc)
