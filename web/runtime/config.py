"""The settings of an operator, and the only reader of the environment.

They are declared in `variables.py`, one each. Any other variable that begins
with LEDGER_ is an error: misspelt, it would be ignored in silence.

`usage-ledger report`, `correction` and `import --from-waldur` go by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and
NO_PROXY, too, as their HTTP library does.
"""

import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from zoneinfo import ZoneInfo

from web.runtime import variables
from web.runtime.variables import TOKEN, VARIABLES, Variable
from web.runtime.variables import ConfigurationError as ConfigurationError

PREFIX = "LEDGER_"

OF_KUBERNETES = re.compile(r"LEDGER(_\w+)?_(SERVICE_HOST|SERVICE_PORT\w*|PORT(_\d+_\w+)?)")
"""Variables that Kubernetes sets in every container where a service is named `ledger` or `ledger-…`."""

USUAL_KEY = "signing-key"
"""The name of the file in the data directory."""


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
    needs_second_person: bool = True
    has_open_metrics: bool = False
    metrics_token: str | None = None
    primary_url: str | None = None
    max_lag_seconds: float = 30.0
    poll_seconds: float = 0.1
    log: Literal["json", "text"] | None = None
    has_traces: bool = False
    places: int = 8
    queue: int = 160
    queue_seconds: float = 10.0
    lock_seconds: float = 10.0
    statement_seconds: float = 15.0
    position_seconds: float = 3.0
    is_read_only: bool = False
    """Whether nothing is ever written: told by a command, and no variable."""

    def __post_init__(self) -> None:
        if self.has_open_metrics and self.metrics_token:
            raise ConfigurationError(
                f"{variables.METRICS.name}: open metrics need no {variables.METRICS_TOKEN.name}; set one"
            )
        if self.lock_seconds >= self.statement_seconds:
            raise ConfigurationError(
                f"{variables.LOCK_SECONDS.name}: who waits for a lock so long is ended earlier, after"
                f" {self.statement_seconds:g} s, by {variables.STATEMENT_SECONDS.name}"
            )
        if self.max_lag_seconds <= self.poll_seconds:
            raise ConfigurationError(
                f"{variables.MAX_LAG_SECONDS.name}: must be more than {variables.POLL_SECONDS.name}"
            )

    @property
    def has_metrics(self) -> bool:
        """Return whether there are metrics at all."""
        return self.has_open_metrics or self.metrics_token is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Return the settings that the environment names. Raises ConfigurationError."""
        check_names(environment)
        data_dir = variables.DATA_DIR.read(environment)
        return cls(
            database_url=variables.DATABASE_URL.read(environment),
            data_dir=data_dir,
            zone=variables.TIME_ZONE.read(environment),
            max_body_bytes=variables.MAX_BODY_BYTES.read(environment),
            proxies=variables.PROXIES.read(environment),
            cors_origins=variables.CORS_ORIGINS.read(environment),
            is_strict=variables.STRICT.read(environment),
            origin=variables.NAME.read(environment),
            feed_waits=variables.FEED_WAITS.read(environment),
            signing_key=variables.SIGNING_KEY.read(environment) or data_dir / USUAL_KEY,
            checkpoint_seconds=variables.CHECKPOINT_SECONDS.read(environment),
            currency=variables.CURRENCY.read(environment),
            needs_second_person=variables.FOUR_EYES.read(environment),
            has_open_metrics=variables.METRICS.read(environment),
            metrics_token=variables.METRICS_TOKEN.read(environment),
            primary_url=variables.PRIMARY_URL.read(environment),
            max_lag_seconds=variables.MAX_LAG_SECONDS.read(environment),
            poll_seconds=variables.POLL_SECONDS.read(environment),
            log=variables.LOG.read(environment),
            has_traces=_has_traces(environment),
            places=variables.PLACES.read(environment),
            queue=variables.QUEUE.read(environment),
            queue_seconds=variables.QUEUE_SECONDS.read(environment),
            lock_seconds=variables.LOCK_SECONDS.read(environment),
            statement_seconds=variables.STATEMENT_SECONDS.read(environment),
            position_seconds=variables.POSITION_SECONDS.read(environment),
        )


def _has_traces(environment: Mapping[str, str]) -> bool:
    chosen = variables.OTEL.read(environment)
    return bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")) if chosen is None else chosen


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
