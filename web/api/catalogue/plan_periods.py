"""…/plan_periods/ of a resource, on its provider's path and on that of everybody who sees its usage."""

from functools import partial
from typing import Any

from flask import Response
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.months import month_of, start_of
from ledger.errors import NotFound
from projections.queries.catalogue.plan_periods import PROVIDED, SEEN
from projections.queries.list_query import ListQuery, Scopes
from web.api.catalogue.resources import CONSUMER_PATH, PROVIDER_PATH
from web.exports.answering import Found, export
from web.request.audit.past import AS_OF, moment, reading
from web.request.authentication import visible
from web.request.pipeline import api
from web.request.services import current, services
from web.wire.declared.parameters import takes
from web.wire.fields import uuid_of
from web.wire.rendering import answers, json_bytes
from web.wire.responses.catalogue import PLAN_PERIOD


def _plan_periods(list_query: ListQuery, uuid: str) -> Response:
    """Return all of them, whatever page is asked for. Raises NotFound."""
    now, zone = moment(), services().ledger.zone
    month = month_of(now, zone)
    restrictions = {"resource_uuid": uuid_of(uuid), "now": now, "month": month}
    restrictions["month_start"] = start_of(month, zone)
    if current().form:
        scopes = visible()
        return export(PLAN_PERIOD.fields, lambda cursor: _all(cursor, list_query, restrictions, scopes))
    with reading() as cursor:
        found = list_query.page(cursor, PLAN_PERIOD.columns, restrictions, visible(), limit=None)
    current().end = found.end
    if not found.total:
        raise NotFound("Resource")
    return json_bytes(found.rows)


def _all(
    cursor: Cursor[DictRow], list_query: ListQuery, restrictions: dict[str, Any], scopes: Scopes
) -> Found:
    """Return all of them, as rows of an export. Raises NotFound."""
    resources, end = list_query.counted(cursor, restrictions, scopes)
    if not resources:
        raise NotFound("Resource")
    rows = list_query.every_row(cursor.connection, PLAN_PERIOD.columns, restrictions, scopes)
    return Found(rows, None, end)


blueprint = api("plan_periods")
for path, list_query in ((PROVIDER_PATH, PROVIDED), (CONSUMER_PATH, SEEN)):
    view = takes("page", "page_size", AS_OF)(
        answers(PLAN_PERIOD, is_list=True)(partial(_plan_periods, list_query))
    )
    blueprint.add_url_rule(f"{path}<object_id:uuid>/plan_periods/", path.split("/")[2], view)
