"""The errors that a route may answer, by status: the table of `web/wire/errors.py`, and who raises what."""

from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException, LengthRequired, RequestEntityTooLarge, RequestTimeout

from ledger import errors
from projections.projector import ProjectingFailed
from web.docs.examples import EXAMPLES
from web.docs.routes import Route
from web.request.authentication import STATISTICS
from web.request.idempotency import HEADER
from web.request.reading import EXPECT
from web.wire.errors import (
    DETAILS,
    BadHeader,
    MalformedBody,
    Missing,
    NotForThis,
    NotThereYet,
    Overloaded,
    ReadOnly,
    TooManyGuesses,
    Unauthenticated,
    UnsupportedEncoding,
    UnsupportedMediaType,
    UnusableHost,
)
from web.wire.rendering import RAISED

Json = dict[str, Any]
Errors = tuple[type[Exception], ...]

OF_EVERYTHING: Errors = (UnusableHost, Overloaded, Exception)
WITH_TOKEN: Errors = (Unauthenticated, TooManyGuesses, NotForThis, ProjectingFailed, BadHeader)
WITH_BODY: Errors = (
    *(MalformedBody, RequestEntityTooLarge, UnsupportedMediaType, UnsupportedEncoding),
    *(LengthRequired, RequestTimeout),
    *(errors.Busy, errors.NotPermitted, errors.Contended, errors.Refusal, ReadOnly),
)
WITH_KEY: Errors = (errors.UnderWay, errors.KeyReused, errors.Overdue)

OF_STATUS: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    415: ("Accept-Encoding",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
"""Headers of errors."""


def errors_of(route: Route) -> Errors:
    """Return the kinds of errors that a route may answer, as its path, method, body and view tell."""
    found: Errors = OF_EVERYTHING + RAISED.get(route.view, ())
    if route.path.startswith(STATISTICS):
        found += (errors.NotPermitted,)
    if route.needs_token:
        found += WITH_TOKEN
        if route.method == "GET":
            found += (NotThereYet,)
    if "{" in route.path or "Link" in route.declared.headers:  # nothing there, or no such page
        found += (Missing,)
    if route.read or route.method != "GET":
        found += WITH_BODY
    if route.read and HEADER in route.read.headers:
        found += WITH_KEY
    if route.read and EXPECT in route.read.headers:
        found += (errors.FigureChanged,)
    return found


def status_of(kind: type[Exception]) -> int:
    """Return the status that errors of a kind are told with."""
    if issubclass(kind, errors.FigureChanged | errors.FiguresMoved):
        return 412
    if issubclass(kind, errors.Refusal):
        return 400
    if issubclass(kind, HTTPException):
        assert kind.code
        return kind.code
    if issubclass(kind, TooManyGuesses):
        return 429
    return DETAILS[next(each for each in kind.__mro__ if each in DETAILS)].status


def statuses_of(route: Route) -> list[int]:
    """Return the statuses of a route's errors, in order."""
    return sorted({status_of(kind) for kind in errors_of(route)})


def name_of(status: int) -> str:
    """Return the name that the description has for the answer with this status."""
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def examples_of(status: int) -> Json:
    """Return the real answers with a status, by the name of what went wrong."""
    return {name: {"value": body} for name, body in EXAMPLES["errors"].get(str(status), {}).items()}
