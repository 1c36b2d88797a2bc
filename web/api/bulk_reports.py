"""/api/ledger/reports/: many reports in one request, about any resources and months.

An item is what `set_usage` takes for one component, or what `set_user_usage` takes with the component usage
that it is about: by its uuid, or by resource, type and month.

A body is a JSON array, or with `Content-Type: application/x-ndjson` an item a line. An item has `resource`,
`type` and `amount`, and may have `date`, `description`, `missing_usage_policy` and `plan_period`. An item of
a user has `username` and `usage` with `component_usage`, or with `resource` and `type`. Any item may have
`expect` and `reason`. Other keys are refused, those of the other kind too, so nothing that an item says is
dropped.

The answer has an outcome for each item, in order: `created`, `changed` or `unchanged`, with the figure's
`uuid` and the fact's `position`, or `refused` with `errors`. All items are stored or none (400, where
`not_stored` is what would have been stored). `?atomic=false` stores the good ones, `?dry_run=true` stores
none and says what would become of each. 201 says that something was stored, 200 that nothing had to be.
"""

from collections.abc import Sequence
from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from ledger.decisions.requests import AnyReport
from ledger.errors import InvalidItem, NotPermitted
from web.fast.loader import FieldCache
from web.request.authentication import caller
from web.request.idempotency import OF_MANY_REPORTS
from web.request.pipeline import api
from web.request.reading import read_items, refuse_expected
from web.request.references import context_of
from web.request.submit import submit
from web.wire.body import TOO_DEEP, Body, Found, Loading
from web.wire.bounds import MOST_ITEMS
from web.wire.declared.parameters import takes
from web.wire.errors import MalformedBody
from web.wire.fields import FALSE, TRUE, load_item
from web.wire.outcomes import Form
from web.wire.parameters import last_of
from web.wire.rendering import answers, reads
from web.wire.requests import COMPONENT_REPORT, USER_REPORT
from web.wire.responses.messages import OUTCOMES

MOST_OF_OTHERS = 100
"""How many items are looked at of a caller who may report nothing at all."""
SWITCHES = ("atomic", "dry_run")

blueprint = api("bulk_reports", "/api/ledger/reports")


@blueprint.post("/")
@takes(*SWITCHES)
@reads(COMPONENT_REPORT, USER_REPORT, is_list=True, headers=OF_MANY_REPORTS)
@answers(OUTCOMES, 200, 201, 400)
def report() -> Response:
    refuse_expected()
    is_atomic, is_dry_run = _switch("atomic", default=True), _switch("dry_run", default=False)
    items = read_items()
    if not 0 < len(items) <= MOST_ITEMS:
        message = f"Between 1 and {MOST_ITEMS} reports are taken at once, and these are {len(items)}."
        raise ValidationError({"non_field_errors": [message]})
    if len(items) > MOST_OF_OTHERS and not caller().reports_somewhere:
        raise NotPermitted  # as it would be said of each

    form: Form = "bulk"
    if is_atomic:
        form = "atomic_bulk_dry_run" if is_dry_run else "atomic_bulk"
    reports, found = reports_of(items)
    return submit(reports, form, found, is_atomic=is_atomic, is_dry_run=is_dry_run)


def _switch(name: str, *, default: bool) -> bool:
    if name not in request.args:
        return default
    word = last_of(name).lower()
    if word not in TRUE | FALSE:  # an empty one, too: `?dry_run` is not to store anything
        raise ValidationError({name: ["Must be a valid boolean."]})
    return word in TRUE


def reports_of(items: Sequence[Any]) -> tuple[list[AnyReport], Found]:
    """Return every item as a report, in order, with the objects that the items name."""
    by_schema: dict[Body, list[dict[str, Any]]] = {COMPONENT_REPORT: [], USER_REPORT: []}
    for item in items:
        if isinstance(item, dict):
            by_schema[schema_of(item)].append(item)
    context, cache = context_of(by_schema, only_seen=True), FieldCache(dict)
    with Loading(context):
        return [_report(item, cache) for item in items], context.found


def _report(item: Any, cache: FieldCache) -> AnyReport:
    if isinstance(item, MalformedBody):
        return InvalidItem({"detail": str(item)})
    try:
        report: AnyReport = load_item(schema_of(item), item, cache)
    except RecursionError:
        return InvalidItem({"detail": TOO_DEEP})
    return report


def schema_of(item: Any) -> Body:
    return USER_REPORT if isinstance(item, dict) and "username" in item else COMPONENT_REPORT
