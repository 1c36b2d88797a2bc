"""The answer of a list in another form than JSON: all its rows, of one snapshot, sent while they are read.

It has a connection of its own, as a client may take its time, and so there are few at a time in a process. A
client that takes nothing for PAUSE_SECONDS loses it, as does an export of more than LONGEST_SECONDS. Whatever
goes wrong after the first part breaks the connection: a file that ended like a whole one would be a lie. To
a client that is an error of its HTTP library, as the last chunk is missing.

Nothing here needs the request once the answer is made. Price: PostgreSQL keeps what is replaced for as long
as the snapshot lasts.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from flask import Response, current_app, request
from marshmallow import ValidationError
from marshmallow.fields import Field
from psycopg import Cursor, IsolationLevel
from psycopg.rows import DictRow

from projections.fast.position import End
from projections.history import as_of
from projections.history.moments import Past
from projections.queries.json_columns import Column
from projections.queries.list_query import ListQuery, Scopes
from web.exports.columns import columns_of
from web.exports.csv_text import Parts, csv_of
from web.exports.parquet import parquet_of
from web.limits.admission import STREAMED, Room
from web.request.services import Services, current, services
from web.wire.exports import forms
from web.wire.exports.forms import NO_COLUMN, NO_PAGE, Form

EXPORTS = "LEDGER_EXPORTS"
"""Key in an app's config: the Room of exports."""

PROGRESS = "usage-ledger.progress"
"""Key in a request's environment: a function that is told how many rows were sent, and of how many."""

ROWS_AT_A_TIME = 500

PAUSE_SECONDS, LONGEST_SECONDS = 60, 3600

PAUSE = f"SET LOCAL idle_in_transaction_session_timeout = '{PAUSE_SECONDS}s'"

NOT_IN_NAMES = re.compile("[^0-9A-Za-z_-]+")

MONTHS = ("billing_period", "start", "end")
"""Names of restrictions that are months."""

log = logging.getLogger(__name__)

Batches = Iterator[Sequence[str]]


class BrokenOff(Exception):
    """An export did not come to its end."""


class Found(NamedTuple):
    """Rows as JSON objects, how many there are if that is known, and where the journal ended then."""

    rows: Iterator[str]
    total: int | None
    end: End


def export_of_list(
    list_query: ListQuery,
    members: Mapping[str, Field[Any]],
    columns: Sequence[Column],
    restrictions: Mapping[str, Any],
    order: Sequence[tuple[str, bool]],
    scopes: Scopes,
) -> Response:
    """Return all rows of a list that the scopes see, in some columns of its `members`, in the form asked for.

    Raises ValidationError, BeingReplaced, and Overloaded where there are too many exports.
    """

    def find(cursor: Cursor[DictRow]) -> Found:
        total, end = list_query.counted(cursor, restrictions, scopes)
        rows = list_query.every_row(cursor.connection, columns, restrictions, scopes, order)
        return Found(rows, total, end)

    names = [column.name for column in columns]
    return export({name: members[name] for name in names}, find, _months(restrictions))


def export(
    members: Mapping[str, Field[Any]], find: Callable[[Cursor[DictRow]], Found], months: str = ""
) -> Response:
    """Return the rows that are found with a cursor on one snapshot, in the form that is asked for.

    Raises as `export_of_list` does.
    """
    refuse_pages(members)
    form = current().form
    assert form, "else the answer is JSON"
    with ExitStack() as opening:
        room: Room = current_app.config[EXPORTS]
        opening.enter_context(room.entered())
        cursor = opening.enter_context(snapshot(services(), current().past))
        found = find(cursor)
        stack = opening.pop_all()
    current().end = found.end
    return response_of(form, members, found, months, stack)


def refuse_pages(members: Mapping[str, Field[Any]]) -> None:
    """Raise ValidationError where a page is asked for, which an export has none of, or no column at all."""
    if told := {name: [NO_PAGE] for name in ("page", "page_size") if name in request.args}:
        raise ValidationError(told)
    if not members:
        raise ValidationError({"field": [NO_COLUMN]})


def response_of(
    form: Form, members: Mapping[str, Field[Any]], found: Found, months: str, stack: ExitStack
) -> Response:
    """Return the response that sends rows in a form, and closes the stack when it is sent, or given up."""
    batches = _batches(found, request.environ.get(PROGRESS))
    parts = _parts(form, members, batches, stack)
    if request.method == "HEAD":
        parts = iter(())
        stack.close()
    request.environ[STREAMED] = True
    response = Response(parts, content_type=form.content_type)
    response.call_on_close(stack.close)  # also where nobody takes the first part
    response.headers["Ledger-Origin"] = services().origin()
    if found.total is not None:
        response.headers["X-Result-Count"] = str(found.total)
    name = "_".join(filter(None, (_what(request.path), months, f"position-{found.end.position}")))
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form.name}"'
    return response


@contextmanager
def snapshot(services: Services, past: Past | None) -> Iterator[Cursor[DictRow]]:
    """Yield a cursor on a new connection that sees one state of the read models, of now or of the past."""
    with closing(services.ledger.connect()) as connection:
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(PAUSE)
            if past:
                as_of.enter(cursor, past.end.position)
            yield cursor


def _parts(
    form: Form, members: Mapping[str, Field[Any]], batches: Batches, stack: ExitStack
) -> Iterator[bytes]:
    columns = columns_of(members)
    match form:
        case forms.CSV:
            written = csv_of(columns, batches)
        case forms.PARQUET:
            written = parquet_of(columns, batches)
        case _:
            written = lines_of(batches)
    with stack, closing(written):
        try:
            yield from written
        except Exception:
            log.exception("An export broke off")
            raise


def lines_of(batches: Batches) -> Parts:
    """Yield rows as they are in JSON, one a line."""
    for batch in batches:
        yield "".join([f"{row}\n" for row in batch]).encode()


def _batches(found: Found, progress: Callable[[int, int | None], None] | None) -> Batches:
    """Yield some rows at a time. Raises BrokenOff if it takes too long, or others were counted."""
    began, sent = time.monotonic(), 0
    while batch := [*islice(found.rows, ROWS_AT_A_TIME)]:
        yield batch
        sent += len(batch)
        if progress:
            progress(sent, found.total)
        if time.monotonic() - began > LONGEST_SECONDS:
            raise BrokenOff(f"after {sent} rows: it took more than {LONGEST_SECONDS} seconds")
    if found.total not in (None, sent):  # where the tables were replaced meanwhile
        raise BrokenOff(f"{sent} rows were found, and {found.total} counted")


def _what(path: str) -> str:
    """Return what a path is of, for the name of a file."""
    return NOT_IN_NAMES.sub("-", path.removeprefix("/api/").strip("/"))


def _months(restrictions: Mapping[str, Any]) -> str:
    """Return the months that a list is restricted to, for the name of a file."""
    days = [restrictions.get(name) for name in MONTHS]
    return "_".join(f"{day:%Y-%m}" for day in days if type(day) is date)
