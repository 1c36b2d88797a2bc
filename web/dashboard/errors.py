"""Errors as pages: what is wrong, in the words that the API has for it, and where to go on."""

from collections.abc import Iterator
from typing import Any

from flask import Response, request, url_for

from web.dashboard.asking import Refused
from web.dashboard.frame import ForeignForm, SignInFirst, add_headers, moved_to, show
from web.wire.errors import Problem, log_problem, problem_of

FOREIGN = "This form was sent by a page of another site. Nothing was done."

TITLES = {
    400: "This can't be shown",
    403: "Not for you",
    404: "Not found",
    503: "Not now",
}
OTHER_TITLES = ("This can't be done", "Something went wrong")


def error_page(error: Exception) -> Response:
    """Return the page that tells an error; whoever is not signed in is asked to do so."""
    if isinstance(error, SignInFirst):
        # The form leads back to the page, unless that would be to send something again.
        place = request.full_path.rstrip("?") if request.method == "GET" else None
        return moved_to(url_for("session.sign_in", next=place))
    problem = _problem_of(error)
    log_problem(error, problem)
    title = TITLES.get(problem.status, OTHER_TITLES[problem.status >= 500])
    response = show("error.html", problem.status, title=title, messages=[*messages_in(problem.body)])
    response.headers.update(problem.headers)
    return add_headers(response)


def _problem_of(error: Exception) -> Problem:
    match error:
        case ForeignForm():
            return Problem(403, {"detail": FOREIGN})
        case Refused():
            return Problem(error.status, error.body)
    return problem_of(error)


def messages_in(body: Any, name: str = "") -> Iterator[str]:
    """Yield the messages in the body of an error, each with the name of what it is about."""
    match body:
        case dict():
            for key, value in body.items():
                yield from messages_in(value, "" if key in ("detail", "non_field_errors") else str(key))
        case list():
            for each in body:
                yield from messages_in(each, name)
        case _:
            yield f"{name}: {body}" if name else str(body)
