"""What changes nothing is answered as done and appends nothing."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report
from tests.world import (
    BASIC,
    OFFERING_USER,
    PREMIUM,
    RESOURCE,
    USAGES,
    World,
    uid,
)

DATE = "2026-11-03T00:00:00+02:00"
ITEM = {"type": "cpu", "amount": "12.50", "description": "nightly", "missing_usage_policy": "reuse"}
USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


def done(response: TestResponse) -> None:
    assert (response.status_code, response.data) == (201, b"")


def reports_of_cycle(world: World) -> list[Report]:
    """What an agent sends, again and again: totals of two months, and the users of one. Returns the facts."""
    items = [{"type": name, "amount": "7.00"} for name in ("cpu", "gpu")]
    before = world.facts(Report)
    done(world.report(by="offering-manager", usages=items, date="2026-11-01T00:00:00+02:00"))
    done(world.report(usages=items, date="2026-10-01T00:00:00+02:00"))
    users = [{"username": f"user{number}", "usage": "3.50"} for number in range(4)]
    for row in world.usages(billing_period="2026-11-01"):
        path = f"{USAGES}{row['uuid']}/set_user_usages/"
        done(world.as_("offering-manager").post(path, {"usages": users}))
    return world.facts(Report)[len(before) :]


def test_an_agents_unchanged_cycle_appends_nothing(world: World) -> None:
    assert len(reports_of_cycle(world)) == 4 + 8
    shown, shown_users = world.usages(), world.user_usages()
    world.now = world.now.replace(day=16)
    assert reports_of_cycle(world) == []
    assert (world.usages(), world.user_usages()) == (shown, shown_users)


@pytest.mark.parametrize(
    "same",
    [
        {"amount": 12.5},
        {"amount": "12.5"},
        {"type": " cpu "},
        {"description": " nightly "},
        {"recurring": True},
    ],
)
def test_the_same_in_other_words_changes_nothing(world: World, same: dict[str, Any]) -> None:
    done(world.report(usages=[ITEM], date=DATE))
    before = world.facts()
    done(world.report(usages=[ITEM | same], date=DATE))
    done(world.report(usages=[ITEM | same], date="2026-11-02T22:00:00Z"))
    assert world.facts() == before


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "12.51"},
        {"description": "hourly"},
        {"description": ""},
        {"missing_usage_policy": "none"},
        {"missing_usage_policy": "zero"},
    ],
)
def test_whatever_is_changed_is_a_fact(world: World, change: dict[str, Any]) -> None:
    done(world.report(usages=[ITEM], date=DATE))
    done(world.report(usages=[ITEM | change], date=DATE))
    assert len(world.facts(Report)) == 2


def test_another_date_is_a_fact_and_so_is_another_reporter(world: World) -> None:
    done(world.report(usages=[ITEM], date=DATE))
    done(world.report(usages=[ITEM], date="2026-11-03T00:00:01+02:00"))
    assert len(world.facts(Report)) == 2
    done(world.report(by="provider-owner", usages=[ITEM], date="2026-11-03T00:00:01+02:00"))
    assert len(world.facts(Report)) == 3


def test_an_undated_report_is_of_now_and_a_fact_even_if_the_amount_is_the_same(world: World) -> None:
    done(world.report(usages=[ITEM]))
    done(world.report(usages=[ITEM]))
    assert len(world.facts(Report)) == 1
    world.now = world.now.replace(microsecond=1)
    done(world.report(usages=[ITEM]))
    assert len(world.facts(Report)) == 2
    assert [row["date"] for row in world.usages()] == ["2026-11-15T12:00:00.000001+00:00"]


def test_of_a_report_only_what_changes_is_a_fact(world: World) -> None:
    gpu = {"type": "gpu", "amount": 1}
    done(world.report(usages=[ITEM, gpu], date=DATE))
    done(world.report(usages=[ITEM, gpu | {"amount": 2}], date=DATE))
    assert [fact.component_type for fact in reports(world)] == ["cpu", "gpu", "gpu"]


def test_an_amount_that_is_said_and_taken_back_in_one_report_changes_nothing(world: World) -> None:
    done(world.report(usages=[ITEM], date=DATE))
    done(world.report(usages=[ITEM | {"amount": 99}, ITEM], date=DATE))
    assert len(world.facts(Report)) == 1


def test_an_older_figure_that_comes_again_is_a_fact(world: World) -> None:
    for amount in (1, 2, 1):
        done(world.report(usages=[ITEM | {"amount": amount}], date=DATE))
    assert len(world.facts(Report)) == 3


def test_a_negative_amount_that_counts_as_zero_changes_a_zero_in_nothing(world: World) -> None:
    done(world.report(usages=[ITEM | {"amount": 0}], date=DATE))
    done(world.report(usages=[ITEM | {"amount": -3}], date=DATE))
    assert len(world.facts(Report)) == 1


def test_a_report_that_ends_the_policy_of_another_plans_row_is_a_fact(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    periods = [
        {"uuid": uid(0x61), "plan_uuid": BASIC, "end": switch},
        {"uuid": uid(0x62), "plan_uuid": PREMIUM, "start": switch},
    ]
    world.describe(resource_plan_periods=[{"resource_uuid": RESOURCE, **period} for period in periods])
    gpu = {"type": "gpu", "amount": 5, "missing_usage_policy": "reuse"}
    done(world.report(usages=[gpu], date="2026-11-12"))
    done(world.report(usages=[gpu], date="2026-11-05"))
    assert policies(world) == ["none", "reuse"]
    done(world.report(usages=[gpu], date="2026-11-12"))
    assert policies(world) == ["reuse", "none"]
    assert len(world.facts(Report)) == 3
    done(world.report(usages=[gpu], date="2026-11-12"))
    assert len(world.facts(Report)) == 3


@pytest.mark.parametrize(
    "same",
    [{}, {"usage": 2.5}, {"usage": "2.50"}, {"user": USER_URL}, {"date": "2026-11-09"}, {"username": " ann"}],
)
def test_the_same_figure_of_a_user_changes_nothing(world: World, same: dict[str, Any]) -> None:
    done(world.report(usages=[ITEM]))
    usage_uuid = world.usages()[0]["uuid"]
    share = {"username": "ann", "usage": "2.5"}
    done(world.report_user(usage_uuid, **share))
    before, shown = world.facts(), world.user_usages()
    world.now = world.now.replace(hour=13)
    done(world.report_user(usage_uuid, **(share | same)))
    done(world.report_user(usage_uuid, by="provider-owner", **share))
    assert world.user_usages() == shown
    assert [fact for fact in world.facts(Report) if fact not in before] == []


def test_of_a_report_of_users_only_what_changes_is_a_fact(world: World) -> None:
    done(world.report(usages=[ITEM]))
    path = f"{USAGES}{world.usages()[0]['uuid']}/set_user_usages/"
    users = [{"username": name, "usage": 1} for name in ("ann", "bob", "eve")]
    done(world.as_("staff").post(path, {"usages": users}))
    users[1]["usage"] = 2
    done(world.as_("staff").post(path, {"usages": users}))
    assert len(world.facts(Report)) == 1 + 3 + 1


def reports(world: World) -> list[Report]:
    return [fact for fact in world.facts() if isinstance(fact, Report)]


def policies(world: World) -> list[str]:
    """Of the month's rows, the one with the latest date first."""
    return [row["missing_usage_policy"] for row in world.usages()]
