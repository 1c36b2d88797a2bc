"""Answers as bytes."""

from typing import Any

import orjson
from flask import Response


def json_response(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")


def created() -> Response:
    """201 with nothing in it, not even a content type."""
    response = Response(status=201)
    del response.headers["Content-Type"]
    return response
