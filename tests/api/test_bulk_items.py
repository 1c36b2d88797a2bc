"""POST /api/ledger/reports/: bodies and items that are taken or refused."""

import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report, UsageReported, UserUsageReported
from tests.api.bulk import REPORTS, USER_URL, answer, of, of_user, refused, results, rows, send, shares, words
from tests.world import (
    BASIC,
    OFFERING_USER,
    PREMIUM,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    World,
    uid,
)

LINES = "application/x-ndjson"


# What is taken


def test_lines_are_taken_as_an_array_is(world: World, world_url: str) -> None:
    items = [of("cpu", "1.10"), of_user("ann", 2.5), of("fee", 1), "text", None, 3]
    lines = "\n".join(["", *map(json.dumps, items), "  ", ""]).replace("\n", "\r\n")
    query = {"dry_run": "true"}
    as_array = send(world, items, **query)
    for content_type in (LINES, "application/ndjson", "application/jsonl; charset=utf-8"):
        as_lines = world.as_("staff").send(
            "POST", REPORTS, data=lines, content_type=content_type, query_string=query
        )
        assert without_uuids(as_lines) == without_uuids(as_array)


def without_uuids(response: TestResponse) -> tuple[int, Any]:
    status, body = answer(response)
    return status, {
        **body,
        "results": [{name: each[name] for name in each if name != "uuid"} for each in body["results"]],
    }


def test_a_line_that_can_not_be_read_is_refused_in_its_place(world: World) -> None:
    lines = [json.dumps(of("cpu", 1)), '{"resource": ', "[" * 100_000, json.dumps(of("gpu", 2))]
    response = world.as_("staff").send(
        "POST", f"{REPORTS}?atomic=false", data="\n".join(lines), content_type=LINES
    )
    assert response.status_code == 201
    assert words(response) == ["created", "refused", "refused", "created"]
    for each in results(response)[1:3]:
        assert each["errors"]["detail"].startswith("JSON parse error - ")


def test_an_array_that_can_not_be_read_is_refused_as_a_whole(world: World) -> None:
    for data in ('[{"resource": ', "[NaN]", "[" * 100_000, "[" * 990 + "]" * 990):
        response = world.as_("staff").send("POST", REPORTS, data=data, content_type="application/json")
        assert response.status_code == 400
        assert "detail" in response.get_json() or words(response) == ["refused"]


def test_values_of_whatever_depth_are_refused(world: World) -> None:
    # Some can just be parsed, and are then too deep to be worded.
    staff = world.as_("staff")
    for depth in range(800, 1040):
        deep = "[" * depth + "]" * depth
        item = f'{{"resource": {deep}, "type": "cpu", "amount": 1}}'
        for data, kind in ((f"[{item}]", "application/json"), (item, LINES)):
            assert staff.send("POST", REPORTS, data=data, content_type=kind).status_code == 400


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-www-form-urlencoded", "", "text/plain"])
def test_other_content_types_are_not_taken(world: World, content_type: str) -> None:
    response = world.as_("staff").send("POST", REPORTS, data=b"[]", content_type=content_type)
    assert answer(response) == (415, {"detail": f'Unsupported media type "{content_type}" in request.'})


@pytest.mark.parametrize(
    ("data", "name"), [(b"", "NoneType"), (b"null", "NoneType"), (b"{}", "dict"), (b"1.5", "float")]
)
def test_a_body_that_is_no_list_is_refused(world: World, data: bytes, name: str) -> None:
    response = world.as_("staff").send("POST", REPORTS, data=data, content_type="application/json")
    message = f'Expected a list of items but got type "{name}".'
    assert answer(response) == (400, {"non_field_errors": [message]})


@pytest.mark.parametrize(("data", "kind"), [(b"[]", "application/json"), (b"\n \r\n", LINES), (b"", LINES)])
def test_no_reports_at_all_are_refused(world: World, data: bytes, kind: str) -> None:
    response = world.as_("staff").send("POST", REPORTS, data=data, content_type=kind)
    message = "Between 1 and 10000 reports are taken at once, and these are 0."
    assert answer(response) == (400, {"non_field_errors": [message]})


def test_ten_thousand_are_taken_at_once_and_no_more(world: World) -> None:
    # Of many months and amounts, so that most have to be decided, and all of one resource.
    items = [
        of("cpu", number // 120, date=f"{2000 + number % 10}-{number % 12 + 1:02}-02")
        for number in range(10_001)
    ]
    message = "Between 1 and 10000 reports are taken at once, and these are 10001."
    assert answer(send(world, items)) == (400, {"non_field_errors": [message]})
    assert world.facts(Report) == []
    response = send(world, items[:10_000])
    assert response.status_code == 201
    told = response.get_json()
    assert (told["created"], told["changed"], told["unchanged"], told["refused"]) == (60, 4960, 4980, 0)
    assert len(world.facts(Report)) == 5_020
    assert world.as_("staff").get(USAGES).headers["X-Result-Count"] == "60"
    assert Counter(row["usage"] for row in world.usages(page_size=60)) == {"83.00": 40, "82.00": 20}


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (7, {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (None, {"non_field_errors": ["Invalid data. Expected a dictionary, but got NoneType."]}),
        ({}, {"type": ["This field is required."], "amount": ["This field is required."]}),
        (
            {"type": "cpu", "amount": 1},
            {"non_field_errors": ["Either plan_period or resource should be provided."]},
        ),
        (of("cpu", "x"), {"amount": ["A valid number is required."]}),
        (of("c\x00pu", 1), {"type": ["Null characters are not allowed."]}),
        (of("cpu", 1, resource="zzz"), {"resource": ["Object with uuid=zzz does not exist."]}),
        (of("cpu", 1, resource=uid(5)), {"resource": [f"Object with uuid={uid(5)} does not exist."]}),
        (of("cpu", 1, resource=None), {"resource": ["This field may not be null."]}),
        (of("nothing", 1), {"non_field_errors": ["These components are invalid: nothing."]}),
        (
            of("cpu", 1, date="2026-11-16"),
            {"date": ["Cannot submit usage for future dates. Date must be current date or earlier."]},
        ),
        (of_user("", 1), {"username": ["This field may not be blank."]}),
        (of_user("a\x00b", 1), {"username": ["Null characters are not allowed."]}),
        (of_user("ann", "1.234"), {"usage": ["Ensure that there are no more than 2 decimal places."]}),
        (of_user("ann", 1, type="nothing"), {"non_field_errors": ["These components are invalid: nothing."]}),
        (
            of_user("ann", 1, component_usage=uid(9)),
            {"component_usage": [f"Object with uuid={uid(9)} does not exist."]},
        ),
        (
            {"username": "ann", "usage": 1, "type": "cpu"},
            {"non_field_errors": ["Either component_usage or resource and type should be provided."]},
        ),
        (of_user("ann", 1, user="x"), {"user": ["Invalid hyperlink - No URL match."]}),
    ],
)
def test_what_is_wrong_with_an_item_is_told_in_the_words_of_the_single_endpoints(
    world: World, item: Any, errors: dict[str, Any]
) -> None:
    response = send(world, [item, of("cpu", 1)])
    assert (response.status_code, results(response)[0]) == (400, refused(errors))
    assert words(response) == ["refused", "not_stored"]
    assert world.facts(Report) == []


OF_USER = "Belongs to the report of a user, and this one has no username: a component's has an amount."


OF_COMPONENT = "Belongs to the report of a component, and this one has a username: a user's has a usage."


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (of("cpu", 1, usage=60), {"usage": [OF_USER]}),
        (
            of("cpu", 1, user=USER_URL, component_usage=uid(9)),
            {"user": [OF_USER], "component_usage": [OF_USER]},
        ),
        (of_user("alice", 60, amount=100), {"amount": [OF_COMPONENT]}),
        (
            of_user(
                "alice", 1, description="x", missing_usage_policy="zero", recurring=False, plan_period=""
            ),
            {
                name: [OF_COMPONENT]
                for name in ("description", "missing_usage_policy", "recurring", "plan_period")
            },
        ),
        (
            {"resource": RESOURCE, "type": "cpu", "amount": "12.50", "username": "alice"},
            {"amount": [OF_COMPONENT], "usage": ["This field is required."]},
        ),
        (
            {"resource": RESOURCE, "type": "cpu", "username": "alice"},
            {"usage": ["This field is required."]},
        ),
        (of("cpu", 1, Date="2026-10-31"), {"Date": ["Unknown field. Did you mean date?"]}),
        (of("cpu", 1, descripton="x"), {"descripton": ["Unknown field. Did you mean description?"]}),
        (of("cpu", 1, user_name="ann"), {"user_name": ["Unknown field. Did you mean username?"]}),
        (
            of("cpu", "x", q=1),
            {
                "amount": ["A valid number is required."],
                "q": [
                    "Unknown field. Known are amount, component_usage, date, description, expect, "
                    "missing_usage_policy, plan_period, reason, recurring, resource, type, usage, user, "
                    "username."
                ],
            },
        ),
    ],
)
def test_what_an_item_says_beside_its_report_is_refused_by_its_name(
    world: World, item: Any, errors: dict[str, Any]
) -> None:
    response = send(world, [item], atomic="false")
    assert (response.status_code, results(response)) == (400, [refused(errors)])
    assert world.facts(Report) == []


def test_however_many_names_nobody_knows_are_told_without_being_looked_up_for_long(world: World) -> None:
    response = send(world, [of("cpu", 1) | {f"field {number}": 1 for number in range(1_000)}])
    (result,) = results(response)
    assert len(result["errors"]) == 1_000
    assert result["errors"]["field 999"] == ["Unknown field."]


def test_the_single_endpoints_ignore_what_they_do_not_know_as_the_reference_does(world: World) -> None:
    item = {"type": "cpu", "amount": 1, "usage": 3, "Date": "2026-10-01"}
    assert world.report(usages=[item], username="ann").status_code == 201
    (usage,) = world.usages()
    assert world.report_user(usage["uuid"], username="ann", amount=4, description="x").status_code == 201
    assert shares(world) == [("2026-11-01", "ann", "0.00")]


@pytest.mark.parametrize("kind", ["application/json", LINES])
def test_an_item_that_says_something_twice_is_refused(world: World, kind: str) -> None:
    item = f'{{"resource": "{RESOURCE}", "type": "cpu", "amount": 1, "amount": 2}}'
    data = item if kind == LINES else f"[{item}]"
    response = world.as_("staff").send("POST", REPORTS, data=data, content_type=kind)
    assert results(response) == [refused({"detail": 'The key "amount" is there more than once.'})]
    assert world.facts(Report) == []


def test_what_an_item_is_about_is_said_twice_only_in_the_same_words(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 1}])
    cpu = next(row["uuid"] for row in world.usages() if row["type"] == "cpu")
    wrong = ["Is not the one that component_usage is of."]
    by_uuid = {"username": "ann", "usage": 1, "component_usage": cpu}
    items = [
        by_uuid | {"resource": SECOND_RESOURCE},
        by_uuid | {"type": "gpu"},
        by_uuid | {"resource": SECOND_RESOURCE, "type": "gpu"},
        by_uuid | {"resource": RESOURCE, "type": "cpu"},
        by_uuid | {"type": "cpu"},
    ]
    response = send(world, items, atomic="false")
    assert results(response)[:3] == [
        refused({"resource": wrong}),
        refused({"type": wrong}),
        refused({"resource": wrong, "type": wrong}),
    ]
    assert words(response)[3:] == ["created", "unchanged"]


def test_a_plan_period_and_a_resource_that_it_is_not_of_are_refused(world: World) -> None:
    world.describe(resource_plan_periods=[{"uuid": uid(0x91), "resource_uuid": RESOURCE, "plan_uuid": BASIC}])
    response = send(
        world,
        [
            of("cpu", 1, plan_period=uid(0x91), resource=SECOND_RESOURCE),
            of("cpu", 1, plan_period=uid(0x91)),
        ],
        atomic="false",
    )
    wrong = {"resource": ["Is not the one that plan_period belongs to."]}
    assert (results(response)[0], words(response)) == (refused(wrong), ["refused", "created"])
    assert rows(world) == [(RESOURCE, "cpu", "2026-11-01", "1.00")]


def test_each_item_finds_the_plan_period_and_the_user_that_it_names(world: World) -> None:
    ends = {uid(0x91): "2026-10-01T00:00:00Z", uid(0x92): "2026-11-10T00:00:00Z", uid(0x93): None}
    plans = zip((BASIC, PREMIUM, BASIC), ends.items(), strict=True)
    world.describe(
        resource_plan_periods=[
            {"uuid": uuid, "resource_uuid": RESOURCE, "plan_uuid": plan} | ({"end": end} if end else {})
            for plan, (uuid, end) in plans
        ]
    )
    of_period = {"type": "cpu", "amount": 5}
    response = send(
        world,
        [
            *(of_period | {"plan_period": uuid} for uuid in (*ends, uid(0x94))),
            of_user("ann", 1, user=USER_URL),
            of_user("bob", 1, user=f"https://portal.example{USER_URL}"),
            of_user("eve", 1, user=USER_URL.replace(OFFERING_USER, uid(0x39))),
        ],
        atomic="false",
    )
    closed, _, _, nowhere, _, _, nobody = results(response)
    assert words(response) == ["refused", "created", "created", "refused", "created", "created", "refused"]
    assert closed == refused({"plan_period": ["Billing period is closed."]})
    assert nowhere == refused({"plan_period": [f"Object with uuid={uid(0x94)} does not exist."]})
    assert nobody == refused({"user": ["Invalid hyperlink - Object does not exist."]})
    periods = [fact.plan_period_uuid for fact in world.facts(UsageReported)]
    assert periods == [UUID(uid(0x92)), UUID(uid(0x93))]
    assert {fact.offering_user_uuid for fact in world.facts(UserUsageReported)} == {UUID(OFFERING_USER)}
