"""Answers as bytes."""

from typing import Any

import orjson
from flask import Response


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
    """An answer with nothing in it, not even a content type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
