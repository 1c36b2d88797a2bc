"""Which calendar month a moment belongs to. A month is the date of its first day.

Price of the rule for reports (`month_of_report`): two reports of one moment may count for different months.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache


def month_of(moment: datetime, zone: tzinfo = UTC) -> date:
    """Return the month that an aware moment falls into in `zone`."""
    local = moment.astimezone(zone)
    return date(local.year, local.month, 1)


def month_of_report(measured_at: datetime, zone: tzinfo) -> date:
    """Return the month that a report with a date counts for.

    A moment written with an offset other than zero counts for the month *as it was written*: an agent
    at UTC+2 that sends 2026-11-01T00:00+02:00 means November, whatever that is in UTC. So does the first
    of a month at 00:00:00 with any offset: agents label a month so. Any other moment in UTC says nothing
    about the reporter's calendar and counts for its month in the ledger's own `zone`.
    """
    is_label = measured_at.day == 1 and measured_at.time() == time()
    if is_label or measured_at.utcoffset() != timedelta(0):
        return date(measured_at.year, measured_at.month, 1)
    return month_of(measured_at, zone)


def is_open(month: date, now: datetime, zones: Iterable[tzinfo]) -> bool:
    """Return whether a month is the current one in any of the zones, or lies ahead."""
    return any(month >= month_of(now, zone) for zone in zones)


def next_month(month: date) -> date:
    """Return the month after. Raises OverflowError after December 9999."""
    return (month + timedelta(days=31)).replace(day=1)


@cache  # every report asks, and there are few months
def bounds(month: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """First moment of the month, and first moment after it, in `zone`."""
    return start_of(month, zone), start_of(next_month(month), zone)


def start_of(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
