"""What was read of catalogue and rights, kept until something is described anew."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST = 10_000
"""Values that are kept, about 20 MB of them."""


class VersionedCache:
    """Values by key, all of one version of catalogue and rights: they hold exactly as long as it does."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._version = (-1, 0)
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get_many(
        self, version: tuple[int, int], keys: Collection[K], read: Callable[[list[K]], Mapping[K, T]]
    ) -> dict[K, T]:
        """The values of these keys. `read` is asked for those that are missing, and need not know all.

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
                # If something was described meanwhile, these are nobody's values any more.
                for key, value in new.items():
                    values[key] = value
                while len(values) > self._most:
                    values.popitem(last=False)
        return found
