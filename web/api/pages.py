"""The views of lists: pages and single rows, sparse fieldsets, page numbers and links, as in Waldur.

The rows come from PostgreSQL as JSON, and are sent on as they are.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from uuid import UUID

from flask import Response, request
from marshmallow import Schema

from ledger.errors import NotFound
from projections.queries.json_columns import Column
from projections.queries.list_query import ListQuery, Scopes
from web.exports.answering import export_of_list
from web.request.audit.past import AS_OF, moment, reading
from web.request.authentication import visible
from web.request.services import current, services
from web.wire.body import LoadContext
from web.wire.declared.parameters import P, takes
from web.wire.errors import Missing
from web.wire.fields import uuid_of
from web.wire.parameters import last_of, load_query
from web.wire.rendering import COUNTED, PAGED, answers, json_bytes
from web.wire.responses.schemas import RowSchema
from web.wire.urls import root_url

PAGE_SIZE = 10
MAX_PAGE_SIZE = 300
MOST_ROWS = 2**63 - 1
"""PostgreSQL can't count further."""


def page_of(
    list_query: ListQuery,
    query: Schema,
    row: RowSchema,
    pinned: Collection[str] = (),
    scopes: Callable[[], Scopes] = visible,
    within: Callable[[], Mapping[str, Any]] = dict,
) -> Callable[..., Response]:
    """Return the view of a list: the page that a request asks for, with links to others in the headers.

    Its arguments, if it is called with any, restrict the list like filters of these names. Links name those
    that are `pinned` also if the request does not, so that all pages are of one list. `scopes` returns whose
    rows the caller may see, and `within` more restrictions to those.
    """
    view = partial(_page, list_query, query, row, pinned, scopes, within)
    return takes_page(query, row)(answers(row, is_list=True, headers=PAGED)(view))


def whole_list_of(list_query: ListQuery, query: Schema, row: RowSchema) -> Callable[[], Response]:
    """Return the view of a list that is not paged: all rows, whatever page a request asks for."""
    view = partial(_whole_list, list_query, query, row)
    return takes_page(query, row)(answers(row, is_list=True, headers=COUNTED)(view))


def row_of(list_query: ListQuery, row: RowSchema, kind: str) -> Callable[[str], Response]:
    """Return the view of a row. It raises NotFound if there is none by that uuid, or not for the caller."""
    return takes_row(row)(answers(row)(partial(_single, list_query, row, kind)))


def takes_page(query: Schema, row: RowSchema) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return the decorator that declares the parameters of a list's view."""
    return takes(query, "page", "page_size", AS_OF, columns=row.fields)


def takes_row(row: RowSchema) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return the decorator that declares the parameters of a view of a single row."""
    return takes(AS_OF, columns=row.fields)


def _page(
    list_query: ListQuery,
    query: Schema,
    row: RowSchema,
    pinned: Collection[str],
    seen: Callable[[], Scopes],
    always: Callable[[], Mapping[str, Any]],
    **within: UUID | int | str,
) -> Response:
    restrictions, order = load_query(query, _context())
    restrictions |= within
    restrictions |= always()
    scopes = seen()
    if current().form:
        return _export(list_query, row, restrictions, scopes, order)
    with reading() as cursor:
        asked = page_asked_for(lambda: list_query.count(cursor, restrictions, scopes))
        restrictions |= host_of(row)
        found = list_query.page(cursor, _columns(row), restrictions, scopes, order, asked.size, asked.offset)
    current().end = found.end
    named = {name: str(within[name]) for name in pinned if name not in request.args}
    return paged(json_bytes(found.rows), found.total, asked, named)


def _whole_list(list_query: ListQuery, query: Schema, row: RowSchema) -> Response:
    restrictions, order = load_query(query, _context())
    if current().form:
        return _export(list_query, row, restrictions, visible(), order)
    with reading() as cursor:
        found = list_query.page(cursor, _columns(row), restrictions | host_of(row), visible(), order, None)
    current().end = found.end
    return _counted(json_bytes(found.rows), found.total)


def _export(
    list_query: ListQuery,
    row: RowSchema,
    restrictions: dict[str, Any],
    scopes: Scopes,
    order: list[tuple[str, bool]],
) -> Response:
    return export_of_list(list_query, row.fields, _columns(row), restrictions | host_of(row), order, scopes)


def _counted(response: Response, total: int) -> Response:
    response.headers["X-Result-Count"] = str(total)
    return response


def _context() -> LoadContext:
    return LoadContext(zone=services().ledger.zone, now=moment())


def _single(list_query: ListQuery, row: RowSchema, kind: str, uuid: str) -> Response:
    if (wanted := uuid_of(uuid)) is None:
        raise NotFound(kind)
    return row_response(list_query, row, kind, wanted, visible())


def row_response(
    list_query: ListQuery, row: RowSchema, kind: str, uuid: UUID, scopes: Scopes, status: int = 200
) -> Response:
    """Return the row with this uuid as a response. Raises NotFound if there is none that the scopes see."""
    with reading() as cursor:
        found, current().end = list_query.one(cursor, _columns(row), {"uuid": uuid} | host_of(row), scopes)
    if found is None:
        raise NotFound(kind)
    return json_bytes(found.encode(), status)


def host_of(row: RowSchema) -> dict[str, str]:
    """Return the parameter of links, where a row has any."""
    return {"root_url": root_url()} if row.has_links else {}


def _columns(row: RowSchema) -> list[Column]:
    """Return the columns that a GET names in `?field=`. If it names unknown ones only: all, or none."""
    if request.method not in ("GET", "HEAD"):
        return row.columns
    wanted = set(filter(None, request.args.getlist("field")))
    known = [column for column in row.columns if column.name in wanted]
    return known if known or (wanted and not row.all_if_unknown) else row.columns


class AskedPage(NamedTuple):
    """The page of a list that is asked for: its number, how many rows it has, and how many come before it."""

    number: int
    size: int
    offset: int


def page_asked_for(count: Callable[[], int]) -> AskedPage:
    """Return the page that the request asks for, of a list of so many rows. Raises Missing if it has none."""
    size = _whole_number(last_of("page_size"))
    size = min(size, MAX_PAGE_SIZE) if size and size > 0 else PAGE_SIZE
    wanted = last_of("page") or "1"
    number = _last_page(count(), size) if wanted == "last" else _whole_number(wanted)
    if not number or not 1 <= number <= MOST_ROWS // size:
        raise Missing("Invalid page.")
    return AskedPage(number, size, (number - 1) * size)


def paged(
    response: Response, total: int, asked: AskedPage, named: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """Return the response of a page with the headers that say how many there are, and where others are.

    `named` are parameters that links have beside those of the request. Raises Missing if there is no such
    page.
    """
    last = _last_page(total, asked.size)
    if asked.number > last:
        raise Missing("Invalid page.")
    response.headers["Link"] = _links(asked.number, last, named)
    return _counted(response, total)


def _last_page(total: int, size: int) -> int:
    return max(1, -(-total // size))


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _links(number: int, last: int, named: Mapping[str, str]) -> str:
    """Return the links to other pages. No raw comma may be in a URL: clients split the header there."""
    pages = {"first": 1, "prev": number - 1, "next": number + 1, "last": last}
    url = _url_of_pages(named)
    return ", ".join(f'<{url(page)}>; rel="{rel}"' for rel, page in pages.items() if 1 <= page <= last)


def _url_of_pages(named: Mapping[str, str]) -> Callable[[int], str]:
    """Return this request's URL by the number of a page, with its parameters in the order of their names."""
    base = f"{root_url()}{quote(request.path[1:])}"
    query = sorted([*request.args.items(multi=True), *named.items()], key=lambda each: each[0])
    before = urlencode([each for each in query if each[0] < "page"])
    after = urlencode([each for each in query if each[0] > "page"])

    def url(number: int) -> str:
        whole = "&".join(filter(None, (before, f"page={number}" if number > 1 else "", after)))
        return f"{base}?{whole}" if whole else base

    return url
