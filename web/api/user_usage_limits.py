"""/api/component-user-usage-limits/: the most that users may use of a component of a resource.

A limit is set with the journal locked: so there is one for a resource, component and offering user, whoever
else sets one at the same time. Price: reports wait for it, a few milliseconds.
"""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from flask import Response
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.catalogue import UserUsageLimit
from ledger.errors import NotFound
from projections.lookups import user_limits
from projections.queries.user_usage_limits import LIMITS, find
from web.api.pages import host_of, page_of, row_of
from web.request.authentication import caller, visible
from web.request.describing import append_description, append_removal
from web.request.pipeline import api
from web.request.references import load
from web.request.services import services
from web.wire import requests
from web.wire.body import Body
from web.wire.fields import uuid_of
from web.wire.filters import USER_USAGE_LIMIT_QUERY
from web.wire.rendering import answers, empty, json_response, reads
from web.wire.responses.lists import USER_USAGE_LIMIT

KIND = "ComponentUserUsageLimit"

blueprint = api("user_usage_limits", "/api/component-user-usage-limits")
blueprint.add_url_rule("/", "index", page_of(LIMITS, USER_USAGE_LIMIT_QUERY, USER_USAGE_LIMIT))
blueprint.add_url_rule("/<object_id:uuid>/", "retrieve", row_of(LIMITS, USER_USAGE_LIMIT, KIND))


@blueprint.post("/")
@reads(requests.SET_USER_USAGE_LIMIT)
@answers(USER_USAGE_LIMIT, 201)
def create() -> Response:
    values, _ = load(requests.SET_USER_USAGE_LIMIT)
    limit = UserUsageLimit(**{"uuid": uuid4(), "limit": Decimal("0.00")} | values)
    return _answer(append_description(partial(_checked, limit), is_locked=True), 201)


@blueprint.put("/<object_id:uuid>/")
@reads(requests.SET_USER_USAGE_LIMIT)
@answers(USER_USAGE_LIMIT)
def update(uuid: str) -> Response:
    return _change(uuid, requests.SET_USER_USAGE_LIMIT)


@blueprint.patch("/<object_id:uuid>/")
@reads(requests.CHANGE_USER_USAGE_LIMIT)
@answers(USER_USAGE_LIMIT)
def partial_update(uuid: str) -> Response:
    return _change(uuid, requests.CHANGE_USER_USAGE_LIMIT)


@blueprint.delete("/<object_id:uuid>/")
@answers(None, 204)
def destroy(uuid: str) -> Response:
    append_removal(partial(_writable, uuid))
    return empty(204)


def _change(uuid: str, schema: Body) -> Response:
    with services().deciding() as cursor:
        _writable(uuid, cursor)  # before what is wrong with the body is told
    values, _ = load(schema)
    return _answer(append_description(partial(_changed, uuid, values), is_locked=True), 200)


def _changed(uuid: str, values: dict[str, Any], cursor: Cursor[DictRow]) -> UserUsageLimit:
    limit = _writable(uuid, cursor)
    # Equal values stay as they were written: 20 is 20.00, and no change.
    changed = {name: value for name, value in values.items() if value != getattr(limit, name)}
    return _checked(structs.replace(limit, **changed), cursor)


def _writable(uuid: str, cursor: Cursor[DictRow]) -> UserUsageLimit:
    """Return the limit that a path names. Raises NotFound, NotPermitted."""
    wanted = uuid_of(uuid)
    limit = find(cursor, wanted, visible()) if wanted else None
    if limit is None:
        raise NotFound(KIND)
    user_limits.context_of(cursor, limit).check_right(caller())
    return limit


def _checked(limit: UserUsageLimit, cursor: Cursor[DictRow]) -> UserUsageLimit:
    """Return a limit that may be set. Raises NotPermitted, and the Refusal of a rule that it breaks."""
    context = user_limits.context_of(cursor, limit)
    context.check_right(caller())
    context.check_rules()
    return limit


def _answer(limit: UserUsageLimit, status: int) -> Response:
    with services().reading() as cursor:
        names = user_limits.names_of(cursor, limit)
    shown = structs.asdict(limit) | {"url": limit.uuid} | names | host_of(USER_USAGE_LIMIT)
    return json_response(USER_USAGE_LIMIT.dump(shown), status)
