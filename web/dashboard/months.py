"""The month, and the range of months, that a page is asked for in its address."""

import re
from datetime import date

from flask import request
from marshmallow import ValidationError

from web.dashboard.frame import here

MOST_MONTHS = 60
"""In one chart."""

MONTH = re.compile(r"\d{4}-\d{2}(-\d{2})?", re.ASCII)
"""With or without a day, which the API has in its rows."""

NO_MONTH = "Enter a month like 2026-05."


def month_asked_for() -> date:
    """Return the month of `billing_period`, by default the one of the page. Raises ValidationError."""
    return month_named("billing_period") or here().month


def months_asked_for() -> list[str]:
    """Return the months from `start` to `end` as `YYYY-MM-01`, by default a year up to now.

    Raises ValidationError.
    """
    end = month_named("end") or here().month
    start = month_named("start") or before(end, 11)
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    if count < 1:
        raise ValidationError({"start": ["Must not be after `end`."]})
    if count > MOST_MONTHS:
        raise ValidationError({"start": [f"Ask for no more than {MOST_MONTHS} months at a time."]})
    return [f"{before(end, count - 1 - number):%Y-%m-%d}" for number in range(count)]


def before(month: date, count: int = 1) -> date:
    """Return the month that is so many before another one. Raises ValidationError before the first year."""
    years, number = divmod(month.month - 1 - count, 12)
    try:
        return date(month.year + years, number + 1, 1)
    except ValueError:
        raise ValidationError({"start": [NO_MONTH]}) from None


def month_named(name: str) -> date | None:
    """Return the month that a parameter names, None without it. Raises ValidationError."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text[:7]}-01" if MONTH.fullmatch(text) else "")
    except ValueError:
        raise ValidationError({name: [NO_MONTH]}) from None
