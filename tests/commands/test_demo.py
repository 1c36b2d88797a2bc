"""The year of the demo catalogue: what it shows, to whom, and that it follows from the day alone."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger.domain.reports import UsageReport
from tests.conftest import database
from tests.support.command import DEMO_RESOURCE
from tests.world import NOW, USAGES, USER_USAGES, World, open_world
from web.commands import demo

Row = dict[str, Any]

MONTHS = [*("2025-12",), *(f"2026-{number:02}" for number in range(1, 12))]
SURGE = "00000000000040008000000000000203"
NEVER_REPORTED = ["plankton", "sea-ice"]
FACTS = 292
"""How many the first start records: the last two are corrections."""

SEASONS = (94, 112, 108, 110, 101, 96, 84, 62, 71, 98, 109, 118)
"""Percent, from December on."""


@pytest.fixture(scope="module", name="shown")
def demo_world(server: str, empty_template: str) -> Iterator[World]:
    """A ledger as it is after its first start. Tests only read it."""
    with database(server, empty_template) as url, open_world(url) as world:
        demo.load_if_empty(world.services)
        yield world


def rows(world: World, path: str, by: str = "demo-staff", /, **query: Any) -> list[Row]:
    response = world.as_(by).get(path, page_size=300, **query)
    found: list[Row] = response.get_json()
    assert len(found) == int(response.headers["X-Result-Count"])
    return found


def test_each_month_of_the_year_has_the_usage_of_each_resource_but_for_a_silent_one(shown: World) -> None:
    counted = Counter((row["resource_name"], row["billing_period"][:7]) for row in rows(shown, USAGES))
    names = ["forecast", "larvae", "surge", "ice-charts", "drift-maps", "warnings"]
    assert counted == {
        (f"{name} (demo)", month): 3
        for name in names
        for month in MONTHS
        if (name, month) != ("warnings", "2026-11")
    }
    silent = rows(shown, "/api/marketplace-stats/resources_missing_usage/")
    assert sorted(row["name"] for row in silent) == [*NEVER_REPORTED, "warnings (demo)"]


def test_figures_grow_know_seasons_and_are_those_of_so_much_of_the_month_as_has_passed(shown: World) -> None:
    query = {"resource_uuid": "00000000000040008000000000000703"}
    found = {(row["type"], row["billing_period"][:7]): row["usage"] for row in rows(shown, USAGES, **query)}
    assert [found["cpu", month] for month in MONTHS] == [
        *("39010.00", "47409.60", "46612.80", "48389.00", "45268.20", "43824.00"),
        *("39043.20", "29332.20", "34179.40", "47990.60", "54282.00", "29871.70"),
    ]
    full = [Decimal(41_500 * (100 + 2 * place) * each) / 10_000 for place, each in enumerate(SEASONS)]
    assert [Decimal(found["cpu", month]) for month in MONTHS] == [*full[:-1], full[-1] * NOW.day / 30]
    assert [found["storage", month] for month in ("2025-12", "2026-11")] == ["9000.00", "13950.00"]


def test_users_have_shares_and_some_of_a_figure_is_nobodys(shown: World) -> None:
    found = rows(shown, USER_USAGES)
    assert Counter(row["username"] for row in found) == {"demo-ida": 12, "demo-jon": 12, "demo-eli": 12}
    october = {row["username"]: row["usage"] for row in found if row["billing_period"] == "2026-10-01"}
    assert october == {"demo-ida": "26055.36", "demo-jon": "16827.42", "demo-eli": "8142.30"}


def test_one_figure_was_corrected_with_a_reason_and_one_lowered_without(shown: World) -> None:
    changes = {
        row["resource_name"]: (row["billing_period"], row["usage_before"], row["usage_after"], row["reasons"])
        for row in rows(shown, "/api/ledger/diff/", **{"from": FACTS - 2})
    }
    assert changes == {
        "surge (demo)": ("2026-08-01", "37952.93", "35141.60", [demo.REASON]),
        "larvae (demo)": ("2026-06-01", "13274.15", "12290.88", []),
    }
    (row,) = rows(shown, "/api/ledger/unexplained/")
    assert (row["resource_name"], row["billing_period"]) == ("larvae (demo)", "2026-06-01")


def test_facts_say_that_they_are_of_the_demo(shown: World) -> None:
    (figure,) = rows(shown, USAGES, type="cpu", billing_period="2026-08-01", project_uuid=SURGE)
    history = rows(shown, f"{USAGES}{figure['uuid']}/history/")
    who = [(each["agent"], each["revision_user"]["username"]) for each in history]
    assert who == [(demo.AGENT, "demo-staff"), (demo.AGENT, "demo-staff")]
    assert [each["revision_comment"] for each in history] == [demo.REASON, ""]


@pytest.mark.parametrize(
    ("by", "sees"),
    [
        ("demo-reader", {"Sea ice forecast"}),
        ("demo-auditor", {"Sea ice forecast", "Plankton drift"}),
        ("demo-provider", {"Sea ice forecast", "Plankton drift", "Storm surge (demo)"}),
    ],
)
def test_a_newcomer_can_look_with_the_eyes_of_others(shown: World, by: str, sees: set[str]) -> None:
    assert {row["project_name"] for row in rows(shown, USAGES, by)} == sees


def test_what_is_there_to_be_reported_has_no_usage_yet(shown: World) -> None:
    assert rows(shown, USAGES, resource_uuid=DEMO_RESOURCE) == []


@pytest.mark.parametrize(
    ("now", "zone", "first", "last"),
    [
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), ZoneInfo("UTC"), date(2026, 2, 1), date(2027, 1, 1)),
        (
            datetime(2028, 2, 29, 23, 30, tzinfo=UTC),
            ZoneInfo("Asia/Tokyo"),
            date(2027, 4, 1),
            date(2028, 3, 1),
        ),
        (
            datetime(2028, 3, 1, 0, 30, tzinfo=UTC),
            ZoneInfo("America/Lima"),
            date(2027, 3, 1),
            date(2028, 2, 1),
        ),
    ],
)
def test_the_year_ends_with_the_present_month_wherever_the_ledger_is(
    now: datetime, zone: ZoneInfo, first: date, last: date
) -> None:
    year = [each for each in demo.reports(now, zone) if isinstance(each, UsageReport)]
    months = Counter(each.month(now, zone) for each in year)
    assert (min(months), max(months), len(months), months.total()) == (first, last, 12, 215)
    assert min(item.amount for each in year for item in each.items) > Decimal(0)
    assert list(demo.reports(now, zone)) == list(demo.reports(now, zone))


def test_a_ledger_that_has_facts_gets_no_demo(world: World) -> None:
    before = world.projector.catch_up()
    demo.load_if_empty(world.services)
    assert world.projector.catch_up() == before


def test_the_demo_is_made_once(server: str, empty_template: str) -> None:
    with database(server, empty_template) as url, open_world(url) as world:
        demo.load_if_empty(world.services)
        end = world.projector.catch_up()
        world.now = NOW + timedelta(days=40)
        demo.load_if_empty(world.services)
        assert world.projector.catch_up() == end == FACTS
