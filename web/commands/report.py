"""The command `usage-ledger report`: files of reports, sent to a running service."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast, get_args
from urllib.parse import urlsplit

import click
import httpx
import msgspec
from marshmallow import ValidationError

from ledger.decisions.idempotency import Result
from web import utc_now
from web.runtime.config import ConfigurationError, api_token, is_proxied
from web.runtime.variables import TOKEN, Variable
from web.sender.client import ApiClient
from web.sender.files import FORMATS, STDIN, Format, Reports, opened_file
from web.sender.lines import FilePosition
from web.sender.progress import Upload, UploadProgress, open_progress
from web.sender.upload import reports_left, send
from web.wire.audit.reasons import reason_of
from web.wire.bounds import MOST_ITEMS

SUMS_DIFFER = "their lines differ in more than what is added up"


def service_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Return a URL of scheme, host, port and path, without a slash at the end."""
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        httpx.URL(value)
    except (ValueError, httpx.InvalidURL):
        is_good = False
    if not is_good or "@" in parts.netloc or parts.query or parts.fragment:
        raise click.BadParameter(f"{value!r} is no URL like https://ledger.example.org.")
    return value.rstrip("/")


def one_line(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Return a reason as the service takes it."""
    try:
        return reason_of(value, token="")
    except ValidationError as error:
        raise click.BadParameter(" ".join(error.messages)) from None


@click.command("report")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--url", callback=service_url, default="http://127.0.0.1:8000", show_default=True)
@click.option("--format", "kind", type=click.Choice(get_args(Format)), help="Default: by FILE's suffix.")
@click.option(
    "--chunk", type=click.IntRange(1, MOST_ITEMS), default=1_000, show_default=True, help="Lines at once."
)
@click.option("--refused", type=click.Path(path_type=Path), help="Where refused lines go, else to stderr.")
@click.option("--sum", "is_summed", is_flag=True, help="Add lines of one figure up, as said above.")
@click.option("--reason", callback=one_line, default="", help="Why: for lines that do not say it themselves.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
def report_command(
    file: Path,
    url: str,
    kind: Format | None,
    chunk: int,
    refused: Path | None,
    is_summed: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """Send the reports in FILE (`-`: standard input) to a running service, with the token LEDGER_TOKEN.

    A line of FILE is an item of POST /api/ledger/reports/: as JSON (.ndjson, .jsonl, .json), or as CSV in
    UTF-8, whose first line names the items' fields. Columns are separated by commas, semicolons, tabs or
    bars, and empty cells are left out; between semicolons, amounts may have a decimal comma. A line that is
    refused does not hold up the others.

    Lines without a date are of the moment when the sending began. In a table that has a column for it every
    line needs one. Who may report past months, the service says.

    When it breaks off, run it again: it goes on where it stopped, in chunks of the same size, and nothing
    is stored twice. FILE.progress says how far it came, and is removed at the end. What is behind that
    place may be mended meanwhile; when lines before it have changed, all is sent from the start. Standard
    input and dry runs are not continued, and a dry run looks at each chunk for itself.

    Of several lines for one figure the last one stands. With --sum they are added up first: lines that are
    alike in all but amount or usage, date, description and reason, and whose dates are written in the same
    month.
    The sum is dated with that month, or not at all if they have no date, and has their description and
    their reason if they share one. When one of them can't be read, all lines of the sum are refused.

    --refused gets a JSON object for each refused line: line (its number), item, errors. The exit code is 1
    if there is one.
    """
    kind = check_format(file, kind, refused)
    token = api_token() or ask_for_token()
    beside = file if file != STDIN and file.is_file() and not dry_run else None
    client = ApiClient(
        url,
        token,
        reason=reason,
        is_dry_run=dry_run,
        is_proxied=is_proxied(url),
        on_waiting=print_waiting,
    )
    new = Upload.new(url, chunk, utc_now(), is_summed=is_summed, reason=reason)
    with opened_file(file) as source, open_progress(beside, new) as progress, closing(client):
        again = rereadable(source) if is_summed else source
        reports = reports_left(again, kind, progress, partial(click.echo, err=True))
        with progress_bar(None if is_summed else beside) as sent:
            send(reports, client, progress, sent)
        print_refused(progress, refused)
        print_doubts(reports, progress)
    results = progress.results
    click.echo(", ".join(f"{results[word]} {word}" for word in get_args(Result)))
    sys.exit(1 if results["refused"] else 0)


def check_format(file: Path, kind: Format | None, refused: Path | None) -> Format:
    """Return the format of FILE. Raises UsageError, and OSError if refused lines can't be written."""
    kind = kind or FORMATS.get(file.suffix.lower())
    if kind is None:
        raise click.UsageError(f"--format must say what {file} is.", click.get_current_context())
    if refused and refused.exists() and file.exists() and refused.samefile(file):
        raise click.UsageError("--refused would overwrite FILE.", click.get_current_context())
    if refused:
        refused.open("ab").close()  # what can't be written to is better told now
    return kind


def rereadable(source: BinaryIO) -> BinaryIO:
    """Return the source itself, or a copy if it can be read only once."""
    if source.seekable():
        return source
    copy = tempfile.TemporaryFile()  # noqa: SIM115 (is gone with the process)
    shutil.copyfileobj(source, copy)
    copy.seek(0)
    return cast(BinaryIO, copy)


def print_doubts(reports: Reports, progress: UploadProgress) -> None:
    """Warn of what may not have been meant, although nothing is wrong with it."""
    if reports.is_cut_off:
        click.echo("The last line does not end with a line feed: was the file cut off?", err=True)
    number, is_summed = progress.replaced(), progress.upload.is_summed
    if number:
        of_what, way_out = ("sum", SUMS_DIFFER) if is_summed else ("line", "--sum adds them up")
        click.echo(
            f"Replaced by a later {of_what} for the same figure: at least {number}; {way_out}.", err=True
        )


@contextmanager
def progress_bar(file: Path | None) -> Iterator[Callable[[FilePosition], None]]:
    """Show a bar that follows how far a file is sent; none for a source that has no known end."""
    length = file.stat().st_size if file else 0
    with click.progressbar(length=length, file=sys.stderr, hidden=not (file and sys.stderr.isatty())) as bar:

        def sent(place: FilePosition) -> None:
            bar.label = f"{place.lines:11,} lines"
            bar.update(place.offset - bar.pos)

        yield sent


def ask_for_token(variable: Variable[str | None] = TOKEN) -> str:
    """Return the API token that somebody types. Raises ConfigurationError where there is no terminal."""
    token = None
    if sys.stdin and sys.stdin.isatty():
        token = variable.read({variable.name: click.prompt("API token", hide_input=True, err=True)})
    if token is None:
        raise ConfigurationError(f"{variable.name}: is not set, and names {variable.meaning}")
    return token


def print_waiting(reason: str, seconds: float) -> None:
    """Print why the next attempt waits, and how long."""
    click.echo(f"{reason}; trying again in {seconds:g} s", err=True)


def print_refused(progress: UploadProgress, path: Path | None) -> None:
    """Write every refused line as JSON to a file, or else to standard error."""
    if path:
        with path.open("wb") as file:
            file.writelines(msgspec.json.encode(each) + b"\n" for each in progress.refused())
        return
    for each in progress.refused():
        click.echo(f"Line {each.line} is refused: {bytes(each.errors).decode()}", err=True)
