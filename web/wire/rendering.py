"""Answers as bytes, and which schema declares the answer of a view."""

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

    With a `content_type` it is none of these, but text or bytes.
    """

    schema: Schema | None
    statuses: tuple[int, ...]
    is_list: bool
    content_type: str = ""


DECLARED: dict[Callable[..., Any], Declared] = {}


def answers(
    schema: Schema | None, *statuses: int, is_list: bool = False
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares what a view answers, with status 200 unless told otherwise."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        DECLARED[view] = Declared(schema, statuses or (200,), is_list)
        return view

    return declare


def answers_with(content_type: str) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares that a view answers with text or bytes."""

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        DECLARED[view] = Declared(None, (200,), is_list=False, content_type=content_type)
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
