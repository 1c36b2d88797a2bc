"""Conditional requests: how new an answer is, and a 304 for a client that has it already.

Every answer says in `Ledger-Position` up to where in the journal it is good. A GET has a strong `ETag` that
changes only when the answer could: with the last fact that touched what the caller sees and asks for, the
caller's rights, the day where the answer depends on it, a rebuild that made other rows, and the version of
this software. So a 304 is told before a row is read, and what is reported of others changes nothing.
Of an answer as of an earlier fact that fact is the last one, and the day is its own: what comes later changes
nothing, unless somebody is forgotten.

Which facts could change an answer is told by `web/request/validators/dependencies.py`. Price: two rows that
each report moves, and a query for an answer once somebody has reported, whoever it was.
"""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec
from flask import Response, current_app, request
from psycopg.errors import SerializationFailure
from werkzeug.http import parse_etags

from ledger.domain.access import Caller
from ledger.errors import Contended
from projections.fast.position import End, KnownPosition
from projections.fast.scopes import Bounds, LastChange, last_change
from projections.history.moments import Past
from projections.schema import BUILT_BY
from web.request.authentication import CREDENTIALS, STATISTICS, identify, identify_again, note_caller
from web.request.services import Current, Services, current, services
from web.request.validators.dependencies import bounds_of
from web.request.validators.kept import ADDRESS, Answer, key_of
from web.wire.errors import Problem, log_problem, problem_of
from web.wire.rendering import DECLARED, json_response, not_modified

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

VERSION = version("usage-ledger")
"""Of the installed software."""

READING = ("GET", "HEAD")
"""The methods whose answers are of the read models, and may be had already."""

DEPEND_ON_THE_DAY = (
    "/api/marketplace-component-usage-monthly/",
    "/api/marketplace-project-usage/",
    "/api/marketplace-customer-usage/",
    "/api/marketplace-provider-offerings/",
    *("/api/ledger/monthly-usages/", "/api/ledger/movers/", "/api/ledger/freshness/"),
    STATISTICS,
)
"""How paths of answers begin that show the current month or period."""

DEPEND_ON_THE_MOMENT = (
    *("/plan_periods/", "/resources_missing_usage/", "/silent-resources/", "/ledger/events/"),
    *("/ledger/checkpoint", "/proof", "/exports/focus/"),
)
"""How paths of answers end that may be others a second later: there is no 304 for them."""


class ConditionalGet:
    """WSGI middleware that answers most conditional GETs with a 304 before Flask begins with the request.

    Everything else, from an answer that is not remembered to a database that is away, is left to Flask.
    """

    def __init__(self, application: "WSGIApplication", services: Services) -> None:
        self._application, self._services = application, services

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" in environ and environ["REQUEST_METHOD"] in READING:
            with suppress(Exception):
                if headers := self._headers(environ):
                    start_response("304 NOT MODIFIED", headers)
                    return []
        return self._application(environ, start_response)

    def _headers(self, environ: "WSGIEnvironment") -> list[tuple[str, str]]:
        """Return the headers of a 304, none if the client does not have the answer."""
        services, key = self._services, key_of(environ)
        answer = services.kept.answers.get(key)
        if answer is None or "HTTP_PREFER" in environ or not _has(environ["HTTP_IF_NONE_MATCH"], answer.etag):
            return []
        known = services.projector.refresh()
        if answer.known != known:
            if (changed := self._still(environ, answer, known)) is None:
                return []
            answer = changed
            services.kept.answers.put(key, answer)
        if answer.day != day_of(environ["PATH_INFO"], services) or (
            answer.credentials.expires_at is not None and answer.credentials.expires_at <= services.clock()
        ):
            return []
        note_caller(environ, answer.credentials)
        return [
            ("Ledger-Position", str(answer.known.end.position)),
            ("ETag", f'"{answer.etag}"'),
            ("Vary", "Accept"),
        ]

    def _still(self, environ: "WSGIEnvironment", answer: Answer, known: KnownPosition) -> Answer | None:
        """Return the answer as one of now, None unless it is sure to be the same."""
        before, bounds = answer.known, answer.bounds
        if bounds is None or (before.generation, before.edition) != (known.generation, known.edition):
            return None
        if identify(environ["HTTP_AUTHORIZATION"], self._services) != answer.credentials:
            return None
        change = changed_last(self._services, bounds, known)
        if change.last != answer.last or change.known_digest != known.end.digest:
            return None
        return answer._replace(known=known._replace(end=change.end))


def _has(header: str, etag: str) -> bool:
    """Return whether the ETag is among those of a header. Most clients send just the one."""
    return header == f'"{etag}"' or (not (tags := parse_etags(header)).star_tag and tags.contains_weak(etag))


def unmodified() -> Response | None:
    """Return a 304 if the client has the answer that it would get."""
    now = current()
    # Before anything is read: what is read a moment later may be of tomorrow.
    now.day = _day_of_past(now.past) if now.past else day_of(request.path, services())
    if "If-None-Match" in request.headers:
        now.etag = _etag(now)
        if not request.if_none_match.star_tag and request.if_none_match.contains_weak(now.etag):
            return not_modified()
    return None


def add_position(response: Response) -> Response:
    """Return the response with `Ledger-Position`, and with the `ETag` of the answer to a GET of the API.

    A page asks the API several questions: the tag of the last one would be none of its own.
    """
    now, shared = current(), services().projector.shared_position
    if request.method not in READING or now.end is None:
        now.end = shared.known().end
    elif now.credentials and now.end > now.identified.end and (problem := _overtaken(now.end)):
        response.close()
        response = json_response(problem.body, problem.status)
        response.headers.update(problem.headers)
    response.headers["Ledger-Position"] = str(now.end.position)
    if response.status_code == 304 and now.caller:
        response.headers["Vary"] = "Accept"
        response.headers["ETag"] = f'"{now.etag}"'
    elif (
        response.status_code == 200
        and now.caller
        and request.method in READING
        and request.path.startswith("/api/")
    ):
        now.etag = _etag(now)  # anew: the rows may be of a later position than when the request came
        response.headers["ETag"] = f'"{now.etag}"'
        declared = DECLARED.get(current_app.view_functions[request.endpoint or ""])
        if declared and declared.is_list:
            response.headers["Vary"] = "Accept"  # they come in several forms
        if request.if_none_match.star_tag:
            response.close()  # one of many parts holds what they are made from
            return add_position(not_modified())
    return response


def _overtaken(end: End) -> Problem | None:
    """Return what is wrong with an answer whose rows are later than what is known of who asks, if it is.

    They may be of a fact whose writer has not told of it yet. Nobody is shown what came after their token or
    role was taken from them, whichever server took it.
    """
    projector = services().projector
    try:
        if end > projector.shared_position.known().end:
            projector.reached()
        identify_again(projector.shared_position.known().described)
    except Contended:
        return problem_of(SerializationFailure())
    except Exception as error:
        problem = problem_of(error)
        log_problem(error, problem)
        return problem
    return None


def _etag(now: Current) -> str:
    """Return the ETag of the answer whose rows are as the fact at `now.end` left them."""
    assert now.end, "the pipeline has asked where the read models are"
    assert now.caller, "and who asks"
    assert now.credentials, "by which token"
    environ = request.environ
    # Where the token alone tells who asks: not for the page that asks for somebody.
    may_be_kept = not (
        now.past
        or CREDENTIALS in environ
        or b"min_position" in request.query_string
        or request.path.endswith(DEPEND_ON_THE_MOMENT)
    )
    if not may_be_kept:
        return etag_of(environ, now.end, now.known.edition, now.day, now.caller)
    kept, key, known = services().kept, key_of(environ), now.known._replace(end=now.end)
    answer = kept.answers.get(key)
    if answer and (answer.known, answer.day, answer.credentials) == (known, now.day, now.credentials):
        return answer.etag
    rule = request.url_rule.rule if request.url_rule else ""
    bounds = bounds_of(rule, request.view_args or {}, request.args, now.caller)
    last = now.end if bounds is None else _last(bounds, known)
    etag = etag_of(environ, last, known.edition, now.day, now.caller)
    kept.answers.put(key, Answer(known, last, etag, now.day, bounds, now.credentials))
    return etag


def _last(bounds: Bounds, known: KnownPosition) -> End:
    """Return the last fact up to a position that touched what is within bounds.

    Where another one came since, nobody can say which it was. The fact at the position is as good then: it
    names the same rows.
    """
    kept = services().kept.bounds
    before = kept.get(bounds)
    if before and before[0] == known:
        return before[1]
    change = changed_last(services(), bounds, known)
    if change.known_digest != known.end.digest or change.last > known.end:
        return known.end
    kept.put(bounds, (known, change.last))
    return change.last


def changed_last(services: Services, bounds: Bounds, known: KnownPosition) -> LastChange:
    """Ask for the last fact that touched what is within bounds."""
    with services.reading() as cursor:
        return last_change(cursor, bounds, known.end)


def etag_of(environ: "WSGIEnvironment", last: End, edition: int, day: str, caller: Caller) -> str:
    """Return the ETag of the answer to this caller that could last have changed with this fact."""
    asked = [environ.get(name, "") for name in ADDRESS]
    key = f"{last.position} {last.digest} {edition} {asked} {day} {VERSION} {BUILT_BY}"
    return sha256(key.encode() + msgspec.json.encode(caller)).hexdigest()[:32]


def _day_of_past(past: Past) -> str:
    """Return the day of a fact, and what was forgotten since: answers from before may name somebody."""
    forgotten = services().last_forgotten()
    since = f", forgotten at {forgotten}" if forgotten > past.end.position else ""
    return f"as of {past.recorded_at.astimezone(services().ledger.zone):%F}{since}"


def day_of(path: str, services: Services) -> str:
    """Return today in the ledger's zone, or the moment, where an answer depends on it; else nothing."""
    if path.endswith(DEPEND_ON_THE_MOMENT):
        return services.clock().isoformat()
    if not path.startswith(DEPEND_ON_THE_DAY):
        return ""
    return f"{services.clock().astimezone(services.ledger.zone):%F}"
