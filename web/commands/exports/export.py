"""`usage-ledger export`: a list as a file, all its rows, as staff sees them.

The application answers it, as it does over HTTP: the same checks, the same rows.
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import click
import orjson
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ledger.domain.access import Caller
from projections.lookups.accounts import Credentials
from web import create_app
from web.exports.answering import PROGRESS, BrokenOff
from web.request.authentication import CREDENTIALS
from web.runtime.config import Settings
from web.runtime.database import open_services
from web.wire.declared.parameters import is_taken
from web.wire.exports.forms import FORMS

STAFF = Credentials(UUID(int=0), Caller(user_uuid=UUID(int=0), is_staff=True, is_support=False), True, None)
"""Whoever is at the database: nobody with an account, who sees what staff sees."""

SHOWN_SECONDS = 0.2
"""How long after a progress the next one is shown."""


Filters = list[tuple[str, str]]


class Progress:
    """Tells a terminal how many rows there are so far."""

    def __init__(self) -> None:
        self._shown, self._is_shown = 0.0, sys.stderr.isatty()
        self.rows = 0

    def __call__(self, rows: int, of: int | None) -> None:
        self.rows = rows
        if self._is_shown and time.monotonic() - self._shown > SHOWN_SECONDS:
            self._shown = time.monotonic()
            click.echo(f"\r{rows:,} rows" + (f" of {of:,}" if of else ""), nl=False, err=True)

    def end(self, file: Path) -> None:
        """Tell what came of it."""
        click.echo(f"{chr(13) if self._is_shown else ''}{self.rows:,} rows in {file}", err=True)


def filter_of(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> Filters:
    """Return the names and values of filters. Raises BadParameter."""
    for value in values:
        if not value.partition("=")[0] or "=" not in value:
            raise click.BadParameter(f"{value!r} is not like NAME=VALUE")
    return [(name, rest) for name, _, rest in (value.partition("=") for value in values)]


@click.command("export")
@click.argument("what")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    *("--filter", "filters"), metavar="NAME=VALUE", multiple=True, callback=filter_of,
    help="A parameter of the list, as often as there are some.",
)  # fmt: skip
@click.option("--as-of", metavar="POINT", help="A position of the journal, or a time.")
@click.option("--format", "form", type=click.Choice([*FORMS]), help="Default: by the end of FILE's name.")
def export_command(what: str, file: Path, filters: Filters, as_of: str | None, form: str | None) -> None:
    """Write all rows of a list to FILE: as CSV, as lines of JSON, or as Parquet.

    WHAT is the path of the list below /api/, for instance marketplace-component-usages, ledger/diff or
    ledger/exports/focus. FILE appears when it is whole.
    """
    if (form := form or file.suffix.removeprefix(".")) not in FORMS:
        raise click.UsageError(f"{file}: name it .{', .'.join(FORMS)}, or say --format")
    query = [*filters, ("format", form), *([("as_of", as_of)] if as_of else [])]
    settings, progress = Settings.from_environment(), Progress()
    with open_services(only_reads=True) as services:
        services.projector.catch_up()
        app = create_app(
            services.ledger,
            services.projector,
            max_body_bytes=settings.max_body_bytes,
            origin=settings.origin,
            currency=settings.currency,
        )
        with closing(answer_of(app, what, query, progress)) as parts:
            write(file, parts)
    progress.end(file)


class Answer:
    """The parts of an answer, which has to be closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Any:
        return iter(self._parts)

    def close(self) -> None:
        if close := getattr(self._parts, "close", None):
            close()


def answer_of(app: Flask, what: str, query: Sequence[tuple[str, str]], progress: Progress) -> Answer:
    """Return what the application answers. Raises ClickException for all but an export."""
    path = f"/api/{what.strip('/')}/"
    if not is_list(app, path):
        raise click.ClickException(f"{what}: there is no such list; known are {', '.join(lists_of(app))}")
    given: Any = {PROGRESS: progress, CREDENTIALS: STAFF}
    builder = EnvironBuilder(
        path=path,
        query_string=urlencode(query),
        headers=[("Prefer", "handling=strict")],
        environ_overrides=given,
    )
    parts, status, headers = run_wsgi_app(app.wsgi_app, builder.get_environ())
    answer = Answer(parts)
    if status.startswith("200") and "Content-Disposition" in headers:
        return answer
    with closing(answer):
        told = b"".join(answer)
    raise click.ClickException(_said(told))


def is_list(app: Flask, path: str) -> bool:
    """Return whether a path is that of a list, perhaps of something that is not there."""
    try:
        endpoint, _ = app.url_map.bind("").match(path)
    except HTTPException:
        return False
    return is_taken("format", app.view_functions[endpoint])


def lists_of(app: Flask) -> list[str]:
    """Return the lists that have a path of their own."""
    return sorted(
        rule.rule.removeprefix("/api/").strip("/")
        for rule in app.url_map.iter_rules()
        if "<" not in rule.rule and is_taken("format", app.view_functions[rule.endpoint])
    )


def _said(body: bytes) -> str:
    """Return an error of the API as a sentence."""
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(body)
        if isinstance(told, dict):
            return "; ".join(
                f"{name}: {' '.join(map(str, each)) if isinstance(each, list) else each}"
                for name, each in told.items()
            )
    return body.decode(errors="replace")


def write(file: Path, parts: Iterable[bytes]) -> None:
    """Write a file that is there when it is whole, and not before. Raises ClickException."""
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as half:
            try:
                for part in parts:
                    half.write(part)
                half.flush()
                os.fsync(half.fileno())
                Path(half.name).chmod(0o666 & ~_umask())
                Path(half.name).replace(file)
            except BaseException:
                Path(half.name).unlink(missing_ok=True)
                raise
    except BrokenOff as error:
        raise click.ClickException(f"{file}: broke off {error}") from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
