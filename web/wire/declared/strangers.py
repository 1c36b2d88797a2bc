"""Parameters and columns that no view reads: they are told, or refused, and Waldur ignores them."""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import request
from marshmallow import ValidationError

from web.wire.body import LONGEST_HINTED, MOST_HINTS, unknown
from web.wire.declared.parameters import NOTHING, Taken, taken_by

OF_EVERY_GET = {"min_position"}
OURS = {"as_of", "format", "min_position"}
MEANT = {"asat", "ason", "asofdate", "asoftime", "asofposition"}
"""Other words for one of these, in lower case and without what parts them."""
LIKENESS = 0.75
"""How much a name has to be like one of these to be taken for it: 1 is the same."""

MOST_NAMED = 20
"""How many unknown parameters a header names."""


class Strangers(NamedTuple):
    """What a query has that its view does not read."""

    names: list[str]
    columns: list[str]
    taken: Taken
    ignored: Collection[str]
    """Names that Waldur reads."""

    def __str__(self) -> str:
        """Return them as a header: in ASCII, and of a bounded length, whatever a client sends."""
        words = [*map(_word, self.names), *(f"field={_word(column)}" for column in self.columns)]
        more = [f"{len(words) - MOST_NAMED} more"] if len(words) > MOST_NAMED else []
        return ", ".join(words[:MOST_NAMED] + more)

    def check(self) -> None:
        """Raise ValidationError, by name, if there are any."""
        told = {name: [self._told("parameter", name, place)] for place, name in enumerate(self.names)}
        if self.columns:
            told["field"] = [self._told("column", name, place) for place, name in enumerate(self.columns)]
        if told:
            raise ValidationError(told)

    def check_misspelt(self) -> None:
        """Raise ValidationError for parameters that look like ours, as none of Waldur's does.

        Without it the answer would be that of now, and look as if it were that of then.
        """
        if told := {
            name: [self._told("parameter", name, 0)]
            for name in self.names
            if name not in OURS and name not in self.ignored and _is_like_ours(name)
        }:
            raise ValidationError(told)

    def _told(self, kind: str, name: str, place: int) -> str:
        if kind == "parameter" and name in self.ignored:
            return "Is one of Waldur's, and ignored here."
        known = self.taken.columns if kind == "column" else self.taken.names
        return unknown(kind, name, known, is_hinted=place < MOST_HINTS)


def _is_like_ours(name: str) -> bool:
    plain = re.sub("[-_ ]", "", name).lower()
    return plain in MEANT or bool(
        get_close_matches(plain, [each.replace("_", "") for each in OURS], cutoff=LIKENESS)
    )


def _word(name: str) -> str:
    return quote(name[:LONGEST_HINTED], safe="") or '""'


@lru_cache(maxsize=1024)
def _taken_by(view: Callable[..., Any] | None, method: str) -> Taken:
    taken = taken_by(view) if view else NOTHING
    return taken._replace(names=taken.names | OF_EVERY_GET) if method in ("GET", "HEAD") else taken


def strangers(view: Callable[..., Any] | None, ignored: Collection[str]) -> Strangers:
    """Return what the query of the request has that this view does not read, and Waldur may."""
    taken = _taken_by(view, request.method)
    names = [name for name in request.args if name not in taken.names]
    asked = dict.fromkeys(filter(None, request.args.getlist("field"))) if "field" in taken.names else {}
    return Strangers(names, [name for name in asked if name not in taken.columns], taken, ignored)
