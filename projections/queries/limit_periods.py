"""The periods that limits count for: calendar months, quarters and years, or all of time."""

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from ledger.domain.catalogue import LimitPeriod

MONTHS = {"month": 1, "quarterly": 3, "annual": 12}


class Period(NamedTuple):
    """First and last day, None for all of time, with the name that people know it by."""

    start: date | None
    end: date | None
    label: str


def period_of(limit_period: LimitPeriod, today: date, offset: int = 0) -> Period:
    """Return the calendar period of `today`, moved by `offset` periods of its kind; `total` never moves.

    Of a month the end is its first day, too: billing periods are first days. Raises OverflowError outside
    of the years 1 to 9999.
    """
    if limit_period == "total":
        return Period(None, None, "Total")
    size = MONTHS[limit_period]
    index = (today.year * 12 + today.month - 1) // size * size + offset * size
    start = _month(index)
    if limit_period == "month":
        return Period(start, start, f"{start:%b} {start.year}")
    label = f"Q{start.month // 3 + 1} {start.year}" if limit_period == "quarterly" else str(start.year)
    return Period(start, last_day(_month(index + size - 1)), label)


def last_six_months(today: date) -> Period:
    """Return the period of the current month and the five before it."""
    start = _month(today.year * 12 + today.month - 1 - 5)
    return Period(start, last_day(today), "Last 6 months")


def last_day(day: date) -> date:
    """Return the last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _month(index: int) -> date:
    year, month = divmod(index, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"there is no year {year}")
    return date(year, month + 1, 1)
