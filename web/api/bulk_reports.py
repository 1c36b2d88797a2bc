"""/api/ledger/reports/: many reports in one request, about any resources and months.

An item is what `set_usage` takes for one component, or what `set_user_usage` takes with the component usage
that it is about: by its uuid, or by resource, type and month.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import orjson
from flask import Response, request
from marshmallow import ValidationError

from ledger.decisions.requests import Answer, AnyReport, Outcome, Result
from ledger.errors import InvalidItem, LedgerError, MonthIsClosed, NotPermitted
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.references import context_of
from web.request.submit import alone, refused, submit
from web.wire.body import TOO_DEEP, Body, Found, Known, Loading, read_items
from web.wire.bounds import MOST_ITEMS
from web.wire.errors import MalformedBody, body_of
from web.wire.expecting import refuse_expected
from web.wire.fields import FALSE, TRUE, load_item
from web.wire.parameters import last_of
from web.wire.rendering import answers
from web.wire.requests import COMPONENT_REPORT, USER_REPORT
from web.wire.responses.messages import NOT_STORED, OUTCOMES
from web.wire.strict import check_parameters

MOST_OF_OTHERS = 100
"""How many items are looked at of a caller who may report nothing at all."""
SWITCHES = ("atomic", "dry_run")
WHO_MAY = "Only staff may report past months of other components."

blueprint = api("bulk_reports", "/api/ledger/reports")


@blueprint.post("/")
@answers(OUTCOMES, 200, 201, 400)
def report() -> Response:
    check_parameters(request.args, SWITCHES)
    refuse_expected()
    is_atomic, is_dry_run = _switch("atomic", default=True), _switch("dry_run", default=False)
    items = read_items()
    if not 0 < len(items) <= MOST_ITEMS:
        message = f"Between 1 and {MOST_ITEMS} reports are taken at once, and these are {len(items)}."
        raise ValidationError({"non_field_errors": [message]})
    if len(items) > MOST_OF_OTHERS and not caller().reports_somewhere:
        raise NotPermitted  # as it would be said of each

    def tell(outcomes: Sequence[Outcome]) -> Answer:
        is_undone = is_atomic and not is_dry_run and any(each.refusal for each in outcomes)
        return none_stored(outcomes) if is_undone else told(outcomes, is_atomic=is_atomic)

    reports, _ = _reports(items)
    return submit(reports, tell, is_atomic=is_atomic, is_dry_run=is_dry_run)


def told(outcomes: Sequence[Outcome], *, is_atomic: bool) -> Answer:
    """201 if anything was stored, or would be in earnest; else 400 if anything was refused; else 200."""
    counted = Counter(outcome.result for outcome in outcomes)
    stores = counted["created"] + counted["changed"] > 0 and not (is_atomic and counted["refused"])
    status = 201 if stores else 400 if counted["refused"] else 200
    body = {result: counted[result] for result in get_args(Result)}
    results = [_result(outcome) for outcome in outcomes]
    return Answer(status, orjson.dumps(body | {"results": results}).decode())


def none_stored(outcomes: Sequence[Outcome]) -> Answer:
    """400: of an atomic request of which anything was refused. What it counts is what happened."""
    results = [_result(outcome) for outcome in outcomes]
    in_vain = set()
    for outcome, result in zip(outcomes, results, strict=True):
        # A figure is unchanged only if nothing before it in the request was to change it.
        if outcome.result in ("created", "changed") or outcome.uuid in in_vain:
            in_vain.add(outcome.uuid)
            result["result"] = NOT_STORED
    counted = Counter(result["result"] for result in results)
    body = {result: counted[result] for result in (*get_args(Result), NOT_STORED)}
    return Answer(400, orjson.dumps(body | {"results": results}).decode())


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal:
        return {"result": outcome.result, "errors": _errors(alone(outcome.refusal))}
    uuid = outcome.uuid.hex if outcome.uuid else None
    return {"result": outcome.result, "uuid": uuid, "position": outcome.position}


def _errors(refusal: LedgerError) -> Any:
    """In the words of the single endpoints. Agents match those, and people read on."""
    if isinstance(refusal, MonthIsClosed):
        return {name: [f"{message} {WHO_MAY}" for message in told] for name, told in body_of(refusal).items()}
    return orjson.Fragment(refused(refusal).body)


def _switch(name: str, *, default: bool) -> bool:
    if name not in request.args:
        return default
    word = last_of(name).lower()
    if word not in TRUE | FALSE:  # an empty one, too: `?dry_run` is not to store anything
        raise ValidationError({name: ["Must be a valid boolean."]})
    return word in TRUE


def _reports(items: Sequence[Any]) -> tuple[list[AnyReport], Found]:
    """Return every item as a report, in order, with the objects that the items name."""
    by_schema: dict[Body, list[dict[str, Any]]] = {COMPONENT_REPORT: [], USER_REPORT: []}
    for item in items:
        if isinstance(item, dict):
            by_schema[schema_of(item)].append(item)
    context, cache = context_of(by_schema), Known(dict)
    with Loading(context):
        return [_report(item, cache) for item in items], context.found


def _report(item: Any, cache: Known) -> AnyReport:
    if isinstance(item, MalformedBody):
        return InvalidItem({"detail": str(item)})
    try:
        report: AnyReport = load_item(schema_of(item), item, cache)
    except RecursionError:
        return InvalidItem({"detail": TOO_DEEP})
    return report


def schema_of(item: Any) -> Body:
    return USER_REPORT if isinstance(item, dict) and "username" in item else COMPONENT_REPORT
