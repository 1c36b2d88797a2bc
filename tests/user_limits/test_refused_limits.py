"""What a limit may not be: the errors of its values, and of rules that it breaks, in their order."""

from typing import Any

import pytest

from ledger.events import UserUsageLimitDescribed
from tests.user_limits.limiting import LIMITS, answer, body, create, describe_members, imported, listed, row
from tests.world import (
    GPU,
    OFFERING,
    OFFERING_USER,
    RESOURCE,
    SECOND_CPU,
    SECOND_RESOURCE,
    USAGES,
    World,
    uid,
)

REQUIRED, NOT_NULL = ["This field is required."], ["This field may not be null."]
EXISTS = {"non_field_errors": ["The fields resource, component, user must make a unique set."]}
NO_MEMBER = {"user": ["The specified user is not part of the resource's project."]}
WRONG_COMPONENT = {"component": ["Component is wrong."]}

RESOURCE_URL = f"/api/marketplace-resources/{RESOURCE}/"
USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


def no_url(reason: str) -> list[str]:
    return [f"Invalid hyperlink - {reason}"]


WRONG_VALUES: list[tuple[str, Any, list[str]]] = [
    *((name, None, NOT_NULL) for name in ("resource", "component", "user", "limit")),
    *((name, "", NOT_NULL) for name in ("resource", "user")),
    *(
        (name, value, no_url(reason))
        for name, own, other in (("resource", RESOURCE_URL, USER_URL), ("user", USER_URL, RESOURCE_URL))
        for value, reason in (
            (own[:-33] + uid(0xDEAD) + "/", "Object does not exist."),
            (own[:-33] + "zzz/", "Object does not exist."),
            (other, "Incorrect URL match."),
            (USAGES, "Incorrect URL match."),
            ("/api/nowhere/", "No URL match."),
            (own[-33:-1], "No URL match."),
        )
    ),
    ("resource", 5, ["Incorrect type. Expected URL string, received int."]),
    ("user", [USER_URL], ["Incorrect type. Expected URL string, received list."]),
    ("component", uid(0xDEAD), [f"Object with uuid={uid(0xDEAD)} does not exist."]),
    ("component", "zzz", ["Object with uuid=zzz does not exist."]),
    ("component", 5, ["Object with uuid=5 does not exist."]),
    ("limit", "many", ["A valid number is required."]),
    ("limit", "", ["A valid number is required."]),
    ("limit", True, ["A valid number is required."]),
    ("limit", "0.001", ["Ensure that there are no more than 2 decimal places."]),
    ("limit", "1" * 19, ["Ensure that there are no more than 18 digits before the decimal point."]),
    ("limit", "-0.01", ["Limit must be a positive number."]),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_wrong_value_is_told_under_its_name(world: World, method: str) -> None:
    uuid = create(world)
    path = LIMITS if method == "POST" else f"{LIMITS}{uuid}/"
    rest = {} if method == "PATCH" else body()
    for name, value, problems in WRONG_VALUES:
        response = world.as_("staff").send(method, path, json=rest | {name: value})
        assert answer(response) == (400, {name: problems})
    assert listed(world) == [row(uuid)]


def test_all_wrong_and_missing_values_are_told_at_once(world: World) -> None:
    uuid = create(world)
    missing = dict.fromkeys(("resource", "component", "user"), REQUIRED)
    for method, path in (("POST", LIMITS), ("PUT", f"{LIMITS}{uuid}/")):
        assert answer(world.as_("staff").send(method, path, json={})) == (400, missing)
        wrong = world.as_("staff").send(method, path, json={"limit": "x", "component": "x"})
        assert answer(wrong) == (
            400,
            {
                "resource": REQUIRED,
                "component": ["Object with uuid=x does not exist."],
                "user": REQUIRED,
                "limit": ["A valid number is required."],
            },
        )


def test_a_second_limit_for_the_same_is_refused(world: World) -> None:
    describe_members(world)
    uuid, other = create(world), create(world, component=GPU)
    assert answer(world.as_("staff").post(LIMITS, body(limit=3))) == (400, EXISTS)
    for method, values in (("PUT", body()), ("PATCH", {"component": body()["component"]})):
        response = world.as_("staff").send(method, f"{LIMITS}{other}/", json=values)
        assert answer(response) == (400, EXISTS)
    assert {each["uuid"]: each["limit"] for each in listed(world)} == {uuid: "20.00", other: "20.00"}


def test_whom_the_project_has_no_role_for_is_refused_by_every_method(world: World) -> None:
    """A role on its customer does not count, nor one that has ended, nor a name of no person."""
    for number, user in ((0x34, uid(6)), (0x35, uid(12)), (0x36, None)):
        offering_user = {"uuid": uid(number), "username": f"name{number}", "user_uuid": user}
        world.describe(offering_users=[offering_user | {"offering_uuid": OFFERING}])
        url = f"/api/marketplace-offering-users/{uid(number)}/"
        assert answer(world.as_("staff").post(LIMITS, body(user=url))) == (400, NO_MEMBER)
        world.describe(
            component_user_usage_limits=[imported(uid(0x61)) | {"offering_user_uuid": uid(number)}]
        )
        for method, values in (("PUT", body(user=url)), ("PATCH", {"limit": 1}), ("PATCH", {})):
            response = world.as_("staff").send(method, f"{LIMITS}{uid(0x61)}/", json=values)
            assert answer(response) == (400, NO_MEMBER)


def test_whose_role_has_ended_is_no_member_any_more(world: World) -> None:
    uuid = create(world)
    ended = {"uuid": uid(0x87), "user_uuid": uid(9), "role_name": "PROJECT.MEMBER", "is_active": False}
    world.describe(user_roles=[ended | {"scope_type": "structure.project", "scope_uuid": uid(0xA1)}])
    response = world.as_("staff").send("PATCH", f"{LIMITS}{uuid}/", json={"limit": 1})
    assert answer(response) == (400, NO_MEMBER)
    assert world.as_("staff").send("DELETE", f"{LIMITS}{uuid}/").status_code == 204


def test_a_component_of_another_offering_is_wrong(world: World) -> None:
    describe_members(world)
    uuid = create(world)
    assert answer(world.as_("staff").post(LIMITS, body(component=SECOND_CPU))) == (400, WRONG_COMPONENT)
    for method, values in (
        ("PUT", body(component=SECOND_CPU)),
        ("PATCH", {"component": SECOND_CPU}),
        ("PATCH", {"resource": body(SECOND_RESOURCE)["resource"], "user": body(SECOND_RESOURCE)["user"]}),
    ):
        response = world.as_("staff").send(method, f"{LIMITS}{uuid}/", json=values)
        assert answer(response) == (400, WRONG_COMPONENT)
    assert listed(world) == [row(uuid)]


def test_of_several_broken_rules_the_first_is_told(world: World) -> None:
    describe_members(world)
    world.describe(component_user_usage_limits=[imported(uid(0x61)) | {"offering_user_uuid": uid(0x32)}])
    stranger = body(SECOND_RESOURCE)["user"]
    assert answer(world.as_("staff").post(LIMITS, body(user=stranger))) == (400, EXISTS)
    both = body(user=stranger, component=SECOND_CPU)
    assert answer(world.as_("staff").post(LIMITS, both)) == (400, NO_MEMBER)


@pytest.mark.parametrize(("header", "value"), [("Idempotency-Key", "k"), ("Ledger-Expect", "5")])
def test_headers_of_reports_are_refused_and_not_left_unread(world: World, header: str, value: str) -> None:
    uuid = create(world)
    problem = {"detail": f"{header} is for reports. To send this request again does no harm without it."}
    for method, path, sent in (
        ("POST", LIMITS, body(component=GPU)),
        ("PUT", f"{LIMITS}{uuid}/", body(limit=3)),
        ("PATCH", f"{LIMITS}{uuid}/", {"limit": 3}),
        ("DELETE", f"{LIMITS}{uuid}/", None),
    ):
        response = world.as_("staff").send(method, path, json=sent, headers={header: value})
        assert answer(response) == (400, problem)
    assert listed(world) == [row(uuid)]
    assert len(world.facts(UserUsageLimitDescribed)) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_can_not_be_read_is_refused(world: World, method: str) -> None:
    uuid = create(world)
    path = LIMITS if method == "POST" else f"{LIMITS}{uuid}/"
    staff = world.as_("staff")
    assert answer(staff.send(method, path, json=None, data="{", content_type="application/json"))[0] == 400
    assert staff.send(method, path, data="<a/>", content_type="application/xml").status_code == 415
    assert answer(staff.send(method, path, json=[])) == (
        400,
        {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
    )


def test_methods_that_are_not_there_are_told_to_those_who_are_known(world: World) -> None:
    uuid = create(world)
    for method, path in (("PUT", LIMITS), ("DELETE", LIMITS), ("POST", f"{LIMITS}{uuid}/")):
        assert world.anonymous.send(method, path).status_code == 401
        response = world.as_("stranger").send(method, path)
        assert answer(response) == (405, {"detail": f'Method "{method}" not allowed.'})
