"""Compressed bodies: `Content-Encoding: gzip` is expanded while it is read, and only as far.

All that reads a body sees the expanded one: views, and the digest of `Idempotency-Key`.
"""

import zlib
from collections.abc import Iterable, Sequence
from gzip import BadGzipFile, GzipFile
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import LimitedStream

from web.wire.errors import MalformedBody, UnsupportedEncoding

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GZIP = (["gzip"], ["x-gzip"])

PART_BYTES = 64 * 1024
"""So much is read of the client at a time."""


class Expanded:
    """The body of a request that came with these encodings, of no more than `most` bytes as it came."""

    def __init__(self, stream: Any, encodings: Sequence[str], most: int) -> None:
        self._encodings = encodings
        limited: Any = LimitedStream(stream, most, is_max=True)
        self._file = GzipFile(fileobj=BufferedReader(limited, PART_BYTES), mode="rb")

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises UnsupportedEncoding, MalformedBody, RequestEntityTooLarge."""
        if self._encodings not in GZIP:
            raise UnsupportedEncoding(", ".join(self._encodings))
        try:
            return self._file.read(size)
        except (EOFError, BadGzipFile, zlib.error) as error:
            raise MalformedBody(f"gzip error - {error}") from None


def expanding(application: "WSGIApplication", most: int) -> "WSGIApplication":
    """Return the application for requests with bodies of up to `most` bytes that may be compressed."""

    def expanded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        named = environ.get("HTTP_CONTENT_ENCODING", "").lower().split(",")
        if encodings := [each.strip() for each in named if each.strip() not in ("", "identity")]:
            environ["wsgi.input"] = Expanded(environ["wsgi.input"], encodings, most)
            environ["wsgi.input_terminated"] = True  # there is an end to it, at an unknown length
            environ.pop("CONTENT_LENGTH", None)
        return application(environ, start_response)

    return expanded
