"""`usage-ledger correction`: proposes corrections to a running service, and takes their steps."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import click
import orjson

from ledger.domain.billing.corrections import NEXT, State
from web.commands.audit.tables import printable, show, takes_format
from web.commands.errors import Group
from web.commands.report import ask_for_token, one_line, service_url
from web.runtime.config import api_token, is_proxied
from web.sender.files import FORMATS, ReportFile, opened_file
from web.sender.questions import Questions, Refused, words_of
from web.wire.body import to_send_on
from web.wire.errors import MalformedBody

P = ParamSpec("P")
R = TypeVar("R")

PATH = "/api/ledger/corrections/"

LISTED = ("uuid", "state", "title", "figures", "proposed_at", "proposed_by", "approved_by", "applied_by")
ITEMS = (
    *("place", "resource", "type", "unit", "month", "username", "before", "now", "after", "delta", "moved"),
    "errors",
)
STEPS = ("proposed", "approved", "applied")
DONE = {"approve": "approved", "reject": "rejected", "apply": "applied", "revert": "reverted"}

EXPECTED = "Refuse it if a figure moved since this position"

MOST_LISTED = 300


@click.group("correction", cls=Group)
def correction_group() -> None:
    """Propose to change figures that stand, and stand behind what others propose.

    All is asked of a running service, with the token LEDGER_TOKEN: who proposes and who approves are two.
    """


def asks(command: Callable[Concatenate[Questions, P], R]) -> Callable[P, R]:
    """Have a command take the URL of a service, and ask that. A refusal is told in one line."""

    @click.option("--url", callback=service_url, default="http://127.0.0.1:8000", show_default=True)
    @wraps(command)
    def asking(*args: P.args, **kwargs: P.kwargs) -> R:
        url = str(kwargs.pop("url"))
        with asked(url) as questions:
            return command(questions, *args, **kwargs)

    return asking


@contextmanager
def asked(url: str) -> Iterator[Questions]:
    token = api_token() or ask_for_token()
    with closing(Questions(url, token, is_proxied=is_proxied(url))) as questions:
        try:
            yield questions
        except Refused as refused:
            raise click.ClickException(str(refused)) from None


@correction_group.command("propose")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--title", callback=one_line, default="", help="What is corrected, in a line.")
@click.option("--reason", callback=one_line, default="", help="Why.")
@click.option("--ticket", callback=one_line, default="", help="Where it is talked about.")
@asks
def propose_command(questions: Questions, file: Path, title: str, reason: str, ticket: str) -> None:
    """Propose what the figures in FILE are to be. Nothing changes before somebody else approved it.

    FILE has the items of `usage-ledger report`, each with a date or a component_usage: as CSV or as JSON line
    by line, with --title and --reason. A .json file is one object, as POST /api/ledger/corrections/ takes it.
    """
    words = {"title": title, "reason": reason, "ticket": ticket}
    body, lines = _body_of(file, {name: value for name, value in words.items() if value})
    try:
        told, _ = questions.ask("POST", PATH, body, key=secrets.token_hex(16))
    except Refused as refused:
        items = refused.told.get("items")
        if not isinstance(items, list) or not any(isinstance(each, dict) for each in items):
            raise
        for line, errors in zip(lines, items, strict=False):
            if errors:
                click.echo(f"{line} is refused: {orjson.dumps(errors).decode()}", err=True)
        raise click.ClickException("nothing was proposed, as items are refused") from None
    _tell(told)


def _body_of(file: Path, words: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the body of a proposal, and what its items are called. Raises ClickException."""
    if file.suffix == ".json":
        try:
            body = to_send_on(file.read_bytes())
        except MalformedBody as error:
            raise click.ClickException(f"{file}: {error}") from None
        if not isinstance(body, dict) or not isinstance(body.get("items", []), list):
            raise click.ClickException(f"{file}: it is no JSON object with a title, a reason and items")
        return body | words, [f"Item {number}" for number in range(len(body.get("items", [])))]
    kind = FORMATS.get(file.suffix)
    if kind is None:
        raise click.UsageError(f"FILE must end with .csv, .ndjson, .jsonl or .json: {file}")
    with opened_file(file) as source:
        found = list(ReportFile(source, kind, "").undated)
    lines, items = [f"Line {each.line}" for each in found], []
    for name, each in zip(lines, found, strict=True):
        if each.errors:
            raise click.ClickException(f"{file}: {name}: {each.errors['detail']}")
        try:
            items.append(to_send_on(each.body))
        except MalformedBody as error:
            raise click.ClickException(f"{file}: {name}: {error}") from None
    return {**words, "items": items}, lines


@correction_group.command("list")
@click.option("--state", type=click.Choice(list(NEXT)), help="Only those in this state.")
@takes_format
@asks
def list_command(questions: Questions, state: State | None, form: str | None) -> None:
    """Show the corrections that the token's user may know of, the newest first."""
    rows = [*map(_listed, _pages(questions, {"state": state} if state else {}))]
    show(LISTED, rows, form)


def _pages(questions: Questions, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    page, last = 1, 1
    while page <= last:
        rows, headers = questions.ask("GET", PATH, page=page, page_size=MOST_LISTED, **query)
        yield from rows
        page, last = page + 1, -(-int(headers["X-Result-Count"]) // MOST_LISTED)


@correction_group.command("show")
@click.argument("uuid", type=click.UUID)
@takes_format
@asks
def show_command(questions: Questions, uuid: UUID, form: str | None) -> None:
    """Show what a correction says of itself, and each figure as it stands and as it would be made."""
    told, headers = questions.ask("GET", f"{PATH}{uuid.hex}/")
    _tell(told, is_error=True)
    click.echo(f"  As of position {headers['Ledger-Position']}.", err=True)
    show(ITEMS, map(_item, told["items"]), form)


@correction_group.command("approve")
@click.argument("uuid", type=click.UUID)
@click.option("--expect", type=click.IntRange(min=0), help=f"{EXPECTED}, as `show` tells it.")
@asks
def approve_command(questions: Questions, uuid: UUID, expect: int | None) -> None:
    """Stand behind a correction that somebody else proposed: it can be applied then."""
    _take(questions, uuid, "approve", **({} if expect is None else {"expect": expect}))


@correction_group.command("reject")
@click.argument("uuid", type=click.UUID)
@click.option("--reason", callback=one_line, required=True)
@asks
def reject_command(questions: Questions, uuid: UUID, reason: str) -> None:
    """End a correction that was not applied yet."""
    _take(questions, uuid, "reject", reason=reason)


@correction_group.command("apply")
@click.argument("uuid", type=click.UUID)
@click.option("--expect", type=click.IntRange(min=0), help=f"{EXPECTED}, as `show` tells it.")
@click.option("--as-approved", is_flag=True, help="Refuse it if a figure moved since it was approved.")
@asks
def apply_command(questions: Questions, uuid: UUID, expect: int | None, *, as_approved: bool) -> None:
    """Change all figures of an approved correction, or none of them."""
    if as_approved and expect is not None:
        raise click.UsageError("Give --expect or --as-approved, and not both")
    if as_approved:
        told, _ = questions.ask("GET", f"{PATH}{uuid.hex}/")
        expect = told["approved_as_of"]
    _take(questions, uuid, "apply", **({} if expect is None else {"expect": expect}))


@correction_group.command("revert")
@click.argument("uuid", type=click.UUID)
@click.option("--reason", callback=one_line, required=True)
@asks
def revert_command(questions: Questions, uuid: UUID, reason: str) -> None:
    """Propose to put back what a correction changed and nobody since. It is approved as any other."""
    _take(questions, uuid, "revert", reason=reason)


def _take(questions: Questions, uuid: UUID, step: str, **body: str | int) -> None:
    try:
        told, _ = questions.ask("POST", f"{PATH}{uuid.hex}/{step}/", body)
    except Refused as refused:
        items = refused.told.get("items")
        if not isinstance(items, list):
            raise
        now, _ = questions.ask("GET", f"{PATH}{uuid.hex}/")
        for item, errors in zip(now["items"], items, strict=False):
            if errors:
                click.echo(printable(f"{_figure_named(item)}: {words_of(errors)}"), err=True)
        raise click.ClickException(
            " ".join(refused.told.get("expect", ["Items are refused: nothing was done."]))
        ) from None
    _tell(told)


def _figure_named(item: dict[str, Any]) -> str:
    names = (item["resource_name"], item["component_type"], item["username"], item["billing_period"][:7])
    return " ".join(name for name in names if name)


def _tell(correction: dict[str, Any], *, is_error: bool = False) -> None:
    """Print a correction: its uuid, its words, who did what, and what can follow."""
    lines = [f"{correction['uuid']} {correction['state']}: {correction['title']}"]
    ticket = f" ({correction['ticket']})" if correction["ticket"] else ""
    lines.append(f"  {correction['reason']}{ticket}")
    for step in ("proposed", "approved", "rejected", "applied", "reverted"):
        if at := correction[f"{step}_at"]:
            lines.append(f"  {step} {at[:19].replace('T', ' ')} by {_name(correction[f'{step}_by'])}")
    for each in correction["sums"]:
        of_users = " of users" if each["is_of_users"] else ""
        figures = "1 figure" if each["figures"] == 1 else f"{each['figures']} figures"
        before = f"{each['before']} {each['measured_unit'] or ''}".rstrip()
        lines.append(f"  {each['component_type']}{of_users}: {before} become {each['after']}, in {figures}")
    if correction.get("left_out"):
        lines.append(
            f"  Stated again since, or of somebody forgotten, and not put back: {correction['left_out']}."
        )
    if possible := " or ".join(DONE[step] for step in correction["next"]):
        lines.append(f"  It can be {possible}.")
    for line in lines:
        click.echo(printable(line), err=is_error)


def _name(user: dict[str, Any] | None) -> str:
    return (user or {}).get("username") or "somebody"


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    names = {f"{step}_by": row[f"{step}_by"] and _name(row[f"{step}_by"]) for step in STEPS}
    return row | names


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "place": item["place"],
        "resource": item["resource_name"],
        "type": item["component_type"],
        "unit": item["measured_unit"],
        "month": item["billing_period"][:7],
        "username": item["username"],
        **{name: _figure(item[f"usage_{name}"]) for name in ("before", "now", "after")},
        "delta": _figure(item["delta"]),
        "moved": _moved(item),
        "errors": item["errors"] and orjson.dumps(item["errors"]).decode(),
    }


def _moved(item: dict[str, Any]) -> str | None:
    told = [_figure_moved(item), f"to {item['project_name']}" if item["has_changed_hands"] else None]
    return ", ".join(filter(None, told)) or None


def _figure_moved(item: dict[str, Any]) -> str | None:
    if item["has_moved_since_approval"]:
        return f"since approval of {item['usage_approved'] or 'none'}"
    if item["is_stated_since"]:
        return "stated since"
    return "moved" if item["has_moved"] else None


def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
