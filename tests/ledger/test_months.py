"""Months at the borders of zones: an agent's own month is open, and is the one that it means."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.months import bounds, is_open, month_of, month_of_report, next_month
from ledger.domain.reports import Measured

ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Niue", "America/Los_Angeles", "Europe/Tallinn", "Asia/Kolkata")
MOMENT = datetime.resolution

zones: st.SearchStrategy[tzinfo] = st.sampled_from(list(map(ZoneInfo, ZONES)))
offsets = st.integers(-15 * 60, 15 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
starts = st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(
    lambda day: datetime(day.year, day.month, 1, tzinfo=UTC)
)
moments = st.builds(
    lambda start, away: start + away, starts, st.timedeltas(-timedelta(days=2), timedelta(days=2))
)
"""About the first of a month, where zones differ over which it is."""


@given(moments, zones, offsets)
def test_an_agent_that_labels_its_own_month_means_that_and_comes_in_time(
    now: datetime, zone: tzinfo, offset: timezone
) -> None:
    here = now.astimezone(offset)
    label = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = month_of_report(label, zone)
    assert month == date(here.year, here.month, 1)
    assert is_open(month, now, (zone, UTC, offset))
    assert month_of_report(label.replace(tzinfo=UTC), zone) == month, "a label says no zone"


@given(moments, zones)
def test_a_moment_in_utc_that_is_no_label_counts_for_the_ledgers_month(
    moment: datetime, zone: tzinfo
) -> None:
    moment = moment.replace(microsecond=1)
    assert month_of_report(moment, zone) == month_of(moment, zone)


@given(moments, zones, offsets)
def test_a_month_is_open_from_the_first_place_that_it_begins_in_to_the_last_that_it_ends_in(
    now: datetime, zone: tzinfo, offset: timezone
) -> None:
    asked = (zone, UTC, offset)
    for month in {month_of(now, each) for each in asked}:
        spans = [bounds(month, each) for each in asked]
        assert min(begin for begin, _ in spans) <= now < max(end for _, end in spans)
        assert is_open(month, now, asked)
        end = max(end for _, end in spans)
        assert is_open(month, end - MOMENT, asked)
        assert not is_open(month, end, asked)
        assert is_open(next_month(month), end, asked)


@given(moments, zones)
def test_a_date_that_nobody_wrote_is_our_clocks_and_labels_nothing(moment: datetime, zone: tzinfo) -> None:
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert Measured(at=start, written=None).month(zone) == month_of(start, zone)
