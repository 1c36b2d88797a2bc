"""Setting, changing and removing a user's limit: what is stored, what is answered, and what it then does."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from ledger.events import UserUsageLimitDescribed, UserUsageLimitRemoved
from tests import controls
from tests.user_limits.limiting import (
    LIMITS,
    UNSEEN,
    answer,
    body,
    create,
    describe_each,
    imported,
    listed,
    row,
)
from tests.world import CPU, GPU, OFFERING_USER, RESOURCE, SECOND_RESOURCE, World, plain_headers, uid

USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


def test_a_limit_is_set_shown_and_stored_as_a_fact_that_says_who_set_it(world: World) -> None:
    response = world.as_("consumer-owner").post(LIMITS, body())
    uuid = response.get_json()["uuid"]
    assert answer(response) == (201, row(uuid))
    assert answer(world.as_("staff").get(f"{LIMITS}{uuid}/")) == (200, row(uuid))
    assert listed(world) == [row(uuid)]
    (fact,) = world.facts(UserUsageLimitDescribed)
    assert (fact.source, fact.described_by, fact.originator_version) == ("api", UUID(uid(6)), 1)
    assert fact.entity == structs.replace(controls.LIMIT, uuid=UUID(uuid))


def test_a_limit_that_is_not_stated_is_nothing(world: World) -> None:
    values = body()
    del values["limit"]
    response = world.as_("staff").post(LIMITS, values)
    assert answer(response) == (201, row(response.get_json()["uuid"], limit="0.00"))
    usage = report_usage(world)
    assert report_user(world, usage, "0.01").status_code == 400
    assert report_user(world, usage, "0").status_code == 201


def test_a_form_is_as_good_as_json(world: World) -> None:
    response = world.as_("staff").send("POST", LIMITS, data=body(limit="7.5"))
    uuid = response.get_json()["uuid"]
    assert answer(response) == (201, row(uuid, limit="7.50"))
    for method, values, limit in (("PUT", body(limit="8"), "8.00"), ("PATCH", {"limit": "9"}, "9.00")):
        response = world.as_("staff").send(method, f"{LIMITS}{uuid}/", data=values)
        assert answer(response) == (200, row(uuid, limit=limit))


def test_paths_and_dashed_uuids_name_the_same_objects(world: World) -> None:
    values = {
        "resource": f"/api/marketplace-resources/{UUID(RESOURCE)}/",
        "component": str(UUID(CPU)),
        "user": f"https://elsewhere.example/api/marketplace-offering-users/{UUID(OFFERING_USER)}/",
        "limit": 20,
    }
    response = world.as_("staff").post(LIMITS, values)
    uuid = response.get_json()["uuid"]
    assert answer(response) == (201, row(uuid))
    assert answer(world.as_("staff").get(f"{LIMITS}{UUID(uuid)}/")) == (200, row(uuid))


@pytest.mark.parametrize(
    ("method", "values", "expected"),
    [
        ("PUT", body(limit="30"), {"limit": "30.00"}),
        ("PUT", {name: value for name, value in body().items() if name != "limit"}, {}),
        ("PUT", body(component=GPU), {"component": GPU, "component_type": "gpu"}),
        ("PATCH", {"limit": 30}, {"limit": "30.00"}),
        ("PATCH", {"component": GPU}, {"component": GPU, "component_type": "gpu"}),
        ("PATCH", {}, {}),
    ],
)
def test_a_limit_is_changed_where_the_body_says_so(
    world: World, method: str, values: Any, expected: dict[str, str]
) -> None:
    uuid = create(world)
    expected = row(uuid) | expected
    assert answer(world.as_("staff").send(method, f"{LIMITS}{uuid}/", json=values)) == (200, expected)
    assert listed(world) == [expected]
    assert len(world.facts(UserUsageLimitDescribed)) == (1 if expected == row(uuid) else 2)


def test_what_changes_nothing_appends_nothing_however_the_number_was_imported(world: World) -> None:
    for limit in (20, "20", "20.0", "20.00"):
        world.describe(component_user_usage_limits=[imported(uid(0x61), limit=limit)])
        facts = world.facts()
        for method, values in (("PUT", body()), ("PATCH", {"limit": 20}), ("PATCH", {"limit": "20.0"})):
            response = world.as_("staff").send(method, f"{LIMITS}{uid(0x61)}/", json=values)
            assert answer(response) == (200, row(uid(0x61)))
        assert world.facts() == facts


def test_a_limit_that_is_removed_is_not_there_and_its_fact_says_what_it_was(world: World) -> None:
    uuid = create(world)
    response = world.as_("consumer-owner").send("DELETE", f"{LIMITS}{uuid}/")
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in plain_headers(response)
    assert listed(world) == []
    assert answer(world.as_("staff").get(f"{LIMITS}{uuid}/")) == UNSEEN
    (described,), (fact,) = world.facts(UserUsageLimitDescribed), world.facts(UserUsageLimitRemoved)
    assert (fact.originator_id, fact.originator_version) == (described.originator_id, 2)
    assert (fact.entity, fact.removed_by, fact.source) == (described.entity, UUID(uid(6)), "api")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert answer(world.as_("staff").send(method, f"{LIMITS}{uuid}/")) == UNSEEN
    assert len(world.facts(UserUsageLimitRemoved)) == 1


def test_after_a_removal_another_limit_is_set_and_the_same_one_is_imported_anew(world: World) -> None:
    world.describe(component_user_usage_limits=[imported(uid(0x61))])
    world.as_("staff").send("DELETE", f"{LIMITS}{uid(0x61)}/")
    uuid = create(world, limit="5")
    assert listed(world) == [row(uuid, limit="5.00")]
    world.as_("staff").send("DELETE", f"{LIMITS}{uuid}/")
    summary = world.describe(component_user_usage_limits=[imported(uid(0x61))])
    assert dict(+summary["component_user_usage_limits"]) == {"new": 1}
    assert listed(world) == [row(uid(0x61))]
    facts = world.facts()
    world.describe(component_user_usage_limits=[imported(uid(0x61))])
    assert world.facts() == facts


def test_an_imported_limit_takes_the_place_of_another_one_for_the_same_user(world: World) -> None:
    uuid = create(world, limit="5")
    world.describe(component_user_usage_limits=[imported(uid(0x61))])
    assert listed(world) == [row(uid(0x61))]
    (fact,) = world.facts(UserUsageLimitRemoved)
    assert (fact.entity.uuid.hex, fact.source, fact.removed_by) == (uuid, "import", None)


def test_limits_that_an_import_exchanges_are_both_there(world: World) -> None:
    uuids = describe_each(world)
    one, two = (imported(uuids[resource], resource) for resource in (RESOURCE, SECOND_RESOURCE))
    world.describe(component_user_usage_limits=[one | {"uuid": two["uuid"]}, two | {"uuid": one["uuid"]}])
    assert {each["uuid"]: each["resource"] for each in listed(world)} == {
        each["uuid"]: each["resource"]
        for each in (
            row(two["uuid"], RESOURCE),
            row(one["uuid"], SECOND_RESOURCE),
            row(uid(0x63), uid(0x13)),
        )
    }


def report_usage(world: World) -> str:
    assert world.report(usages=[{"type": "cpu", "amount": 100}]).status_code == 201
    uuid: str = world.usages()[0]["uuid"]
    return uuid


def report_user(world: World, usage: str, amount: str) -> Any:
    return world.report_user(usage, username="member01", usage=amount, user=USER_URL)


def test_the_next_report_of_the_user_is_held_to_what_the_limit_is_now(world: World) -> None:
    usage, uuid = report_usage(world), create(world, limit="20")
    assert report_user(world, usage, "20.01").status_code == 400
    world.as_("staff").send("PATCH", f"{LIMITS}{uuid}/", json={"limit": "30"})
    assert report_user(world, usage, "30").status_code == 201
    assert answer(report_user(world, usage, "0.01")) == (
        400,
        {
            "non_field_errors": [
                "Usage limit exceeded. Maximum allowed: 30.00, current usage: 30.00, additional: 0.01."
            ]
        },
    )
    world.as_("staff").send("DELETE", f"{LIMITS}{uuid}/")
    assert report_user(world, usage, "1000").status_code == 201


def test_a_client_that_has_the_list_is_told_when_it_has_changed(world: World) -> None:
    staff, uuid = world.as_("staff"), create(world)
    headers = {"If-None-Match": staff.get(LIMITS).headers["ETag"]}
    assert staff.send("GET", LIMITS, headers=headers).status_code == 304
    changed = staff.send("PATCH", f"{LIMITS}{uuid}/", json={"limit": 1}, headers=headers)
    assert answer(changed) == (200, row(uuid, limit="1.00"))  # what has a condition is changed all the same
    assert "ETag" not in changed.headers
    again = staff.send("GET", LIMITS, headers=headers)
    assert (again.status_code, again.get_json()) == (200, [row(uuid, limit="1.00")])
    assert changed.headers["Ledger-Position"] == again.headers["Ledger-Position"]
