"""Handing reports in: from what a request brought to what it is told."""

from collections.abc import Callable, Sequence

from flask import Response, g

from ledger.decisions.requests import Answer, AnyReport, Outcome, Submission
from ledger.errors import ItemsRefused, LedgerError
from web.request.authentication import caller
from web.request.deadline import overdue
from web.request.services import services
from web.wire.errors import answer_to
from web.wire.rendering import empty, json_bytes

CREATED = Answer(201, "")


def submit(
    reports: Sequence[AnyReport],
    tell: Callable[[Sequence[Outcome]], Answer],
    *,
    is_atomic: bool = True,
    is_dry_run: bool = False,
) -> Response:
    """Stores the reports of this request, as far as nothing speaks against them. `tell` words the outcomes.

    `tell` may be called for another request's sake by the thread that works for all: it knows no request.
    """
    return answered(
        services().desk.report(
            Submission(
                reports=reports,
                caller=caller(),
                now=services().clock(),
                answer=tell,
                is_atomic=is_atomic,
                is_dry_run=is_dry_run,
                request=g.get("idempotent_request"),
                is_overdue=overdue(),
            )
        )
    )


def answered(answer: Answer) -> Response:
    response = json_bytes(answer.body.encode(), answer.status) if answer.body else empty(answer.status)
    if answer.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def one(outcomes: Sequence[Outcome]) -> Answer:
    """What the only report of a request is told."""
    (outcome,) = outcomes
    return refused(outcome.refusal) if outcome.refusal else CREATED


def one_user(outcomes: Sequence[Outcome]) -> Answer:
    """The same for a report of one user, whose refusal is told as it is."""
    (outcome,) = outcomes
    return refused(alone(outcome.refusal)) if outcome.refusal else CREATED


def refused(refusal: LedgerError) -> Answer:
    response = answer_to(refusal)
    return Answer(response.status_code, response.get_data(as_text=True))


def alone(refusal: LedgerError) -> LedgerError:
    """The refusal of a single item without the list around it."""
    if isinstance(refusal, ItemsRefused):
        (only,) = refusal.refusals
        return only or refusal
    return refusal
