"""What a process remembers of validators: nothing that it could not find out again with one query.

Of an answer it keeps the ETag, and how far the read models were when that was true. While they are still
there, it is true without a query. At another position, or of another database, it is looked at again.
"""

from collections.abc import Hashable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from projections.fast.position import End, KnownPosition
from projections.fast.scopes import Bounds
from projections.lookups.accounts import Credentials

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT")

MOST_ANSWERS, MOST_BOUNDS = 10_000, 256
"""What is kept: about 10 MB, and some more where callers have hundreds of roles."""


class Answer(NamedTuple):
    """An answer to a caller that had this ETag when the read models were known to be there."""

    known: KnownPosition
    last: End
    """The last fact that it could have changed with."""
    etag: str
    day: str
    bounds: Bounds | None
    credentials: Credentials


class Store(Generic[K, T]):
    """A few values by key. Those that came first are dropped for others."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._values: dict[K, T] = {}

    def get(self, key: K) -> T | None:
        return self._values.get(key)

    def put(self, key: K, value: T) -> None:
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._most:
                del self._values[next(iter(self._values))]


class Kept:
    """The validators that a process remembers: of answers, by who asks what, and of bounds."""

    def __init__(self) -> None:
        self.answers: Store[bytes, Answer] = Store(MOST_ANSWERS)
        self.bounds: Store[Bounds, tuple[KnownPosition, End]] = Store(MOST_BOUNDS)


def key_of(environ: Mapping[str, Any]) -> bytes:
    """Return a digest of who asks what: so no token is kept, and no long query."""
    asked = [environ.get("HTTP_AUTHORIZATION", ""), *(environ.get(name, "") for name in ADDRESS)]
    return sha256("\0".join(asked).encode()).digest()
