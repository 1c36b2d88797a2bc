"""The one table from what went wrong to what the wire says."""

import logging
from collections.abc import Callable
from typing import Any

import eventsourcing.persistence
import psycopg
from flask import Flask, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from ledger import errors
from projections.projector import ProjectingFailed
from web.wire.rendering import json_response

log = logging.getLogger(__name__)

WORDS: dict[type[errors.Refusal], tuple[str, str]] = {
    errors.ResourceHasNoPlan: ("resource", "Resource must have a plan to report usage."),
    errors.ResourceNotInValidState: ("resource", "Resource is not in valid state."),
    errors.ComponentsNotReportable: ("non_field_errors", "These components are invalid: {component_types}."),
    errors.MeasuredInFuture: (
        "date",
        "Cannot submit usage for future dates. Date must be current date or earlier.",
    ),
    errors.MayNotBackfill: (
        "date",
        "Only staff users and service providers can specify date for backfilling.",
    ),
    errors.MonthIsClosed: (
        "date",
        "Service providers can only specify date for limit-based or prepaid billing components "
        "when backfilling past billing periods.",
    ),
    errors.FigureTooLarge: (
        "non_field_errors",
        "The figure of the month would have more than 18 digits before the decimal point.",
    ),
    errors.FigureChanged: ("expect", "The figure does not stand as it did at position {expected}."),
    errors.AmountMissing: ("usage", "This field is required."),
    errors.UserLimitExceeded: (
        "non_field_errors",
        "Usage limit exceeded. Maximum allowed: {limit:.2f}, current usage: {current:.2f}, "
        "additional: {additional:.2f}.",
    ),
}
"""Field and message of every refusal; agents match some of the texts, so they are Waldur's."""

LONGEST_ECHO, LONGEST_ECHOES = 1_000, 10_000
"""How many characters of a value, and of a list of values, an error repeats."""

DATABASE_IS_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    eventsourcing.persistence.OperationalError,
    eventsourcing.persistence.InterfaceError,
    eventsourcing.persistence.InternalError,
)


MISSING_TABLES = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
"""What is said while a database is being restored: a part of it is there, and nothing can be done yet."""


class Overloaded(ServiceUnavailable):
    """More requests wait already than may."""

    description = "The server is too busy at the moment. Try again."


class Unauthenticated(Exception):
    """Nobody we know is asking."""


class Missing(Exception):
    """What a query names is not there; the message is the answer."""


class UnsupportedMediaType(Exception):
    """The body is of a kind that is not read here."""


class BadHeader(Exception):
    """A header is not what it should be; the message is the answer."""


class NotThereYet(Exception):
    """The read models did not get to the position that was asked for in time."""

    def __init__(self, wanted: int, position: int) -> None:
        super().__init__(f"The ledger is at position {position}, and not at {wanted} yet. Try again.")


class MalformedBody(Exception):
    """The body is not what its content type says."""


def echo(value: object, longest: int = LONGEST_ECHO) -> str:
    """Return a value as errors repeat it: those of an ordinary size whole."""
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def body_of(refusal: errors.Refusal) -> dict[str, Any]:
    """Return the wire's words for a refusal."""
    if isinstance(refusal, errors.ItemsRefused):
        return {"usages": [body_of(each) if each else {} for each in refusal.refusals]}
    if isinstance(refusal, errors.InvalidItem):
        return refusal.problems
    field, message = WORDS[type(refusal)]
    values = vars(refusal)
    if isinstance(refusal, errors.ComponentsNotReportable):
        values = {"component_types": echo(", ".join(refusal.component_types), LONGEST_ECHOES)}
    return {field: [message.format(**values)]}


def refused(refusal: errors.Refusal) -> Response:
    return json_response(body_of(refusal), 400)


def changed(refusal: errors.FigureChanged) -> Response:
    return json_response(body_of(refusal), 412)


def invalid(error: ValidationError) -> Response:
    return json_response(error.messages, 400)


def forbidden(_: errors.NotPermitted) -> Response:
    return detail("You do not have permission to perform this action.", 403)


def nothing_there(error: errors.NotFound) -> Response:
    return detail(f"No {error.kind} matches the given query.", 404)


def missing(error: Missing) -> Response:
    return detail(str(error), 404)


def contended(_: errors.Contended) -> Response:
    return detail("Too many reports of this resource at once. Nothing was stored; send it again.", 409)


def under_way(_: errors.UnderWay) -> Response:
    return detail("A request with this Idempotency-Key is still under way. Send the same again later.", 409)


def key_reused(_: errors.KeyReused) -> Response:
    return detail("This Idempotency-Key was used for another request. A new request needs a new key.", 422)


def not_there_yet(error: NotThereYet) -> Response:
    return later(str(error))


def busy(_: errors.Busy) -> Response:
    return later("Too much is being worked on at the moment. Nothing was stored; send it again.")


def overdue(_: errors.Overdue) -> Response:
    return later(
        "The request has waited here for so long that its sender may have given it up. Nothing was stored;"
        " send it again if it still holds."
    )


def later(message: str) -> Response:
    """503: it may well be answered in a second."""
    response = detail(message, 503)
    response.headers["Retry-After"] = "1"
    return response


def bad_header(error: BadHeader) -> Response:
    return detail(str(error), 400)


def unauthenticated(error: Unauthenticated) -> Response:
    response = detail(str(error), 401)
    response.headers["WWW-Authenticate"] = "Token"
    return response


def unsupported(error: UnsupportedMediaType) -> Response:
    return detail(f'Unsupported media type "{echo(error)}" in request.', 415)


def malformed(error: MalformedBody) -> Response:
    return detail(str(error), 400)


def behind(error: ProjectingFailed) -> Response:
    log.error("The read models are behind the journal: %s", error)
    return behind_now()


def gap(error: errors.StreamGap) -> Response:
    log.error("A report was decided on what is not in the journal: %s", error.__cause__)
    return behind_now()


def behind_now() -> Response:
    return detail("The read models can't be brought up to date at the moment. Try again.", 503)


def is_database_away(error: Exception) -> bool:
    return isinstance(error, DATABASE_IS_AWAY) or isinstance(error.__cause__ or error, MISSING_TABLES)


def unexpected(error: Exception) -> Response:
    if is_database_away(error):
        log.error("The database is not available: %s", error)
        return detail("The database is not available at the moment. Try again.", 503)
    log.exception("%s %s failed", request.method, request.path)
    return detail("A server error occurred.", 500)


def http_error(error: HTTPException) -> Response:
    match error:
        case NotFound():
            return detail("Not found.", 404)
        case MethodNotAllowed():
            response = detail(f'Method "{request.method}" not allowed.', 405)
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
            return response
        case RequestEntityTooLarge():
            return detail("The request body is too large.", 413)
    return detail(error.description or error.name, error.code or 500)


def detail(message: str, status: int) -> Response:
    return json_response({"detail": message}, status)


ANSWERS: dict[type[Exception], Callable[[Any], Response]] = {
    errors.Refusal: refused,
    errors.FigureChanged: changed,
    ValidationError: invalid,
    errors.NotPermitted: forbidden,
    errors.NotFound: nothing_there,
    Missing: missing,
    errors.Contended: contended,
    errors.UnderWay: under_way,
    errors.KeyReused: key_reused,
    errors.StreamGap: gap,
    NotThereYet: not_there_yet,
    errors.Busy: busy,
    errors.Overdue: overdue,
    BadHeader: bad_header,
    Unauthenticated: unauthenticated,
    UnsupportedMediaType: unsupported,
    MalformedBody: malformed,
    HTTPException: http_error,
    ProjectingFailed: behind,
    Exception: unexpected,
}
"""Who answers for which error; of an error's kinds the most special one counts."""


def answer_to(error: Exception) -> Response:
    """Return the response for an error that was returned and not raised: an item of a bulk report."""
    kind = next(each for each in type(error).__mro__ if each in ANSWERS)
    return ANSWERS[kind](error)


def register(app: Flask, check_connections: Callable[[], None]) -> None:
    """Have an application answer every error in JSON.

    `check_connections` is called when the database was away: else each dead connection would cost a request.
    """

    def answer_unexpected(error: Exception) -> Response:
        if is_database_away(error):
            check_connections()
        return unexpected(error)

    for kind, answer in ANSWERS.items():
        app.register_error_handler(kind, answer_unexpected if kind is Exception else answer)
