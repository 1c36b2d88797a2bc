"""Saying no to names that nobody knows: what is ignored is a figure, or a date, that nobody meant."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, ValidationError

from web.wire.body import Body

MOST_HINTS = 5
MOST_TOLD = 1_000
LONGEST_HINTED = 50
"""In characters: to look for what was meant takes longer than the rest of a request that means no good."""


class StrictBody(Body):
    """An item that refuses keys which are not its own, each under its name in the errors."""

    class Meta:
        unknown = RAISE

    known: Mapping[str, str] = {}
    """The keys of every kind of item, and what those are that this one does not have."""

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        super().handle_error(error, data, many=many, **kwargs)
        assert isinstance(error.messages, dict)
        of_strangers = data.keys() - self.load_fields.keys()
        others = {name: told for name, told in error.messages.items() if name not in of_strangers}
        error.messages = others | self.strangers(data)

    def strangers(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What is wrong with the keys that are not of this item."""
        names = [name for name in data if name not in self.load_fields]
        told = {
            name: [self.known.get(name) or unknown("field", name, self.known, is_hinted=place < MOST_HINTS)]
            for place, name in enumerate(names[:MOST_TOLD])
        }
        if len(names) > MOST_TOLD:
            told[names[MOST_TOLD - 1]].append(f"So are {len(names) - MOST_TOLD} more.")
        return told


def check_parameters(given: Collection[str], known: Collection[str]) -> None:
    """Raises ValidationError, by name, for parameters of a query that are not among the known ones."""
    if wrong := [name for name in given if name not in known]:
        raise ValidationError({name: [unknown("parameter", name, known)] for name in wrong[:MOST_HINTS]})


def unknown(kind: str, name: str, known: Collection[str], *, is_hinted: bool = True) -> str:
    """What is said of an unknown field or parameter: the name that was meant, or all that there are."""
    if not is_hinted:
        return f"Unknown {kind}."
    meant = nearest(name, tuple(sorted(known))) if len(name) <= LONGEST_HINTED else None
    return f"Unknown {kind}. " + (
        f"Did you mean {meant}?" if meant else f"Known are {', '.join(sorted(known))}."
    )


@lru_cache(1_000)
def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that is most like this one, in whatever case it is written."""
    return next(iter(get_close_matches(name.strip().lower(), known, 1)), None)
