"""Wrong tokens, counted by where they come from.

The 101st wrong token in a minute from an address (of IPv6, from a /64) is answered 429 instead of 401 by a
worker, and so are the next ones. A right token never is.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import Lock

MOST_GUESSES = 100
"""Wrong tokens from one address in a window that are answered as if each were a mistake."""

WINDOW_SECONDS = 60.0

ADDRESSES = 1_000
"""How many addresses are counted at a time. Of more, the one that was wrong longest ago is forgotten."""


class Attempts:
    """How often each address was wrong of late, in one process. It is of one size however many are wrong."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many addresses are counted."""
        return len(self._counts)

    def wrong(self, address: str) -> int:
        """Count a wrong token. Return for how many seconds to wait, 0 while it may be a mistake."""
        source, now = source_of(address), self._clock()
        with self._lock:
            count, until = self._counts.pop(source, (0, 0.0))
            if now >= until:
                count, until = 0, now + WINDOW_SECONDS
            self._counts[source] = count + 1, until
            if len(self._counts) > ADDRESSES:
                self._counts.popitem(last=False)
        return ceil(until - now) if count >= MOST_GUESSES else 0


def source_of(address: str) -> str:
    """Return what is counted as one source: an address, or of IPv6 the network that one subscriber has."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"{int(ip) >> 64:x}"
    return str(ip)
