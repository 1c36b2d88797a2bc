"""The lines of the service's log: JSON for machines, or text for people; each with its time and level.

Nothing is told of a request but what is listed here: no token, cookie or body, and no query, whose values may
be secret or a name. Who asked is told by the uuid.

Lines of requests are handed to a thread, which writes what came in a moment at once: no request waits for
whoever reads the log. Where that stands still lines are dropped, and their number is told.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson

from web.telemetry.ending import at_end
from web.telemetry.requests import Answered

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Form = Literal["json", "text"]

WRITE_SECONDS = 0.1
"""How often lines of requests are written."""

MOST_LINES = 20_000
"""Lines that wait to be written, before others are dropped."""

PIECE_BYTES = 4096
"""So much is written at a time, in whole lines: more would mix with what other processes write to a pipe."""

LONGEST_PATH = 500

Line = dict[str, Any]

log = logging.getLogger(__name__)


def form_of(named: Form | None) -> Form:
    """Return the form of the log: that which is named, or text for a terminal and JSON for all else."""
    return named or ("text" if sys.stderr.isatty() else "json")


def as_json(line: Line) -> bytes:
    """Return a line in JSON, with its line break."""
    return orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def as_text(line: Line) -> bytes:
    """Return a line for people. What others have sent is escaped: it can't look like another line."""
    moment = line["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rest = [
        f"{name}={printable(str(value))}"
        for name, value in line.items()
        if name not in HEAD and value not in (None, "")
    ]
    words = [moment, f"{line['level']:<7}", printable(line["message"]), *rest]
    return f"{' '.join(words)}{chr(10)}{line.get('traceback', '')}".encode()


HEAD = {"time", "level", "message", "method", "path", "status", "traceback"}
"""What a line of text has at its beginning, or at its end."""


def printable(text: str) -> str:
    """Return a text with `\\` and numbers for what is not to be seen."""
    return text if text.isprintable() else "".join(_escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character if character.isprintable() else f"\\u{ord(character):04x}"


WRITERS: dict[Form, Callable[[Line], bytes]] = {"json": as_json, "text": as_text}


class LineFormatter(logging.Formatter):
    """Formats what the service logs, apart from requests, in the same form."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._write = WRITERS[form]

    def format(self, record: logging.LogRecord) -> str:
        line: Line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return self._write(line).decode().rstrip("\n")


@contextmanager
def configured(form: Form) -> Iterator[None]:
    """Have everything that this process and its workers log in the block written to stderr in one form.

    Warnings are logged, too, and so is what nobody caught in a thread.
    """
    handler, root = logging.StreamHandler(), logging.getLogger()
    handler.setFormatter(LineFormatter(form))
    before = root.handlers, root.level, threading.excepthook
    root.handlers, threading.excepthook = [handler], _log_uncaught
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers, level, threading.excepthook = before
        root.setLevel(level)


def _log_uncaught(found: threading.ExceptHookArgs) -> None:
    error = found.exc_value or found.exc_type()
    log.critical("Nobody caught this", exc_info=(found.exc_type, error, found.exc_traceback))


class RequestLog:
    """Writes a line for each request to a descriptor."""

    def __init__(self, form: Form, descriptor: int = 2) -> None:
        self._write, self._descriptor = WRITERS[form], descriptor
        self._waiting: deque[tuple[float, Answered]] = deque()
        self._dropped, self._turn = 0, threading.Lock()

    def start(self) -> None:
        """Write from now on, in a thread of its own, and what is left when this process ends."""
        threading.Thread(target=self._write_for_ever, daemon=True, name="log").start()
        at_end(self.flush)

    def answered(self, request: Answered, _environ: "WSGIEnvironment") -> None:
        """Take a request, to be written soon."""
        if len(self._waiting) < MOST_LINES:
            self._waiting.append((time.time(), request))
        else:
            self._dropped += 1

    def _write_for_ever(self) -> None:
        while True:
            time.sleep(WRITE_SECONDS)
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._turn:
            for piece in pieces(self._lines()):
                try:
                    os.write(self._descriptor, piece)
                except OSError:
                    return  # nobody reads it, and there is nobody else to tell

    def _lines(self) -> Iterator[bytes]:
        while self._waiting:
            moment, request = self._waiting.popleft()
            yield self._write(line_of(moment, request))
        if dropped := self._dropped:
            self._dropped -= dropped
            message = f"{dropped} lines of requests were dropped: the log was not read in time"
            yield self._write({"time": datetime.now(UTC), "level": "WARNING", "message": message})


def line_of(moment: float, request: Answered) -> Line:
    """Return what is told of a request."""
    path, status = request.path, int(request.status)
    if not path.isascii():
        path = path.encode("latin-1", "replace").decode(errors="replace")
    if len(path) > LONGEST_PATH:
        path = f"{path[:LONGEST_PATH]}…"
    line: Line = {
        "time": datetime.fromtimestamp(moment, UTC),
        "level": "INFO" if status < 500 else "WARNING" if status == 503 else "ERROR",
        "message": f"{request.method} {path} {status}",
        "request_id": request.request_id,
        "user": request.user.hex if request.user else None,
        "method": request.method,
        "path": path,
        "route": request.route,
        "status": status,
        "seconds": round(request.seconds, 6),
        "position": request.position,
    }
    if request.trace_id:
        line["trace_id"] = request.trace_id
    return line


def pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines together, in pieces that are written at once."""
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > PIECE_BYTES:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece
