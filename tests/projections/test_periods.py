"""Limit periods at their edges."""

from datetime import date

import pytest

from ledger.domain.catalogue import LimitPeriod
from projections.queries.limit_periods import Period, last_six_months, period_of

MAY_15, LEAP_DAY, NEW_YEAR = date(2026, 5, 15), date(2024, 2, 29), date(2026, 1, 1)


@pytest.mark.parametrize(
    ("limit_period", "today", "offset", "expected"),
    [
        ("month", MAY_15, 0, Period(date(2026, 5, 1), date(2026, 5, 1), "May 2026")),
        ("month", MAY_15, -1, Period(date(2026, 4, 1), date(2026, 4, 1), "Apr 2026")),
        ("month", NEW_YEAR, -1, Period(date(2025, 12, 1), date(2025, 12, 1), "Dec 2025")),
        ("month", date(2025, 12, 31), 1, Period(date(2026, 1, 1), date(2026, 1, 1), "Jan 2026")),
        ("month", LEAP_DAY, 12, Period(date(2025, 2, 1), date(2025, 2, 1), "Feb 2025")),
        ("quarterly", MAY_15, 0, Period(date(2026, 4, 1), date(2026, 6, 30), "Q2 2026")),
        ("quarterly", date(2026, 3, 31), 0, Period(date(2026, 1, 1), date(2026, 3, 31), "Q1 2026")),
        ("quarterly", date(2026, 4, 1), -1, Period(date(2026, 1, 1), date(2026, 3, 31), "Q1 2026")),
        ("quarterly", NEW_YEAR, -1, Period(date(2025, 10, 1), date(2025, 12, 31), "Q4 2025")),
        ("quarterly", MAY_15, 7, Period(date(2028, 1, 1), date(2028, 3, 31), "Q1 2028")),
        ("quarterly", LEAP_DAY, 0, Period(date(2024, 1, 1), date(2024, 3, 31), "Q1 2024")),
        ("annual", MAY_15, 0, Period(date(2026, 1, 1), date(2026, 12, 31), "2026")),
        ("annual", LEAP_DAY, -1, Period(date(2023, 1, 1), date(2023, 12, 31), "2023")),
        ("annual", NEW_YEAR, -2025, Period(date(1, 1, 1), date(1, 12, 31), "1")),
        ("annual", NEW_YEAR, 7973, Period(date(9999, 1, 1), date(9999, 12, 31), "9999")),
        ("total", MAY_15, -3, Period(None, None, "Total")),
    ],
)
def test_a_period_is_that_of_the_calendar(
    limit_period: LimitPeriod, today: date, offset: int, expected: Period
) -> None:
    assert period_of(limit_period, today, offset) == expected


@pytest.mark.parametrize("offset", [-2026, 7974, 10**9, -(10**9)])
def test_there_is_no_period_outside_of_the_calendar(offset: int) -> None:
    with pytest.raises(OverflowError):
        period_of("annual", NEW_YEAR, offset)


@pytest.mark.parametrize(
    ("today", "start", "end"),
    [
        (MAY_15, date(2025, 12, 1), date(2026, 5, 31)),
        (LEAP_DAY, date(2023, 9, 1), date(2024, 2, 29)),
        (date(2026, 12, 31), date(2026, 7, 1), date(2026, 12, 31)),
    ],
)
def test_the_last_six_months_end_with_the_current_one(today: date, start: date, end: date) -> None:
    assert last_six_months(today) == Period(start, end, "Last 6 months")
