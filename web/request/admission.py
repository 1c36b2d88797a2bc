"""Who is worked on, and who waits: a request holds a place only while the server itself is busy with it.

Threads are cheap, connections to the database are not. So there are more threads than places: who waits for
the rest of a body, or for a position, leaves its place to others, and whether the process lives is answered
without one. All kinds of waiting are limited, so that a thread can always be found for the next request.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import RequestTimeout, ServiceUnavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLACES = 8
"""Requests that one worker process works on at a time; each has a database connection."""

QUEUE = 160
"""Requests that wait for a place. Those that come then are told to come again."""

READERS = 64
"""Requests whose bodies are waited for."""

THREADS = PLACES + QUEUE + READERS + 24
"""Of one worker, started when needed; the rest are for those who wait for positions, and for health."""

PATIENCE_SECONDS = 10
"""How long a request waits for a place."""

LATE_SECONDS = 4
"""A body that breaks off after so long was too slow; before that its client went away."""

PLACE = "usage-ledger.place"
"""Key in a request's environment: the place that it holds."""

NEEDS_NO_PLACE = "/healthz"

BUSY = "The server is too busy at the moment. Try again."


class Busy(ServiceUnavailable):
    """More wait already than may."""

    description = BUSY


class Room:
    """Counts who is in, and lets in no more than it has room for."""

    def __init__(self, size: int) -> None:
        self.size, self.used = size, 0
        self._lock = Lock()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Raises Busy when it is full."""
        with self._lock:
            if self.used >= self.size:
                raise Busy
            self.used += 1
        try:
            yield
        finally:
            with self._lock:
                self.used -= 1

    @property
    def is_crowded(self) -> bool:
        return 2 * self.used > self.size

    @property
    def is_full(self) -> bool:
        return self.used >= self.size


class Places:
    """Those of one process, and the rooms where requests wait."""

    def __init__(self, count: int = PLACES, queue: int = QUEUE, readers: int = READERS) -> None:
        self.free: SimpleQueue[None] = SimpleQueue()
        for _ in range(count):
            self.free.put(None)
        self.queue, self.readers = Room(queue), Room(readers)


class Place:
    """What one request has while it is worked on."""

    def __init__(self, places: Places) -> None:
        self._places, self._held = places, False

    def take(self) -> None:
        """Waits for a place. Raises Busy."""
        try:
            self._places.free.get_nowait()
        except Empty:
            with self._places.queue.entered():
                try:
                    self._places.free.get(timeout=PATIENCE_SECONDS)
                except Empty:
                    raise Busy from None
        self._held = True

    def leave(self) -> None:
        """Gives the place to the next one, if there is one to give."""
        if self._held:
            self._held = False
            self._places.free.put(None)

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leaves the place to others for the time of the block. Raises Busy."""
        self.leave()
        yield
        self.take()

    @contextmanager
    def left_to_read(self) -> Iterator[None]:
        """The same while a client is waited for. Raises Busy."""
        with self._places.readers.entered(), self.left():
            yield


class Body:
    """What a client sends, up to its Content-Length if it said one.

    granian takes a body whose client went away for a whole one, and half a form may well be a report.
    """

    def __init__(self, stream: Any, length: int | None, place: Place) -> None:
        self._stream, self._missing, self._place = stream, length, place
        self.is_read = length == 0

    def read(self, size: int | None = None) -> bytes:
        """Raises Busy, OSError if the client went away, RequestTimeout if it was too slow."""
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
            if time.monotonic() - began > LATE_SECONDS:
                raise RequestTimeout("The request body did not arrive in time.")
            raise OSError("The client went away before the end of the body.")
        return data


def body_of(environ: "WSGIEnvironment", place: Place) -> Body | None:
    """The body of a request that has one."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return Body(environ["wsgi.input"], None, place)
    if length := environ.get("CONTENT_LENGTH"):
        return Body(environ["wsgi.input"], int(length), place)
    return None


def admitting(application: "WSGIApplication", places: Places) -> "WSGIApplication":
    """The application for those who have a place; all others are told 503 and when to come again."""

    def admitted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == NEEDS_NO_PLACE:
            return application(environ, start_response)
        place = Place(places)
        environ[PLACE] = place
        if body := body_of(environ, place):
            environ["wsgi.input"] = body
        answer = answering(start_response, body)
        try:
            place.take()
            return whole(application(environ, answer))
        except Busy:
            answer("503 SERVICE UNAVAILABLE", [("Content-Type", "application/json")])
            return [b'{"detail":"%s"}' % BUSY.encode()]
        finally:
            place.leave()

    return admitted


def whole(parts: Iterable[bytes]) -> list[bytes]:
    """An answer in one piece, made while its request has a place. In parts it would be sent in parts, too."""
    try:
        return [b"".join(parts)]
    finally:
        if close := getattr(parts, "close", None):
            close()


def answering(start_response: "StartResponse", body: Body | None) -> "StartResponse":
    """Says with an answer when to come again, and that its connection ends.

    It ends where a body was left unread, and for those who are to come less often.
    """

    def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if (body and not body.is_read) or status.startswith("429"):
            headers = [*headers, ("Connection", "close")]
        if status.startswith("503") and all(name != "Retry-After" for name, _ in headers):
            headers = [*headers, ("Retry-After", "1")]
        return start_response(status, headers, *rest)

    return answer
