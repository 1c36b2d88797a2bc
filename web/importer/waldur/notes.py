"""What of a Waldur was not read, could not be placed, or is not given there: told at the end."""

from collections.abc import Collection, Iterator

from web.importer.reading import MOST_NAMED

MOST_UUIDS = 5
"""So many of the objects that were left out are named."""


class Notes:
    """Lines for people, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._left_out: dict[tuple[str, str], list[str]] = {}
        self._counted: dict[str, int] = {}

    def say(self, line: str) -> None:
        """Take a line."""
        self._said[line] = None

    def count(self, line: str) -> None:
        """Take a line that begins with how many objects it is about."""
        self._counted[line] = self._counted.get(line, 0) + 1

    def not_read(self, name: str, keys: Collection[str]) -> None:
        """Take in the keys of a list that are not read."""
        if keys:
            more = ", and more" if len(keys) > MOST_NAMED else ""
            self.say(f"{name}: not read: {', '.join(list(keys)[:MOST_NAMED])}{more}")

    def leave_out(self, name: str, uuid: str, reason: str) -> None:
        """Take in an object that can't be imported."""
        self._left_out.setdefault((name, reason), []).append(uuid)

    @property
    def left_out(self) -> int:
        """Count the objects that can't be imported."""
        return sum(map(len, self._left_out.values()))

    def lines(self) -> Iterator[str]:
        """Yield what to tell people: first what is of no harm, at last what is missing now."""
        yield from self._said
        for line, number in self._counted.items():
            yield f"{number} {line}"
        for (name, reason), uuids in self._left_out.items():
            more = ", …" if len(uuids) > MOST_UUIDS else ""
            named = ", ".join(uuids[:MOST_UUIDS])
            yield f"{name}: {len(uuids)} left out, as {reason}: {named}{more}"
