"""…/history/ of usages: who said what of a figure, when, and through what.

A revision has the row as it was after it, names included. It is seen by whoever could see the row then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import orjson
from flask import Blueprint, Response, request
from marshmallow import Schema
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.errors import NotFound
from projections.fast.position import End
from projections.history import as_of
from projections.history.moments import position_at
from projections.queries.audit.revisions import Revision
from web.api.pages import MAX_PAGE_SIZE, page_asked_for, paged
from web.exports.answering import Found as Export
from web.exports.answering import export
from web.request.audit.history import Recorded, Version
from web.request.audit.past import AS_OF, reading
from web.request.authentication import visible
from web.request.billing.corrections import seen
from web.request.services import current, services
from web.wire.audit.history import VERSION_QUERY
from web.wire.declared.parameters import takes
from web.wire.errors import Missing
from web.wire.fields import uuid_of
from web.wire.parameters import last_of
from web.wire.rendering import PAGED, answers, json_bytes
from web.wire.urls import root_url


def add_history(blueprint: Blueprint, recorded: Recorded, version: Schema) -> None:
    """Add the views of a row's revisions to those of its kind."""
    whole = partial(_history, recorded, version)
    takes("page", "page_size", AS_OF)(answers(version, is_list=True, headers=PAGED)(whole))
    blueprint.add_url_rule("/<object_id:uuid>/history/", "history", whole)
    single = partial(_version, recorded, version)
    takes(VERSION_QUERY, AS_OF)(answers(version)(single))
    blueprint.add_url_rule("/<object_id:uuid>/history/at/", "history_at", single)


def _history(recorded: Recorded, version: Schema, uuid: str) -> Response:
    if current().form:
        return export(version.fields, partial(_every_version, recorded, version, uuid))
    with _reading() as cursor:
        wanted, total, end = _found(cursor, recorded, uuid)
        asked = page_asked_for(lambda: total)
        found = _page(recorded, cursor, wanted, end.position, asked.size, asked.offset)
        versions = _shown(cursor, recorded, wanted, found)
    return paged(json_bytes(orjson.dumps(version.dump(versions, many=True))), total, asked)


def _version(recorded: Recorded, version: Schema, uuid: str) -> Response:
    with _reading() as cursor:
        wanted, _, end = _found(cursor, recorded, uuid)
        query = VERSION_QUERY.load(
            {name: last_of(name) for name in VERSION_QUERY.fields if name in request.args}
        )
        last = min(position_at(cursor, query["timestamp"]), end.position)
        found = _page(recorded, cursor, wanted, last, 1)
        if not found:
            raise Missing("No version found for the given timestamp.")
        (shown,) = _shown(cursor, recorded, wanted, found)
    return json_bytes(orjson.dumps(version.dump(shown)))


def _every_version(recorded: Recorded, version: Schema, uuid: str, cursor: Cursor[DictRow]) -> Export:
    """Return all revisions, newest first, as rows of an export. Raises NotFound."""
    wanted, total, end = _found(cursor, recorded, uuid)
    scopes, known, fact_of, root = visible(), seen(), services().ledger.fact_of, root_url()

    def rows() -> Iterator[str]:
        for offset in range(0, total, MAX_PAGE_SIZE):
            as_of.enter(cursor, end.position)  # again: rows are shown as of their own positions
            found = recorded.history.page(cursor, wanted, scopes, known, end.position, MAX_PAGE_SIZE, offset)
            for shown in recorded.versions(cursor, wanted, found, fact_of, root):
                yield orjson.dumps(version.dump(shown)).decode()

    return Export(rows(), total, end)


@contextmanager
def _reading() -> Iterator[Cursor[DictRow]]:
    """Yield a cursor in a transaction, as in others the past can't be entered."""
    with reading() as cursor, cursor.connection.transaction():
        yield cursor


def _found(cursor: Cursor[DictRow], recorded: Recorded, uuid: str) -> tuple[UUID, int, End]:
    """Return the uuid in a path, how many revisions of its row the caller sees, and where the journal ends.

    Raises NotFound if they see none, and not the row either: it may have moved to them since.
    """
    if (wanted := uuid_of(uuid)) is None:
        raise NotFound(recorded.kind)
    total, end = recorded.history.count(cursor, wanted, visible())
    if not total and recorded.history.rows.one(cursor, [], {"uuid": wanted}, visible())[0] is None:
        raise NotFound(recorded.kind)
    current().end = end
    return wanted, total, end


def _page(
    recorded: Recorded, cursor: Cursor[DictRow], uuid: UUID, last: int, limit: int, offset: int = 0
) -> list[Revision]:
    return recorded.history.page(cursor, uuid, visible(), seen(), last, limit, offset)


def _shown(cursor: Cursor[DictRow], recorded: Recorded, uuid: UUID, found: list[Revision]) -> list[Version]:
    return [*recorded.versions(cursor, uuid, found, services().ledger.fact_of, root_url())]
