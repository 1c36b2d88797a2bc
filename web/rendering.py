"""Answers as bytes."""

from typing import Any

import orjson
from flask import Response


def json_response(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")


def created() -> Response:
    return _empty(201)


def moved_permanently(location: str) -> Response:
    response = _empty(301)
    response.headers["Location"] = location
    return response


def _empty(status: int) -> Response:
    """An answer with nothing in it, not even a content type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
