"""Reporting what single users consumed."""

from typing import Any
from uuid import UUID

import pytest

from ledger.events import UserUsageReported
from tests import controls
from tests.api.shares import NO_NUMBER, NOT_NULL, REQUIRED, USER_URL, answer, report_users, shares, usage_of
from tests.world import (
    BASIC,
    OFFERING_USER,
    OTHER_OFFERING,
    PREMIUM,
    RESOURCE,
    USAGES,
    World,
    uid,
)

NO_STRING = ["Not a valid string."]


NO_DATE = [
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
]


NO_MATCH = ["Invalid hyperlink - No URL match."]


WRONG_MATCH = ["Invalid hyperlink - Incorrect URL match."]


NO_OBJECT = ["Invalid hyperlink - Object does not exist."]


# One user


def test_a_users_usage_shows_in_the_next_read(world: World) -> None:
    usage_uuid = usage_of(world)
    response = world.report_user(
        usage_uuid, by="offering-manager", username="ann", usage="2.5", user=USER_URL
    )
    assert (response.status_code, response.data) == (201, b"")
    (fact,) = (fact for fact in world.facts() if isinstance(fact, UserUsageReported))
    assert world.user_usages() == [
        controls.user_usage_row(
            uuid=fact.user_usage_uuid.hex,
            user=f"http://localhost{USER_URL}",
            component_usage=f"http://localhost{USAGES}{usage_uuid}/",
        )
    ]
    assert fact == controls.user_usage_reported(
        originator_id=fact.originator_id,
        originator_version=fact.originator_version,
        usage_uuid=UUID(usage_uuid),
        user_usage_uuid=fact.user_usage_uuid,
        person=fact.person,
        commitment=fact.commitment,
        token_uuid=fact.token_uuid,
        agent=fact.agent,
        offering_user_uuid=UUID(OFFERING_USER),
        component_type="cpu",
        reported_by=UUID(uid(3)),
    )


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
