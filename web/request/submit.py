"""Hands the reports of a request to the ledger, and says what came of them."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from flask import Response

from ledger.decisions.idempotency import Outcome, Remembered, outcomes_of
from ledger.decisions.requests import AnyReport, ReportCommand
from ledger.domain.metering import VersionedResources
from ledger.errors import InvalidItem
from ledger.events import RequestDecided
from web.limits.deadline import overdue
from web.request.authentication import caller, check_caller, provenance
from web.request.reading import reason
from web.request.services import Meter, current, services
from web.wire.body import Found
from web.wire.outcomes import Answer, Form, render
from web.wire.rendering import empty, json_bytes


def submit(
    reports: Sequence[AnyReport],
    form: Form,
    found: Found,
    *,
    is_atomic: bool = True,
    is_dry_run: bool = False,
) -> Response:
    """Append the request's reports, as far as nothing speaks against them, and return what came of them.

    `found` are the objects that they name. Raises ValidationError for a reason in the header that is not to
    be kept.
    """
    sender = current().credentials
    assert sender, "the pipeline has found out who asks"
    command = ReportCommand(
        reports=reports,
        caller=caller(),
        described=current().identified.described,
        check_caller=partial(check_caller, sender, services()),
        now=services().clock(),
        form=form,
        is_atomic=is_atomic,
        is_dry_run=is_dry_run,
        request=current().idempotent,
        is_overdue=overdue(current().note_received()),
        looked_up=VersionedResources(found.version, found.resources),
        provenance=provenance(),
        reason=reason(),
    )
    reported = services().handler.report(command)
    if isinstance(reported, Remembered):
        return replayed(reported)
    if (meter := services().meter) and not is_dry_run:
        count(meter, command, reported)
    return respond(render(form, reported))


def count(meter: Meter, command: ReportCommand, outcomes: Sequence[Outcome]) -> None:
    """Tell a meter what came of reports. Of an atomic request nothing is stored where one is refused."""
    results = Counter(outcome.result for outcome in outcomes)
    accepted = results["created"] + results["changed"]
    if command.is_atomic and results["refused"]:
        accepted = 0
    resources = command.looked_up.resources if command.looked_up else {}
    providers = {
        resources[report.resource_uuid].provider_uuid
        for report, outcome in zip(command.reports, outcomes, strict=True)
        if not isinstance(report, InvalidItem) and not outcome.refusal and report.resource_uuid in resources
    }
    meter.reported(accepted, results["refused"], results["unchanged"], providers)


def replayed(earlier: Remembered) -> Response:
    """Return what the request that had this key before was told."""
    if isinstance(earlier, RequestDecided):
        answer = render(earlier.form, outcomes_of(earlier))
    else:
        answer = Answer(earlier.status, earlier.body)
    response = respond(answer)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def respond(answer: Answer) -> Response:
    """Return an answer as a response."""
    return json_bytes(answer.body.encode(), answer.status) if answer.body else empty(answer.status)
