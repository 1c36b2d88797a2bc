"""Tables of pages: what the API answered in columns, with the request that makes it and its files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from flask import url_for

from web.dashboard.asking import Answer

Row = Mapping[str, Any]
Kind = Literal[
    "text", "amount", "delta", "month", "moment", "day", "count", "meter", "texts", "words", "noted"
]

PAGED = {"page", "page_size", "most"}
"""Parameters that a file of all rows does not have."""

FORMATS = {"csv": "CSV", "ndjson": "JSON lines", "parquet": "Parquet"}


class Column(NamedTuple):
    """A column: its heading, which value it shows and how, and where that leads."""

    heading: str
    key: str
    kind: Kind = "text"
    link: Callable[[Row], str | None] | None = None
    unit: str = ""
    """The key of the unit of an amount."""
    out_of: str = ""
    """The key of what a meter is full at."""


class Table(NamedTuple):
    """A table of a page: a caption, columns, and the answer whose rows it shows."""

    caption: str
    columns: Sequence[Column]
    answer: Answer
    rows: Sequence[Row]
    empty: str = "Nothing."
    more: str = ""
    """The URL of the page with all rows, where this one has the first ones only."""

    @property
    def request_line(self) -> str:
        return self.answer.request_line

    @property
    def files(self) -> list[tuple[str, str]]:
        """Return the names of the formats that all rows are to be had in, with the URL of each.

        What the API answers as one object, as Waldur does, has no other form.
        """
        forms = FORMATS if isinstance(self.answer.data, list) else {"": "JSON"}
        kept = {name: value for name, value in self.answer.parameters.items() if name not in PAGED}
        path = self.answer.path.removeprefix("/api/")
        return [
            (named, f"{url_for('downloads.download', path=path)}?{urlencode(kept | form)}")
            for each, named in forms.items()
            for form in [{"format": each} if each else {}]
        ]


class Pager(NamedTuple):
    """Which page of a list is shown, and how many rows there are."""

    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))
