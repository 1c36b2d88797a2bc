"""Rows as commands print them: a table for people, CSV for spreadsheets, JSON for programs.

Rows hold what others wrote. So nothing in it moves the cursor of a terminal or turns a line around:
what is not printable is escaped, in JSON in JSON's way. And no text is a formula to a spreadsheet: where it
would be taken for one, an apostrophe comes before it in CSV.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unicodedata import category, combining, east_asian_width
from uuid import UUID

import click
import orjson

GAP = "  "
NULL = "-"
"""What a table shows where there is nothing. In CSV that is an empty cell."""

FORMULA_STARTS = ("=", "+", "-", "@")

Row = Mapping[str, Any]
"""Values by the names of columns: text, numbers, uuids, aware times, dates, lists of these, or None.

Figures are Decimals: a table aligns them, and their sign is no formula.
"""


def show(columns: Sequence[str], rows: Iterable[Row], form: str | None = None) -> int:
    """Print these columns of the rows; return how many there were. Only a table is held in memory.

    `form` is one of FORMS, by default a table on a terminal and CSV elsewhere.
    """
    form = form or ("table" if sys.stdout.isatty() else "csv")
    return FORMS[form](columns, rows)


def printable(text: str) -> str:
    """Return a text with an escape in place of each character that would not be seen as itself."""
    return text if text.isprintable() else "".join(map(_seen, text))


def _seen(character: str) -> str:
    if character.isprintable() or category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


def _show_table(columns: Sequence[str], rows: Iterable[Row]) -> int:
    values = [[row[name] for name in columns] for row in rows]
    lines = [[name.replace("_", " ") for name in columns], *([*map(_text, row)] for row in values)]
    places = [
        (max(map(_width, cells)), all(isinstance(row[number], int | Decimal | None) for row in values))
        for number, cells in enumerate(zip(*lines, strict=True))
    ]
    for line in lines:
        cells = [_padded(cell, *place) for cell, place in zip(line, places, strict=True)]
        click.echo(GAP.join(cells).rstrip())
    return len(values)


def _show_csv(columns: Sequence[str], rows: Iterable[Row]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
        count += 1
    sys.stdout.flush()  # here it is noticed that nobody reads any more
    return count


def _show_json(columns: Sequence[str], rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        line = orjson.dumps({name: _plain(row[name]) for name in columns}).decode()
        click.echo(",\n" if count else "[", nl=False)
        click.echo(line if line.isprintable() else "".join(map(_escaped, line)), nl=False)
        count += 1
    click.echo("]" if count else "[]")
    return count


FORMS: Mapping[str, Callable[[Sequence[str], Iterable[Row]], int]] = {
    "table": _show_table,
    "csv": _show_csv,
    "json": _show_json,
}

takes_format = click.option(
    "--format", "form", type=click.Choice([*FORMS]), help="Default: table on a terminal, else csv."
)
"""Declares the option that says the `form` of `show`."""


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: what is no text, number, list or null there is text as on the wire."""
    match value:
        case Decimal():
            return f"{value:f}"
        case UUID():
            return value.hex
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list() | tuple():
            return [*map(_plain, value)]
        case _:
            return value


def _cell(value: Any) -> Any:
    """Return a value as CSV has it."""
    if isinstance(value, list | tuple):
        value = "; ".join(str(_plain(each)) for each in value)
    if not isinstance(value, str):
        return _plain(value)
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _text(value: Any) -> str:
    """Return a value as a table shows it."""
    match value:
        case None | "":
            return NULL
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case list() | tuple():
            return "; ".join(map(_text, value)) or NULL
        case _:
            return printable(str(_plain(value)))


def _padded(cell: str, width: int, is_number: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if is_number else cell + space


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: letters of East Asia take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _escaped(character: str) -> str:
    """Return a character of JSON text, which has others than printable ones in strings alone."""
    return character if _seen(character) == character else json.dumps(character)[1:-1]
