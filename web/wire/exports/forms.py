"""Which form of a list a request asks for: with `format`, or else with the header `Accept`.

A list in another form than JSON has all rows that match, and no pages.
"""

import re
from importlib.util import find_spec
from typing import NamedTuple

from marshmallow import ValidationError
from werkzeug.datastructures import MIMEAccept

from web.wire.errors import echo

FORMAT = "format"
"""The parameter that every list takes."""

JSON = "json"
JSON_TYPE = "application/json"


class Form(NamedTuple):
    """A form of a list: its name, which also ends the names of files, and its content type."""

    name: str
    content_type: str


CSV = Form("csv", "text/csv; charset=utf-8; header=present")
NDJSON = Form("ndjson", "application/x-ndjson")
PARQUET = Form("parquet", "application/vnd.apache.parquet")

FORMS = {form.name: form for form in (CSV, NDJSON, PARQUET)}

TYPES = {form.content_type.partition(";")[0]: form for form in FORMS.values()}
"""The forms by what `Accept` calls them."""

A_FORM = re.compile("|".join(map(re.escape, TYPES)))
"""What a header has that names one of them."""

NO_PAGE = "An export has all rows that match, and no pages: leave this out."
NO_COLUMN = "Names no column of this list, and an export has to have one."
NO_PARQUET = "Parquet needs arro3, which is not installed here: pip install 'usage-ledger[parquet]'."


def form_named(name: str) -> Form | None:
    """Return the form of this name, None for JSON, which no name means, too. Raises ValidationError."""
    if name in ("", JSON):
        return None
    if name not in FORMS:
        known = ", ".join((JSON, *FORMS))
        raise ValidationError({FORMAT: [f"{echo(name)} is no known format. Known are {known}."]})
    return _written_here(FORMS[name])


def form_accepted(accepted: MIMEAccept) -> Form | None:
    """Return the form that a header prefers to JSON, None if it names none. Raises ValidationError.

    Parameters of types don't count: `text/csv; charset=utf-8` is CSV.
    """
    plain = MIMEAccept([(kind.partition(";")[0].strip(), quality) for kind, quality in accepted])
    named = {kind: form for kind, form in TYPES.items() if kind in plain.values()}
    best = plain.best_match([JSON_TYPE, *named])
    return _written_here(named[best]) if best in named else None


def _written_here(form: Form) -> Form:
    if form is PARQUET and not can_write_parquet():
        raise ValidationError({FORMAT: [NO_PARQUET]})
    return form


def can_write_parquet() -> bool:
    """Return whether the packages of the extra `parquet` are installed."""
    try:
        return all(map(find_spec, ("arro3.core", "arro3.io")))
    except ModuleNotFoundError:
        return False
