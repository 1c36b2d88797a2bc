"""Answers as bytes, and what a view declares: its answers, the body that it reads, and its errors."""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec

import orjson
from flask import Response
from marshmallow import Schema

P = ParamSpec("P")


TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
"""Content types of answers that are not JSON."""


class Declared(NamedTuple):
    """What a view answers with these statuses: a value of a schema, a list of such, or nothing (None).

    With a `content_type` it is none of these, but text or bytes. It has `headers` besides those of every
    answer. `forms` are content types that it comes in, if not in that of JSON alone.
    """

    schema: Schema | None
    statuses: tuple[int, ...]
    is_list: bool
    content_type: str = ""
    headers: tuple[str, ...] = ()
    forms: tuple[str, ...] = ("application/json",)


class Read(NamedTuple):
    """The body that a view reads: an object of one of these schemas, or a list of such; and its headers.

    `is_about_reports`: tokens that may only report may send it.
    """

    bodies: tuple[Schema, ...]
    is_list: bool
    headers: tuple[str, ...]
    is_about_reports: bool = False


DECLARED: dict[Callable[..., Any], Declared] = {}
READ: dict[Callable[..., Any], Read] = {}
RAISED: dict[Callable[..., Any], tuple[type[Exception], ...]] = {}

COUNTED = ("X-Result-Count",)
PAGED = ("Link", *COUNTED)
"""Headers of lists that come whole, and of pages."""


def answers(
    schema: Schema | None,
    *statuses: int,
    is_list: bool = False,
    headers: tuple[str, ...] = (),
    forms: tuple[str, ...] = ("application/json",),
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares what a view answers, with status 200 unless told otherwise."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        DECLARED[view] = Declared(schema, statuses or (200,), is_list, headers=headers, forms=forms)
        return view

    return declare


def answers_with(
    content_type: str, *headers: str
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares that a view answers with text or bytes."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        DECLARED[view] = Declared(None, (200,), is_list=False, content_type=content_type, headers=headers)
        return view

    return declare


def reads(
    *bodies: Schema, is_list: bool = False, headers: tuple[str, ...] = (), is_about_reports: bool = False
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares the body and the headers that a view reads."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        READ[view] = Read(bodies, is_list, headers, is_about_reports)
        return view

    return declare


def raises(*errors: type[Exception]) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares errors of a view that its path, method and body do not tell."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        RAISED[view] = errors
        return view

    return declare


def json_response(body: Any, status: int = 200) -> Response:
    return json_bytes(orjson.dumps(body), status)


def json_bytes(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")


def not_modified() -> Response:
    return empty(304)


def moved_permanently(location: str) -> Response:
    response = empty(301)
    response.headers["Location"] = location
    return response


def empty(status: int) -> Response:
    """Return a response with nothing in it, not even a content type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
