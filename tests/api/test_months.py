"""Which month a report goes to, and whether it is open.

Every way to report is asked the same: by zone of the ledger, now, the date as written, and who reports.
"""

from collections.abc import Callable
from datetime import datetime

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report
from tests.world import BASIC, PROJECT, RESOURCE, World, open_world, uid

REPORTS, MONTHLY = "/api/ledger/reports/", "/api/marketplace-component-usage-monthly/"
LATE = "when backfilling past billing periods"

LOS_ANGELES, TALLINN = "America/Los_Angeles", "Europe/Tallinn"
AN_HOUR_LEFT, AN_HOUR_OVER, FIVE_DAYS_OVER = "2026-10-31T23:00", "2026-11-01T01:00", "2026-11-05T12:00"
"""Of October in UTC."""

Way = Callable[[World, str, dict[str, str]], TestResponse]


def set_usage(world: World, by: str, dated: dict[str, str]) -> TestResponse:
    return world.report(by=by, usages=[{"type": "cpu", "amount": 5}], **dated)


def in_bulk(world: World, by: str, dated: dict[str, str]) -> TestResponse:
    return world.as_(by).post(REPORTS, [{"resource": RESOURCE, "type": "cpu", "amount": 5} | dated])


def user_in_bulk(world: World, by: str, dated: dict[str, str]) -> TestResponse:
    item = {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 5}
    return world.as_(by).post(REPORTS, [item | dated])


def set_user_usage(world: World, by: str, dated: dict[str, str]) -> TestResponse:
    return world.report_user(world.usages()[0]["uuid"], by=by, username="ann", usage=5, **dated)


def set_user_usages(world: World, by: str, dated: dict[str, str]) -> TestResponse:
    path = f"/api/marketplace-component-usages/{world.usages()[0]['uuid']}/set_user_usages/"
    return world.as_(by).post(path, {"usages": [{"username": "ann", "usage": 5} | dated]})


WAYS: list[Way] = [set_usage, in_bulk, user_in_bulk, set_user_usage, set_user_usages]

UNDATED = [
    ("UTC", AN_HOUR_LEFT, "2026-10"),
    ("UTC", AN_HOUR_OVER, "2026-11"),
    (TALLINN, "2026-10-31T21:59", "2026-10"),
    (TALLINN, "2026-10-31T22:00", "2026-11"),
    (TALLINN, AN_HOUR_LEFT, "2026-11"),
    (LOS_ANGELES, AN_HOUR_OVER, "2026-10"),
    # To the second: our own clock labels no month, although it shows the first at midnight.
    (LOS_ANGELES, "2026-11-01T00:00", "2026-10"),
    (LOS_ANGELES, "2026-11-01T06:59", "2026-10"),
    (LOS_ANGELES, "2026-11-01T07:00", "2026-11"),
]

DATED = [
    # The ledger's own month is open to its end, wherever UTC is.
    (LOS_ANGELES, "2026-11-01T02:00", "2026-10-31T19:00:00-07:00", "2026-10"),
    (LOS_ANGELES, "2026-11-01T02:00", "2026-10-31T19:00:00", "2026-10"),
    (LOS_ANGELES, "2026-11-01T02:00", "2026-10-01T00:00:00Z", "2026-10"),
    (LOS_ANGELES, "2026-11-01T06:59", "2026-10-01", "2026-10"),
    (LOS_ANGELES, "2026-11-01T07:00", "2026-10-01", None),
    (LOS_ANGELES, "2026-11-01T07:00", "2026-10-31T23:59:59-07:00", None),
    # And a month label means its month, however far west the ledger is.
    (LOS_ANGELES, FIVE_DAYS_OVER, "2026-11-01T00:00:00Z", "2026-11"),
    (LOS_ANGELES, FIVE_DAYS_OVER, "2026-11-01T00:00:00+00:00", "2026-11"),
    (LOS_ANGELES, AN_HOUR_OVER, "2026-11-01T00:00:00Z", "2026-11"),
    (LOS_ANGELES, FIVE_DAYS_OVER, "2026-11-01T00:00:01Z", None),
    (LOS_ANGELES, FIVE_DAYS_OVER, "2026-10-01T00:00:00Z", None),
    # UTC's month stays open where the ledger's is over already.
    (TALLINN, AN_HOUR_LEFT, "2026-10-01T00:00:00Z", "2026-10"),
    (TALLINN, AN_HOUR_LEFT, "2026-10-31T20:00:00", "2026-10"),
    (TALLINN, AN_HOUR_LEFT, "2026-10-31T21:59:59Z", "2026-10"),
    (TALLINN, AN_HOUR_LEFT, "2026-10-31T22:00:00Z", "2026-11"),
    (TALLINN, AN_HOUR_LEFT, "2026-11-01T00:00:00+02:00", "2026-11"),
    (TALLINN, AN_HOUR_OVER, "2026-10-31T20:00:00", None),
    (TALLINN, AN_HOUR_OVER, "2026-10-01T00:00:00Z", None),
    # And so does that of a reporter who is further west than both.
    ("UTC", AN_HOUR_OVER, "2026-10-31T17:00:00-07:00", "2026-10"),
    ("UTC", AN_HOUR_OVER, "2026-10-01T00:00:00-07:00", "2026-10"),
    (TALLINN, AN_HOUR_OVER, "2026-10-01T00:00:00-07:00", "2026-10"),
    ("UTC", "2026-11-01T06:59", "2026-10-01T00:00:00-07:00", "2026-10"),
    ("UTC", "2026-11-01T07:00", "2026-10-01T00:00:00-07:00", None),
    ("UTC", AN_HOUR_OVER, "2026-10-01T00:00:00+02:00", None),
    ("UTC", AN_HOUR_OVER, "2026-10-01T00:00:00Z", None),
    ("UTC", AN_HOUR_LEFT, "2026-10-01T00:00:00Z", "2026-10"),
    ("UTC", AN_HOUR_LEFT, "2026-11-01T00:00:00+02:00", "2026-11"),
    ("UTC", AN_HOUR_LEFT, "2026-09-30T23:59:59-07:00", None),
]


def months(world: World) -> list[str]:
    """The months of what there is of Resource, but for that of the first report."""
    shown = world.usages() + world.user_usages()
    return sorted({row["billing_period"][:7] for row in shown} - {"2026-03"})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("zone", "now", "written", "month"), DATED)
def test_a_dated_report_goes_to_its_month_if_that_is_open(
    world_url: str, zone: str, now: str, written: str, month: str | None, way: Way
) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(f"{now}+00:00")
        assert world.report(usages=[{"type": "cpu", "amount": 1}], date="2026-03-15").status_code == 201
        before = len(world.facts(Report))
        response = way(world, "offering-manager", {"date": written})
        assert (response.status_code, LATE in response.text) == ((201, False) if month else (400, True))
        assert months(world) == ([month] if month else [])
        assert (len(world.facts(Report)) > before) == (month is not None)
        # Nothing comes late of staff, and for them it is the same month.
        assert way(world, "staff", {"date": written}).status_code in (200, 201)
        assert months(world) == [month or written[:7].replace("2026-11", "2026-10")]


AHEAD = [
    # A clock that is up to a minute ahead of ours may be in another month already, and is believed.
    ("UTC", "2026-10-31T23:59:00", "2026-11-01T00:00:00Z", "2026-11"),
    ("UTC", "2026-10-31T23:58:59", "2026-11-01T00:00:00Z", None),
    ("UTC", "2026-10-31T23:59:30", "2026-11-01T00:00:30Z", "2026-11"),
    ("UTC", "2026-10-31T23:59:30", "2026-11-01T00:00:31Z", None),
    ("UTC", "2026-10-31T21:59:00", "2026-11-01T00:00:00+02:00", "2026-11"),
    ("UTC", "2026-10-31T21:58:59", "2026-11-01T00:00:00+02:00", None),
    (TALLINN, "2026-10-31T21:59:00", "2026-11-01T00:00:00", "2026-11"),
    (TALLINN, "2026-10-31T21:58:59", "2026-11-01T00:00:00", None),
    (LOS_ANGELES, "2026-10-31T23:59:00", "2026-11-01T00:00:00Z", "2026-11"),
    (LOS_ANGELES, "2026-11-01T06:59:00", "2026-11-01T07:00:00Z", "2026-11"),
    (LOS_ANGELES, "2026-11-01T06:58:59", "2026-11-01T07:00:00Z", None),
]


@pytest.mark.parametrize("way", [set_usage, in_bulk])
@pytest.mark.parametrize(("zone", "now", "written", "month"), AHEAD)
def test_a_date_is_taken_as_it_is_up_to_a_minute_ahead(
    world_url: str, zone: str, now: str, written: str, month: str | None, way: Way
) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(f"{now}+00:00")
        response = way(world, "offering-manager", {"date": written})
        assert (response.status_code, "future dates" in response.text) == (
            (201, False) if month else (400, True)
        )
        assert [(fact.month.isoformat()[:7], fact.written_date) for fact in world.facts(Report)] == (
            [(month, written)] if month else []
        )


@pytest.mark.parametrize("way", [set_usage, in_bulk, user_in_bulk])
@pytest.mark.parametrize(("zone", "now", "month"), UNDATED)
def test_an_undated_report_goes_to_the_ledgers_month_and_shows_in_the_summary_at_once(
    world_url: str, zone: str, now: str, month: str, way: Way
) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(f"{now}+00:00")
        staff = world.as_("staff")
        before = staff.get(MONTHLY)
        assert way(world, "offering-manager", {}).status_code == 201
        assert months(world) == [month]
        after = staff.send("GET", MONTHLY, headers={"If-None-Match": before.headers["ETag"]})
        assert [(row["billing_period"][:7], row["total_consumed"]) for row in after.get_json()] == [
            (month, "5.00")
        ]
        used = staff.get(f"/api/marketplace-project-usage/{PROJECT}/components-usage/").get_json()
        assert [row["usage"] for row in used["components"] if row["type"] == "cpu"] == [5.0]


@pytest.mark.parametrize(
    ("zone", "now", "end", "is_open"),
    [
        ("UTC", AN_HOUR_OVER, "2026-10-31T23:59:59Z", False),
        ("UTC", AN_HOUR_LEFT, "2026-10-15T00:00:00Z", True),
        (LOS_ANGELES, AN_HOUR_OVER, "2026-10-15T00:00:00Z", True),
        (LOS_ANGELES, "2026-11-01T07:00", "2026-10-15T00:00:00Z", False),
        (TALLINN, AN_HOUR_LEFT, "2026-10-15T00:00:00Z", False),
        (TALLINN, "2026-10-31T21:59", "2026-10-15T00:00:00Z", True),
    ],
)
def test_a_plan_period_is_closed_once_the_ledgers_month_is_over(
    world_url: str, zone: str, now: str, end: str, is_open: bool
) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(f"{now}+00:00")
        period = uid(0x91)
        told = {"uuid": period, "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": end}
        world.describe(resource_plan_periods=[told])
        closed = {"plan_period": ["Billing period is closed."]}
        response = world.report(usages=[{"type": "cpu", "amount": 5}], plan_period=period)
        assert response.get_json(silent=True) == (None if is_open else closed)
        response = world.as_("staff").post(REPORTS, [{"plan_period": period, "type": "cpu", "amount": 5}])
        assert response.get_json()["results"][0].get("errors") == (None if is_open else closed)
