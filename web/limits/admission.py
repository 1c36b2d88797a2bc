"""Which requests are worked on, and which wait: one holds a place only while the server is busy with it.

Threads are cheap, connections to the database are not. So there are more threads than places: a request that
waits for the rest of its body, or for a position, leaves its place to others, and `/healthz` is answered
without one. All kinds of waiting are limited, so that there is always a thread for the next request.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import RequestTimeout

from web.wire.errors import Overloaded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLACES = 8
"""Requests that one worker process works on at a time; each has a database connection."""

QUEUE = 160
"""Requests that wait for a place. Those that come then are told to come again."""

READERS = 64
"""Requests whose bodies are waited for."""

MOST_WAITS = 99
"""Requests that may wait for new facts: the most that an operator can allow."""

STREAMS = 4
"""Answers that are sent in parts, at a time."""

EXPORTS = 4
"""Lists that are sent as files, at a time; each has a database connection."""

OTHER_THREADS = READERS + MOST_WAITS + STREAMS + EXPORTS + 24
"""The last are for those who wait for positions, for health, and for scrapes."""

QUEUE_SECONDS = 10
"""How long a request waits for a place."""

SLOW_BODY_SECONDS = 4
"""A body that breaks off after so long was too slow. Before that its client went away."""

PLACE = "usage-ledger.place"
"""Key in a request's environment: the place that it holds."""

STREAMED = "usage-ledger.streamed"
"""Key in a request's environment: its answer is sent in parts, each made when the one before is taken."""

NEEDS_NO_PLACE = "/healthz"


class Room:
    """Counts who is in, and lets in no more than it has room for."""

    def __init__(self, size: int) -> None:
        self.size, self.used = size, 0
        self._lock = Lock()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in for the time of the block. Raises Overloaded when it is full."""
        with self.entered_if_free() as is_in:
            if not is_in:
                raise Overloaded
            yield

    @contextmanager
    def entered_if_free(self) -> Iterator[bool]:
        """Be in for the time of the block, unless it is full. Yields whether that is so."""
        with self._lock:
            is_in = self.used < self.size
            self.used += is_in
        try:
            yield is_in
        finally:
            with self._lock:
                self.used -= is_in

    @property
    def is_crowded(self) -> bool:
        return 2 * self.used > self.size


class Bounds(NamedTuple):
    """How many requests one worker takes on: those that it works on, and those that wait, for how long."""

    places: int = PLACES
    queue: int = QUEUE
    queue_seconds: float | None = None
    """None is as long as usual."""

    @property
    def threads(self) -> int:
        """Return how many threads a worker may start: one for each request that it has at a time."""
        return self.places + self.queue + OTHER_THREADS


class Places:
    """The places of one process, and the rooms where requests wait: for a place, so many seconds."""

    def __init__(
        self,
        count: int = PLACES,
        queue: int = QUEUE,
        readers: int = READERS,
        seconds: float | None = None,
    ) -> None:
        self.count, self.seconds = count, QUEUE_SECONDS if seconds is None else seconds
        self.free: SimpleQueue[None] = SimpleQueue()
        for _ in range(count):
            self.free.put(None)
        self.queue, self.readers = Room(queue), Room(readers)

    @property
    def used(self) -> int:
        """Return how many requests are worked on."""
        return self.count - self.free.qsize()


class Place:
    """The place of one request, which it has while it is worked on."""

    def __init__(self, places: Places) -> None:
        self._places, self._held = places, False

    def take(self) -> None:
        """Wait for a place. Raises Overloaded."""
        try:
            self._places.free.get_nowait()
        except Empty:
            with self._places.queue.entered():
                try:
                    self._places.free.get(timeout=self._places.seconds)
                except Empty:
                    raise Overloaded from None
        self._held = True

    def leave(self) -> None:
        """Give the place to the next request, unless it was given already."""
        if self._held:
            self._held = False
            self._places.free.put(None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have a place for the time of the block. Raises Overloaded."""
        self.take()
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the place to others for the time of the block. Raises Overloaded."""
        self.leave()
        yield
        self.take()

    @contextmanager
    def left_to_read(self) -> Iterator[None]:
        """Leave the place to others while the client is waited for. Raises Overloaded."""
        with self._places.readers.entered(), self.left():
            yield


class RequestStream:
    """The body of a request, read up to its Content-Length if it has one.

    granian takes a body whose client went away for a whole one, and half a form may well be a report.
    """

    def __init__(self, stream: Any, length: int | None, place: Place) -> None:
        self._stream, self._missing, self._place = stream, length, place
        self.is_read = length == 0

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes.

        Raises Overloaded, OSError if the client went away, RequestTimeout if it was too slow.
        """
        if self.is_read:
            return b""
        began = time.monotonic()
        with self._place.left_to_read():
            data: bytes = self._stream.read(size)
        at_end = size is None or len(data) < size
        if self._missing is None:
            self.is_read = at_end
            return data
        self._missing -= len(data)
        self.is_read = self._missing <= 0
        if at_end and not self.is_read:
            if time.monotonic() - began > SLOW_BODY_SECONDS:
                raise RequestTimeout("The request body did not arrive in time.")
            raise OSError("The client went away before the end of the body.")
        return data


def stream_of(environ: "WSGIEnvironment", place: Place) -> RequestStream | None:
    """Return the body of a request that has one."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return RequestStream(environ["wsgi.input"], None, place)
    if length := environ.get("CONTENT_LENGTH"):
        return RequestStream(environ["wsgi.input"], int(length), place)
    return None


def admitting(application: "WSGIApplication", places: Places) -> "WSGIApplication":
    """Return the application for requests with a place. Others get a 503 that says when to come again."""

    def admitted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == NEEDS_NO_PLACE:
            return application(environ, start_response)
        place = Place(places)
        environ[PLACE] = place
        if body := stream_of(environ, place):
            environ["wsgi.input"] = body
        answer = answering(start_response, body)
        try:
            place.take()
            parts = application(environ, answer)
            return parts if STREAMED in environ else whole(parts)
        except Overloaded:
            answer("503 SERVICE UNAVAILABLE", [("Content-Type", "application/json")])
            return [b'{"detail":"%s"}' % Overloaded.description.encode()]
        finally:
            place.leave()

    return admitted


def whole(parts: Iterable[bytes]) -> list[bytes]:
    """Return an answer in one piece, made while its request has a place. Parts would be sent one by one."""
    try:
        return [b"".join(parts)]
    finally:
        if close := getattr(parts, "close", None):
            close()


def answering(start_response: "StartResponse", body: RequestStream | None) -> "StartResponse":
    """Return a `start_response` that adds when to come again, and that the connection ends.

    The connection ends where a body was left unread, and after a 429.
    """

    def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if (body and not body.is_read) or status.startswith("429"):
            headers = [*headers, ("Connection", "close")]
        if status.startswith("503") and all(name != "Retry-After" for name, _ in headers):
            headers = [*headers, ("Retry-After", "1")]
        return start_response(status, headers, *rest)

    return answer
