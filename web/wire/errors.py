"""The one table from what went wrong to what the wire says."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg
from flask import Flask, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import (
    BadHost,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from ledger import errors
from projections.projector import ProjectingFailed
from web.wire.failures.database import UNREADABLE, given_up, is_database_away
from web.wire.failures.refusals import WORDS
from web.wire.rendering import json_response

log = logging.getLogger(__name__)

LONGEST_ECHO, LONGEST_ECHOES, LONGEST_HOST_ECHO = 1_000, 10_000, 100
"""How many characters of a value, of a list of values, and of a host an error repeats."""


class Overloaded(ServiceUnavailable):
    """More requests wait already than may."""

    description = "The server is too busy at the moment. Try again."


class Unauthenticated(Exception):
    """Nobody we know is asking."""


class UnknownToken(Unauthenticated):
    """Nobody has this token: a mistake, or a guess."""


class TooManyGuesses(Exception):
    """So many wrong tokens came from an address that this one is no mistake."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Invalid token. Too many came from this address: wait before you try another one.")
        self.seconds = seconds


class NotForThis(Exception):
    """The token is for something else; the message is the answer."""


class Missing(Exception):
    """What a query names is not there; the message is the answer."""


class UnsupportedMediaType(Exception):
    """The body is of a kind that is not read here."""


class UnsupportedEncoding(Exception):
    """The body is compressed in a way that is not read here."""


class BadHeader(Exception):
    """A header is not what it should be; the message is the answer."""


class UnusableHost(Exception):
    """Links can't be made of the host that the client, or a trusted proxy, says it came to."""

    def __init__(self, host: str) -> None:
        about = f'of the host "{echo(host, LONGEST_HOST_ECHO)}"' if host else "without a host in ASCII"
        super().__init__(
            f"Links can't be made {about}: it must be a name or an address in ASCII, and may have a port."
        )


class NotThereYet(Exception):
    """The read models did not get to the position that was asked for in time."""

    def __init__(self, wanted: int, position: int) -> None:
        super().__init__(f"The ledger is at position {position}, and not at {wanted} yet. Try again.")


class ReadOnly(Exception):
    """Nothing is written here; the message is the answer."""


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
    if isinstance(refusal, errors.FigureMoved) and refusal.then is None:
        values = {**values, "then": "not there"}
    return {field: [message.format(**values)]}


class Problem(NamedTuple):
    """What an error is told as: a status, a body that becomes JSON, and headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class Detail(NamedTuple):
    """How errors of a kind are told: a status and a message. `{error}` in it is the error."""

    status: int
    message: str = "{error}"
    headers: Mapping[str, str] = {}


SOON = {"Retry-After": "1"}

TAMPERED = "A fact that this rests on can't be read: the journal was changed. `usage-ledger verify` names it."

BEHIND = "The read models can't be brought up to date at the moment. Try again."

DETAILS: dict[type[Exception], Detail] = {
    BadHeader: Detail(400),
    MalformedBody: Detail(400),
    UnusableHost: Detail(400),
    Unauthenticated: Detail(401, headers={"WWW-Authenticate": "Token"}),
    NotForThis: Detail(403),
    errors.NotPermitted: Detail(403, "You do not have permission to perform this action."),
    errors.NotFound: Detail(404, "No {error.kind} matches the given query."),
    Missing: Detail(404),
    errors.SecondPersonNeeded: Detail(
        403, "Who proposed a correction does not approve it: a second person who may report it does."
    ),
    errors.WrongStep: Detail(409),
    errors.Contended: Detail(409, "Too many reports at once. Nothing was stored; send it again.", SOON),
    errors.UnderWay: Detail(
        409, "A request with this Idempotency-Key is still under way. Send the same again later.", SOON
    ),
    UnsupportedMediaType: Detail(415, 'Unsupported media type "{error}" in request.'),
    UnsupportedEncoding: Detail(
        415, 'Unsupported content encoding "{error}" in request: gzip is read.', {"Accept-Encoding": "gzip"}
    ),
    errors.KeyReused: Detail(
        422, "This Idempotency-Key was used for another request. A new request needs a new key."
    ),
    errors.Busy: Detail(
        503, "Too much is being worked on at the moment. Nothing was stored; send it again.", SOON
    ),
    errors.Overdue: Detail(
        503,
        "The request has waited here for so long that its sender may have given it up. Nothing was stored;"
        " send it again if it still holds.",
        SOON,
    ),
    NotThereYet: Detail(503, headers=SOON),
    ReadOnly: Detail(503, headers={"Retry-After": "10"}),
    psycopg.errors.SerializationFailure: Detail(503, "What was read is being replaced. Try again.", SOON),
    errors.NoSigningKey: Detail(503, "This ledger has no signing key."),
    errors.SigningRefused: Detail(503),
    errors.UnreadableFact: Detail(503),
    errors.TreeDamaged: Detail(503, "The journal and its tree differ: {error}."),
    errors.StreamGap: Detail(503, BEHIND),
    ProjectingFailed: Detail(503, BEHIND),
    Exception: Detail(500, "A server error occurred."),
}
"""Of an error's kinds the most special one counts."""


def problem_of(error: Exception) -> Problem:
    """Return what an error is told as, be it raised or the refusal of an item of a bulk report."""
    match error:
        case ValidationError():
            return Problem(400, error.messages)
        case errors.FiguresMoved(refusals=refusals):
            moved = len(refusals) - refusals.count(None)
            of_all = f"{moved} of {len(refusals)} figures moved since that position. Nothing was done."
            return Problem(412, {"expect": [of_all], "items": [_of_item(each) for each in refusals]})
        case errors.CorrectionRefused(refusals=refusals):
            return Problem(400, {"items": [_of_item(each) for each in refusals]})
        case ProjectingFailed(__cause__=errors.UnreadableFact() as unreadable):
            return problem_of(unreadable)
        case errors.Refusal():
            return Problem(412 if isinstance(error, errors.FigureChanged) else 400, body_of(error))
        case HTTPException():
            return _problem_of_http(error)
        case TooManyGuesses():
            return _detail(429, str(error), {"Retry-After": str(error.seconds)})
    if ended := given_up(error):
        return _detail(503, ended, SOON)
    if isinstance(error, UNREADABLE):
        return _detail(503, TAMPERED)
    if _is_database_away(error):
        return _detail(503, "The database is not available at the moment. Try again.")
    status, message, headers = DETAILS[_kind_of(error)]
    told = echo(error) if isinstance(error, UnsupportedMediaType | UnsupportedEncoding) else error
    return _detail(status, message.format(error=told), headers)


def unwrapped(refusal: errors.LedgerError) -> errors.LedgerError:
    """Return the refusal of a single item without the list around it."""
    if isinstance(refusal, errors.ItemsRefused):
        (only,) = refusal.refusals
        return only or refusal
    return refusal


def _of_item(refusal: errors.LedgerError | None) -> Any:
    return problem_of(unwrapped(refusal)).body if refusal else {}


def _problem_of_http(error: HTTPException) -> Problem:
    match error:
        case NotFound():
            return _detail(404, "Not found.")
        case MethodNotAllowed():
            allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
            return _detail(405, f'Method "{request.method}" not allowed.', allowed)
        case BadHost():
            return _detail(400, str(UnusableHost(request.environ["HTTP_HOST"])))
        case RequestEntityTooLarge():
            return _detail(413, "The request body is too large.")
    return _detail(error.code or 500, error.description or error.name)


def _detail(status: int, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> Problem:
    return Problem(status, {"detail": message}, headers)


def _kind_of(error: Exception) -> type[Exception]:
    return next(each for each in type(error).__mro__ if each in DETAILS)


def _is_database_away(error: Exception) -> bool:
    """Return whether an error that nobody expects says that the database can't be asked at the moment."""
    return _kind_of(error) is Exception and is_database_away(error)


def register(app: Flask, check_connections: Callable[[], None]) -> None:
    """Have an application answer every error in JSON.

    `check_connections` is called when the database was away: else each dead connection would cost a request.
    """

    def answer(error: Exception) -> Response:
        problem = problem_of(error)
        log_problem(error, problem)
        if _is_database_away(error):
            check_connections()
        response = json_response(problem.body, problem.status)
        response.headers.update(problem.headers)
        return response

    app.register_error_handler(Exception, answer)


def log_problem(error: Exception, problem: Problem) -> None:
    """Log what the operator has to know of."""
    if isinstance(error, ProjectingFailed):
        log.error("The read models are behind the journal: %s", error)
    elif isinstance(error, errors.StreamGap):
        log.error("A report was decided on what is not in the journal: %s", error.__cause__)
    elif isinstance(error, (errors.UnreadableFact, *UNREADABLE)):
        log.error("%s %s needs a fact that can't be read: %s", request.method, request.path, error)
    elif given_up(error):
        log.warning("%s %s was given up: %s", request.method, request.path, error)
    elif _is_database_away(error):
        log.error("The database is not available: %s", error)
    elif problem.status == 500:
        log.exception("%s %s failed", request.method, request.path)
