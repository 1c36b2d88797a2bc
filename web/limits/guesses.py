"""Wrong tokens, counted by where they come from, and in all.

The 101st wrong token in a minute from an address (of IPv6, from a /64) is answered 429 instead of 401 by a
worker, and so are the next ones. So is any after 2,000 from wherever they come: who has many addresses is
slowed as well. A right token never is, whoever else is at the same address. Workers count by themselves: so
many have so many times as much.

That slows mistakes and scans. What makes guessing hopeless is that a token has 256 random bits.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import Lock

MOST_GUESSES = 100
"""Wrong tokens from one address in a window that are answered as if each were a mistake."""

MOST_GUESSES_IN_ALL = 2_000
"""Those from all addresses together."""

WINDOW_SECONDS = 60.0

ADDRESSES = 1_000
"""How many addresses are counted at a time. Of more, the one that was wrong longest ago is forgotten."""


class Attempts:
    """How often each address was wrong of late, in one process. It is of one size however many are wrong."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._in_all = 0, 0.0

    def __len__(self) -> int:
        """Return how many addresses are counted."""
        return len(self._counts)

    def wrong(self, address: str) -> int:
        """Count a wrong token. Return for how many seconds to wait, 0 while it may be a mistake."""
        source, now = source_of(address), self._clock()
        with self._lock:
            count, until = _counted(self._counts.pop(source, (0, 0.0)), now)
            self._counts[source] = count, until
            if len(self._counts) > ADDRESSES:
                self._counts.popitem(last=False)
            self._in_all = _counted(self._in_all, now)
            if self._in_all[0] > MOST_GUESSES_IN_ALL and count <= MOST_GUESSES:
                count, until = MOST_GUESSES + 1, self._in_all[1]
        return ceil(until - now) if count > MOST_GUESSES else 0


def _counted(count: tuple[int, float], now: float) -> tuple[int, float]:
    """Return a count with one more, and when its window ends; one whose window is over begins anew."""
    number, until = count
    return (number + 1, until) if now < until else (1, now + WINDOW_SECONDS)


def source_of(address: str) -> str:
    """Return what is counted as one source: an address, or of IPv6 the network that one subscriber has."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"{int(ip) >> 64:x}"
    return str(ip)
