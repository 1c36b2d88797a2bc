"""Reporting what single users consumed: contract sections 2.2 and 2.3."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report, UserUsageReported
from tests.world import (
    BASIC,
    CONSUMER,
    CPU,
    OFFERING,
    OFFERING_USER,
    OTHER_OFFERING,
    PREMIUM,
    PROJECT,
    RESOURCE,
    USAGES,
    World,
    uid,
)

USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"

REQUIRED = ["This field is required."]
NOT_NULL = ["This field may not be null."]
NO_STRING = ["Not a valid string."]
NO_NUMBER = ["A valid number is required."]
NO_DATE = [
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
]
NO_MATCH = ["Invalid hyperlink - No URL match."]
WRONG_MATCH = ["Invalid hyperlink - Incorrect URL match."]
NO_OBJECT = ["Invalid hyperlink - Object does not exist."]
CLOSED_MONTH = {
    "date": [
        "Service providers can only specify date for limit-based or prepaid billing components "
        "when backfilling past billing periods."
    ]
}
LIMIT_EXCEEDED = (
    "Usage limit exceeded. Maximum allowed: 150.00, current usage: 100.00, additional: {additional}."
)


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json() if response.data else None


def usage_of(world: World, component: str = "cpu", amount: Any = 100, **body: Any) -> str:
    """Reports a component as staff. Returns the uuid of its component usage."""
    assert answer(world.report(usages=[{"type": component, "amount": amount}], **body)) == (201, None)
    found = [row for row in world.usages() if row["type"] == component]
    return str(found[0]["uuid"])


def report_users(world: World, usage_uuid: str, *items: Any, by: str = "staff") -> TestResponse:
    return world.as_(by).post(f"{USAGES}{usage_uuid}/set_user_usages/", {"usages": list(items)})


def shares(world: World) -> list[tuple[str, str]]:
    return sorted((row["username"], row["usage"]) for row in world.user_usages())


def totals(world: World) -> list[tuple[str, str, str]]:
    return sorted((row["billing_period"], row["type"], row["usage"]) for row in world.usages())


def describe_limit(world: World, limit: Any = 150) -> None:
    described = {
        "uuid": uid(0x51),
        "resource_uuid": RESOURCE,
        "component_uuid": CPU,
        "offering_user_uuid": OFFERING_USER,
        "limit": limit,
    }
    world.describe(component_user_usage_limits=[described])


# One user


def test_a_users_usage_shows_in_the_next_read(world: World) -> None:
    usage_uuid = usage_of(world)
    response = world.report_user(
        usage_uuid, by="offering-manager", username="ann", usage="2.5", user=USER_URL
    )
    assert (response.status_code, response.data) == (201, b"")
    (fact,) = (fact for fact in world.facts() if isinstance(fact, UserUsageReported))
    assert world.user_usages() == [
        {
            "uuid": fact.user_usage_uuid.hex,
            "user": f"http://localhost{USER_URL}",
            "username": "ann",
            "component_usage": f"http://localhost{USAGES}{usage_uuid}/",
            "usage": "2.50",
            "measured_unit": "hours",
            "description": "",
            "created": "2026-11-15T12:00:00+00:00",
            "modified": "2026-11-15T12:00:00+00:00",
            "backend_id": "",
            "resource_name": "Resource",
            "resource_uuid": RESOURCE,
            "offering_name": "Cluster",
            "offering_uuid": OFFERING,
            "project_name": "Project",
            "project_uuid": PROJECT,
            "customer_name": "Consumer",
            "customer_uuid": CONSUMER,
            "component_type": "cpu",
            "date": "2026-11-15T12:00:00+00:00",
            "billing_period": "2026-11-01",
        }
    ]


def test_no_fact_holds_a_username(world: World) -> None:
    world.report_user(usage_of(world), username="ann-without-equal", usage=1)
    assert [fact for fact in world.facts() if "ann-without-equal" in repr(fact)] == []


def test_a_later_report_of_a_user_replaces_only_the_usage(world: World) -> None:
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="ann", usage=1)
    (before,) = world.user_usages()
    world.now = world.now.replace(hour=13)
    world.report_user(usage_uuid, username="ann", usage=2, user=USER_URL)
    assert before["user"] is None
    assert world.user_usages() == [before | {"usage": "2.00", "modified": "2026-11-15T13:00:00+00:00"}]


def test_a_user_without_a_figure_is_stored_with_zero(world: World) -> None:
    assert answer(world.report_user(usage_of(world), username="ann")) == (201, None)
    assert shares(world) == [("ann", "0.00")]


def test_a_user_who_is_known_needs_a_figure(world: World) -> None:
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="ann", usage=1)
    assert answer(world.report_user(usage_uuid, username="ann")) == (400, {"usage": REQUIRED})
    assert shares(world) == [("ann", "1.00")]


def test_a_user_is_known_only_to_the_component_usage_that_names_them(world: World) -> None:
    """After a plan switch a month has two component usages, each with its own users."""
    periods = [
        {"uuid": uid(0x61), "plan_uuid": BASIC, "start": "2026-01-01", "end": "2026-11-10"},
        {"uuid": uid(0x62), "plan_uuid": PREMIUM, "start": "2026-11-10"},
    ]
    world.describe(resource_plan_periods=[{"resource_uuid": RESOURCE, **period} for period in periods])
    first = usage_of(world, date="2026-11-05")
    world.report_user(first, username="ann", usage=1)
    world.report(usages=[{"type": "cpu", "amount": 150}])
    (second,) = (row["uuid"] for row in world.usages() if row["uuid"] != first)
    assert answer(world.report_user(second, username="ann")) == (201, None)
    assert shares(world) == [("ann", "0.00"), ("ann", "1.00")]


def test_usernames_are_trimmed_and_told_apart_by_case(world: World) -> None:
    usage_uuid = usage_of(world)
    for username in (" ann ", "Ann", 5, "x" * 100):
        assert answer(world.report_user(usage_uuid, username=username, usage=1)) == (201, None)
    assert [name for name, _ in shares(world)] == ["5", "Ann", "ann", "x" * 100]


def test_what_can_not_be_set_is_ignored(world: World) -> None:
    ignored: dict[str, Any] = {"description": "x", "recurring": "maybe", "backend_id": [], "colour": "red"}
    response = world.report_user(usage_of(world), username="ann", usage=1, **ignored)
    assert answer(response) == (201, None)
    assert [(row["description"], row["backend_id"]) for row in world.user_usages()] == [("", "")]


@pytest.mark.parametrize(
    "url",
    [
        USER_URL,
        f"http://localhost{USER_URL}",
        f"https://somewhere.else:8443{USER_URL}?x=1",
        "/api/marketplace-offering-users/00000000-0000-0000-0000-000000000031/",
        "/api/marketplace%2Doffering-users/00000000000000000000000000000031/",
    ],
)
def test_only_the_path_of_a_users_url_counts(world: World, url: str) -> None:
    assert answer(world.report_user(usage_of(world), username="ann", usage=1, user=url)) == (201, None)
    assert [row["user"] for row in world.user_usages()] == [f"http://localhost{USER_URL}"]


def test_an_offering_user_may_be_of_another_offering(world: World) -> None:
    stranger = {"uuid": uid(0x32), "offering_uuid": OTHER_OFFERING, "username": "far-away"}
    world.describe(offering_users=[stranger])
    url = f"/api/marketplace-offering-users/{uid(0x32)}/"
    assert answer(world.report_user(usage_of(world), username="ann", usage=1, user=url)) == (201, None)
    assert [row["user"] for row in world.user_usages()] == [f"http://localhost{url}"]


WRONG_FIELDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"username": REQUIRED}),
    ({"username": None}, {"username": NOT_NULL}),
    ({"username": ""}, {"username": ["This field may not be blank."]}),
    ({"username": "  "}, {"username": ["This field may not be blank."]}),
    ({"username": True}, {"username": NO_STRING}),
    ({"username": ["ann"]}, {"username": NO_STRING}),
    ({"username": "a\x00n"}, {"username": ["Null characters are not allowed."]}),
    ({"username": "x" * 101}, {"username": ["Ensure this field has no more than 100 characters."]}),
    ({"username": "ann", "usage": None}, {"usage": NOT_NULL}),
    ({"username": "ann", "usage": ""}, {"usage": NO_NUMBER}),
    ({"username": "ann", "usage": "many"}, {"usage": NO_NUMBER}),
    ({"username": "ann", "usage": True}, {"usage": NO_NUMBER}),
    (
        {"username": "ann", "usage": "0.001"},
        {"usage": ["Ensure that there are no more than 2 decimal places."]},
    ),
    (
        {"username": "ann", "usage": 10**18},
        {"usage": ["Ensure that there are no more than 18 digits before the decimal point."]},
    ),
    (
        {"username": "ann", "usage": 10**20},
        {"usage": ["Ensure that there are no more than 20 digits in total."]},
    ),
    ({"username": "ann", "usage": "1" * 1001}, {"usage": ["String value too large."]}),
    ({"username": "ann", "user": None}, {"user": NOT_NULL}),
    ({"username": "ann", "user": ""}, {"user": NOT_NULL}),
    ({"username": "ann", "user": 5}, {"user": ["Incorrect type. Expected URL string, received int."]}),
    ({"username": "ann", "user": 5.5}, {"user": ["Incorrect type. Expected URL string, received float."]}),
    ({"username": "ann", "user": {}}, {"user": ["Incorrect type. Expected URL string, received dict."]}),
    ({"username": "ann", "user": OFFERING_USER}, {"user": NO_MATCH}),
    ({"username": "ann", "user": "http://["}, {"user": NO_MATCH}),
    ({"username": "ann", "user": USER_URL.removesuffix("/")}, {"user": NO_MATCH}),
    ({"username": "ann", "user": USER_URL.removeprefix("/")}, {"user": NO_MATCH}),
    ({"username": "ann", "user": USAGES.removeprefix("/")}, {"user": NO_MATCH}),
    ({"username": "ann", "user": "/api/nothing/"}, {"user": NO_MATCH}),
    ({"username": "ann", "user": USAGES}, {"user": WRONG_MATCH}),
    ({"username": "ann", "user": f"{USAGES}set_usage/"}, {"user": WRONG_MATCH}),
    ({"username": "ann", "user": f"/api/marketplace-resources/{RESOURCE}/"}, {"user": WRONG_MATCH}),
    ({"username": "ann", "user": f"/api/marketplace-offering-users/{uid(0x99)}/"}, {"user": NO_OBJECT}),
    ({"username": "ann", "user": "/api/marketplace-offering-users/zzz/"}, {"user": NO_OBJECT}),
    ({"username": "ann", "date": None}, {"date": NOT_NULL}),
    ({"username": "ann", "date": ""}, {"date": NO_DATE}),
    ({"username": "ann", "date": 1}, {"date": NO_DATE}),
    ({"username": "ann", "date": "soon"}, {"date": NO_DATE}),
    ({"username": "ann", "date": "9999-12-31T23:59:59Z"}, {"date": NO_DATE}),
    (
        {"username": "", "usage": "x", "user": 1, "date": 1},
        {
            "username": ["This field may not be blank."],
            "usage": NO_NUMBER,
            "user": ["Incorrect type. Expected URL string, received int."],
            "date": NO_DATE,
        },
    ),
]


@pytest.mark.parametrize(("body", "errors"), WRONG_FIELDS)
def test_a_wrong_field_is_refused(world: World, body: dict[str, Any], errors: dict[str, Any]) -> None:
    usage_uuid = usage_of(world)
    assert answer(world.report_user(usage_uuid, **body)) == (400, errors)
    assert world.facts(UserUsageReported) == []
    assert answer(report_users(world, usage_uuid, body)) == (400, {"usages": [errors]})
    assert world.facts(UserUsageReported) == []


def test_a_form_is_read_like_json(world: World) -> None:
    path = f"{USAGES}{usage_of(world)}/set_user_usage"
    form = {"username": "ann", "usage": "2.5"}
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        response = world.as_("staff").send("POST", f"{path}/", data=form, content_type=content_type)
        assert answer(response) == (201, None)
    bulk = {"usages[0]username": "bob", "usages[0]usage": "1"}
    assert answer(world.as_("staff").send("POST", f"{path}s/", data=bulk)) == (201, None)
    assert shares(world) == [("ann", "2.50"), ("bob", "1.00")]


# Who may, and in which order that is found out


@pytest.mark.parametrize("action", ["set_user_usage", "set_user_usages"])
def test_what_is_out_of_sight_is_not_found_and_what_is_only_seen_is_forbidden(
    world: World, action: str
) -> None:
    """Both before anything is said about the body."""

    def error(user: str, usage_uuid: str) -> Any:
        response = world.as_(user).send("POST", f"{USAGES}{usage_uuid}/{action}/", data=b"{")
        return response.status_code, response.get_json()["detail"]

    usage_uuid = usage_of(world)
    for missing in (uid(0x99), "zzz", RESOURCE):
        assert error("staff", missing) == (404, "No ComponentUsage matches the given query.")
    assert error("stranger", usage_uuid) == (404, "No ComponentUsage matches the given query.")
    assert error("project-admin", usage_uuid) == (
        403,
        "You do not have permission to perform this action.",
    )
    anonymous = world.anonymous.post(f"{USAGES}{uid(0x99)}/{action}/", {})
    assert anonymous.status_code == 401


def test_a_component_usage_is_named_with_or_without_dashes(world: World) -> None:
    usage_uuid = usage_of(world)
    parts = usage_uuid[:8], usage_uuid[8:12], usage_uuid[12:16], usage_uuid[16:20], usage_uuid[20:]
    assert answer(world.report_user("-".join(parts), username="ann", usage=1)) == (201, None)
    assert shares(world) == [("ann", "1.00")]


# The total


def test_users_may_exceed_the_total_and_leave_it_as_it_is(world: World) -> None:
    usage_uuid = usage_of(world, amount=10)
    (before,) = world.usages()
    world.now = world.now.replace(hour=13)
    world.report_user(usage_uuid, by="provider-owner", username="ann", usage=20)
    assert world.usages() == [before]


def test_a_total_of_zero_becomes_the_sum_of_the_users_once(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    (before,) = world.usages()
    world.report_user(usage_uuid, by="provider-owner", username="nobody", usage=0)
    assert world.usages() == [before]
    world.report_user(usage_uuid, by="provider-owner", username="ann", usage=20)
    assert world.usages() == [before | {"usage": "20.00"}]
    world.report_user(usage_uuid, by="provider-owner", username="bob", usage=5)
    assert world.usages() == [before | {"usage": "20.00"}]


def test_a_sum_that_is_not_positive_does_not_become_the_total(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    world.report_user(usage_uuid, username="ann", usage=-20)
    world.report_user(usage_uuid, username="bob", usage=20)
    assert totals(world) == [("2026-11-01", "cpu", "0.00")]


def test_a_total_that_is_reported_as_zero_again_is_taken_from_the_users_again(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    report_users(world, usage_uuid, {"username": "ann", "usage": 20}, {"username": "bob", "usage": 5})
    usage_of(world, amount=0)
    assert totals(world) == [("2026-11-01", "cpu", "0.00")]
    world.report_user(usage_uuid, username="bob", usage=5)
    assert totals(world) == [("2026-11-01", "cpu", "25.00")]


def test_users_stay_with_a_component_usage_that_is_reported_again(world: World) -> None:
    world.report_user(usage_of(world), username="ann", usage=1)
    usage_of(world, amount=200)
    assert shares(world) == [("ann", "1.00")]


def test_a_sum_that_no_component_usage_can_hold_is_refused(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    most = "999999999999999999.99"
    response = report_users(
        world, usage_uuid, {"username": "ann", "usage": most}, {"username": "bob", "usage": most}
    )
    message = "The figure of the month would have more than 18 digits before the decimal point."
    assert answer(response) == (400, {"non_field_errors": [message]})
    assert shares(world) == []


# Dates


def test_a_date_leads_to_the_component_usage_of_its_month(world: World) -> None:
    october = usage_of(world, date="2026-10-03")
    (before,) = world.usages()
    november = usage_of(world)
    assert answer(world.report_user(november, username="ann", usage=1, date="2026-10-31")) == (201, None)
    assert [row["component_usage"] for row in world.user_usages()] == [f"http://localhost{USAGES}{october}/"]
    assert before in world.usages()


def test_a_date_in_a_month_without_component_usage_makes_one(world: World) -> None:
    usage_uuid = usage_of(world)
    (before,) = world.usages()
    response = world.report_user(usage_uuid, username="ann", usage=3, date="2026-09-30T23:30:00-02:00")
    assert answer(response) == (201, None)
    (made,) = (row for row in world.usages() if row["uuid"] != usage_uuid)
    assert made == before | {
        "uuid": made["uuid"],
        "usage": "3.00",
        "date": "2026-10-01T01:30:00+00:00",
        "billing_period": "2026-09-01",
        "description": "Created for user usage backfill",
    }
    assert [(row["username"], row["component_usage"]) for row in world.user_usages()] == [
        ("ann", f"http://localhost{USAGES}{made['uuid']}/")
    ]


def test_a_component_usage_that_was_made_for_users_takes_a_later_report(world: World) -> None:
    world.report_user(usage_of(world), username="ann", usage=3, date="2026-10-05")
    world.report(usages=[{"type": "cpu", "amount": 9}], date="2026-10-06")
    assert totals(world) == [("2026-10-01", "cpu", "9.00"), ("2026-11-01", "cpu", "100.00")]


def test_a_date_may_lie_in_the_future(world: World) -> None:
    usage_uuid = usage_of(world)
    for date in ("2026-12-24T00:00:00Z", "9998-12-31T23:59:59Z"):
        response = world.report_user(usage_uuid, by="provider-owner", username="ann", usage=1, date=date)
        assert answer(response) == (201, None)
    assert totals(world) == [
        ("2026-11-01", "cpu", "100.00"),
        ("2026-12-01", "cpu", "1.00"),
        ("9998-12-01", "cpu", "1.00"),
    ]


@pytest.mark.parametrize(
    ("user", "component", "status"),
    [
        ("staff", "cpu", 201),
        ("staff", "gpu", 201),
        ("provider-owner", "cpu", 400),
        ("provider-owner", "gpu", 201),
        ("provider-owner", "setup", 201),
        ("offering-manager", "cpu", 400),
        ("offering-manager", "gpu", 201),
    ],
)
def test_a_provider_backfills_users_of_limit_based_and_one_time_components_only(
    world: World, user: str, component: str, status: int
) -> None:
    usage_uuid = usage_of(world, component)
    response = world.report_user(usage_uuid, by=user, username="ann", usage=1, date="2026-10-31")
    assert answer(response) == (status, CLOSED_MONTH if status == 400 else None)
    assert len(world.facts(UserUsageReported)) == (status == 201)


def test_without_a_date_a_provider_may_add_users_to_a_past_month(world: World) -> None:
    usage_uuid = usage_of(world, date="2026-10-03")
    response = world.report_user(usage_uuid, by="provider-owner", username="ann", usage=1)
    assert answer(response) == (201, None)
    assert [row["billing_period"] for row in world.user_usages()] == ["2026-10-01"]


# Limits of single users


def test_a_users_limit_counts_the_figure_that_is_replaced(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    assert answer(world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)) == (201, None)
    exceeded = world.report_user(usage_uuid, username="ann", usage=90, user=USER_URL)
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="90.00")]})
    assert shares(world) == [("ann", "100.00")]
    assert answer(world.report_user(usage_uuid, username="ann", usage=50, user=USER_URL)) == (201, None)
    assert shares(world) == [("ann", "50.00")]


def test_a_users_limit_counts_all_their_usernames_and_nobody_else(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="bob", usage=1000)
    world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)
    exceeded = world.report_user(usage_uuid, username="ann2", usage="50.01", user=USER_URL)
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="50.01")]})
    assert answer(world.report_user(usage_uuid, username="ann2", usage=50, user=USER_URL)) == (201, None)


def test_a_users_limit_counts_the_addressed_component_usage_whatever_the_date(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)
    exceeded = world.report_user(usage_uuid, username="ann", usage=90, user=USER_URL, date="2026-10-01")
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="90.00")]})


def test_a_users_limit_is_of_one_component_and_holds_only_where_the_user_is_named(world: World) -> None:
    describe_limit(world)
    cpu, gpu = usage_of(world), usage_of(world, "gpu")
    assert answer(world.report_user(cpu, username="ann", usage=1000)) == (201, None)
    assert answer(world.report_user(gpu, username="ann", usage=1000, user=USER_URL)) == (201, None)


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
