"""Usages of many users in one report."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.events import Report, UserUsageReported
from tests.api.shares import (
    CLOSED_MONTH,
    LIMIT_EXCEEDED,
    NO_NUMBER,
    NOT_NULL,
    REQUIRED,
    USER_URL,
    answer,
    describe_limit,
    report_users,
    shares,
    totals,
    usage_of,
)
from tests.world import (
    OFFERING,
    OTHER_OFFERING,
    PROJECT,
    RESOURCE,
    USAGES,
    World,
)

# Many users at once


def test_many_users_are_reported_at_once(world: World) -> None:
    usage_uuid = usage_of(world)
    response = report_users(
        world,
        usage_uuid,
        {"username": "ann", "usage": "1.5", "user": USER_URL},
        {"username": "bob", "usage": 2},
        {"username": "eve"},
        by="offering-manager",
    )
    assert (response.status_code, response.data) == (201, b"")
    assert shares(world) == [("ann", "1.50"), ("bob", "2.00"), ("eve", "0.00")]


def test_of_one_user_named_twice_the_last_figure_counts(world: World) -> None:
    usage_uuid = usage_of(world)
    items = [{"username": "ann", "usage": 1, "user": USER_URL}, {"username": "ann", "usage": 2}]
    assert answer(report_users(world, usage_uuid, *items)) == (201, None)
    assert [(row["usage"], row["user"]) for row in world.user_usages()] == [
        ("2.00", f"http://localhost{USER_URL}")
    ]
    assert len(world.facts(UserUsageReported)) == 1


def test_every_item_may_have_a_date_of_its_own(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    response = report_users(
        world,
        usage_uuid,
        {"username": "ann", "usage": 1},
        {"username": "ann", "usage": 2, "date": "2026-10-01"},
        {"username": "bob", "usage": 3, "date": "2026-10-31"},
        {"username": "bob", "usage": 4, "date": "2026-11-02"},
    )
    assert answer(response) == (201, None)
    assert shares(world) == [("ann", "1.00"), ("ann", "2.00"), ("bob", "3.00"), ("bob", "4.00")]
    assert totals(world) == [("2026-10-01", "cpu", "5.00"), ("2026-11-01", "cpu", "5.00")]


def test_the_total_of_zero_becomes_the_sum_of_all_users_of_the_call(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    world.report_user(usage_uuid, username="ann", usage=0)
    report_users(world, usage_uuid, {"username": "bob", "usage": 2}, {"username": "eve", "usage": 3})
    assert totals(world) == [("2026-11-01", "cpu", "5.00")]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, REQUIRED),
        ({"usages": None}, NOT_NULL),
        ({"usages": []}, ["At least one usage item is required."]),
        (
            {"usages": {"username": "ann"}},
            {"non_field_errors": ['Expected a list of items but got type "dict".']},
        ),
        (
            {"usages": ["ann", {"username": "bob"}, None]},
            [
                {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]},
                {},
                {"non_field_errors": ["Invalid data. Expected a dictionary, but got NoneType."]},
            ],
        ),
    ],
)
def test_users_come_in_a_list_of_objects(world: World, body: dict[str, Any], errors: Any) -> None:
    path = f"{USAGES}{usage_of(world)}/set_user_usages/"
    assert answer(world.as_("staff").post(path, body)) == (400, {"usages": errors})
    assert world.facts(UserUsageReported) == []


def test_a_report_of_users_that_is_refused_in_part_is_refused_whole(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)
    before = world.facts(Report)
    response = report_users(
        world,
        usage_uuid,
        {"username": "bob", "usage": 1},
        {"usage": "x"},
        {"username": "ann", "usage": 90, "user": USER_URL},
        {"username": "ann"},
        {"username": "eve", "usage": 1, "date": "2026-10-01"},
        by="provider-owner",
    )
    assert answer(response) == (
        400,
        {
            "usages": [
                {},
                {"username": REQUIRED, "usage": NO_NUMBER},
                {"non_field_errors": [LIMIT_EXCEEDED.format(additional="90.00")]},
                {"usage": REQUIRED},
                CLOSED_MONTH,
            ]
        },
    )
    assert world.facts(Report) == before


def test_a_user_who_is_named_before_in_the_call_needs_a_figure(world: World) -> None:
    response = report_users(world, usage_of(world), {"username": "ann", "usage": 1}, {"username": "ann"})
    assert answer(response) == (400, {"usages": [{}, {"usage": REQUIRED}]})
    assert shares(world) == []


def moved_elsewhere(world: World) -> None:
    resource = {"uuid": RESOURCE, "name": "Resource", "project_uuid": PROJECT}
    world.describe(resources=[resource | {"offering_uuid": OTHER_OFFERING}])


def terminated(world: World) -> None:
    resource = {"uuid": RESOURCE, "name": "Resource", "offering_uuid": OFFERING, "project_uuid": PROJECT}
    world.describe(resources=[resource | {"state": 6}])


@pytest.mark.parametrize("happening", [moved_elsewhere, terminated])
def test_users_are_reported_whatever_became_of_the_resource(
    world: World, happening: Callable[[World], None]
) -> None:
    usage_uuid = usage_of(world)
    happening(world)
    assert answer(world.report_user(usage_uuid, username="ann", usage=1)) == (201, None)
    assert shares(world) == [("ann", "1.00")]
