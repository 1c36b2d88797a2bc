"""A cache of what was read of catalogue and rights, which is valid until something is described anew.

A position says when that is (`read_position.described`), no clock does. Decisions compare it in the snapshot
that they read. Price: another server's change of a right is noticed a moment after it was stored.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST = 10_000
"""Most values in the cache: about 20 MB."""


class VersionedCache:
    """Values by key, all of one version of catalogue and rights: a newer version empties the cache."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._version: tuple[int, ...] = (-1,)
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get_many(
        self, version: tuple[int, ...], keys: Collection[K], read: Callable[[list[K]], Mapping[K, T]]
    ) -> dict[K, T]:
        """Return the values of these keys. `read` is called with the missing ones, and need not know all.

        `version` was reached before the call, so what is read now is at least as new.
        """
        with self._lock:
            if version > self._version:
                self._version, self._values = version, OrderedDict()
            values = self._values
            found: dict[K, T] = {key: values[key] for key in keys if key in values}
            for key in found:
                values.move_to_end(key)
        missing = [key for key in keys if key not in found]
        if missing:
            new = read(missing)
            found.update(new)
            with self._lock:
                # If a newer version came meanwhile, this is no longer the dict of the cache: nobody sees it.
                for key, value in new.items():
                    values[key] = value
                while len(values) > self._most:
                    values.popitem(last=False)
        return found
