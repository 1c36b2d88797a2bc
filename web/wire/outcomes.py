"""Answers to reports: an HTTP status and a body, made of their outcomes.

Made after the transaction: the journal keeps outcomes, and the name of the form in which they are told.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import orjson

from ledger.decisions.idempotency import Outcome, Result
from ledger.errors import LedgerError, MonthIsClosed
from web.wire.errors import body_of, problem_of, unwrapped
from web.wire.responses.messages import NOT_STORED

WHO_MAY = "Only staff may report past months of other components."

Form = Literal["single", "single_user", "bulk", "atomic_bulk", "atomic_bulk_dry_run"]
"""How outcomes are told. Facts keep these names."""


class Answer(NamedTuple):
    """An HTTP status and a body, empty where nothing is said."""

    status: int
    body: str


def render(form: str, outcomes: Sequence[Outcome]) -> Answer:
    """Return what a request is told of its reports."""
    return FORMS[form](outcomes)


def render_single(outcomes: Sequence[Outcome]) -> Answer:
    """Return what the only report of a request is told."""
    (outcome,) = outcomes
    return refused(outcome.refusal) if outcome.refusal else Answer(201, "")


def render_single_user(outcomes: Sequence[Outcome]) -> Answer:
    """Return what the report of one user is told, without the list around its refusal."""
    (outcome,) = outcomes
    return refused(unwrapped(outcome.refusal)) if outcome.refusal else Answer(201, "")


def render_bulk(outcomes: Sequence[Outcome], *, is_atomic: bool) -> Answer:
    """Return 201 if anything was stored, or would be in earnest; else 400 if any was refused; else 200."""
    counted = Counter(outcome.result for outcome in outcomes)
    stores = counted["created"] + counted["changed"] > 0 and not (is_atomic and counted["refused"])
    status = 201 if stores else 400 if counted["refused"] else 200
    body = {result: counted[result] for result in get_args(Result)}
    return Answer(status, orjson.dumps(body | {"results": list(map(_result, outcomes))}).decode())


def render_atomic_bulk(outcomes: Sequence[Outcome]) -> Answer:
    """Return what a request of all or nothing is told: where anything was refused, nothing was stored."""
    if not any(each.refusal for each in outcomes):
        return render_bulk(outcomes, is_atomic=True)
    results = list(map(_result, outcomes))
    in_vain = set()
    for outcome, result in zip(outcomes, results, strict=True):
        # A figure is unchanged only if nothing before it in the request was to change it.
        if outcome.result in ("created", "changed") or outcome.uuid in in_vain:
            in_vain.add(outcome.uuid)
            result["result"] = NOT_STORED
    counted = Counter(result["result"] for result in results)
    body = {result: counted[result] for result in (*get_args(Result), NOT_STORED)}
    return Answer(400, orjson.dumps(body | {"results": results}).decode())


FORMS: dict[str, Callable[[Sequence[Outcome]], Answer]] = {
    "single": render_single,
    "single_user": render_single_user,
    "bulk": partial(render_bulk, is_atomic=False),
    "atomic_bulk": render_atomic_bulk,
    "atomic_bulk_dry_run": partial(render_bulk, is_atomic=True),
}


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal:
        return {"result": outcome.result, "errors": _errors(unwrapped(outcome.refusal))}
    uuid = outcome.uuid.hex if outcome.uuid else None
    return {"result": outcome.result, "uuid": uuid, "position": outcome.position}


def _errors(refusal: LedgerError) -> Any:
    """Return errors in the words of the single endpoints. Agents match those, and people read on."""
    if isinstance(refusal, MonthIsClosed):
        return {name: [f"{message} {WHO_MAY}" for message in told] for name, told in body_of(refusal).items()}
    return orjson.Fragment(refused(refusal).body)


def refused(refusal: LedgerError) -> Answer:
    """Return what a refusal is told as."""
    status, body, _ = problem_of(refusal)
    return Answer(status, orjson.dumps(body).decode())
