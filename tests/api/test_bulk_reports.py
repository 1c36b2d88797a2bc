"""POST /api/ledger/reports/: many reports in one request."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from werkzeug.test import TestResponse

from ledger.events import Fact, PlanPeriodDescribed, Report, UsageReported, UserUsageReported
from tests.support.histories import OF_A_HISTORY, Item, histories, placed, twins
from tests.world import (
    BASIC,
    CPU,
    OFFERING_USER,
    OTHER_RESOURCE,
    PREMIUM,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)

REPORTS = "/api/ledger/reports/"
SUMMARY = "/api/marketplace-component-usage-monthly/"
LINES = "application/x-ndjson"
USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"
MAY_NOT = {"detail": "You do not have permission to perform this action."}
CLOSED = (
    "Service providers can only specify date for limit-based or prepaid billing components "
    "when backfilling past billing periods."
)
WHO_MAY = " Only staff may report past months of other components."


def of(component_type: str, amount: Any, **more: Any) -> dict[str, Any]:
    """A report of RESOURCE, unless told otherwise."""
    return {"resource": RESOURCE, "type": component_type, "amount": amount, **more}


def of_user(username: str, usage: Any, **more: Any) -> dict[str, Any]:
    """The same of one user, of cpu unless told otherwise."""
    return {"resource": RESOURCE, "type": "cpu", "username": username, "usage": usage, **more}


def send(world: World, items: Any, *, by: str = "staff", **query: Any) -> TestResponse:
    return world.as_(by).send("POST", REPORTS, json=items, query_string=query)


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def results(response: TestResponse) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = response.get_json()["results"]
    return told


def words(response: TestResponse) -> list[str]:
    return [each["result"] for each in results(response)]


def refused(errors: dict[str, Any]) -> dict[str, Any]:
    return {"result": "refused", "errors": errors}


def last_facts(world: World, number: int) -> list[tuple[int, Fact]]:
    """The last facts of the journal with their positions."""
    return world.ledger.facts_after(0, 1_000_000)[-number:]


def rows(world: World) -> list[tuple[str, str, str, str]]:
    return sorted(
        (row["resource_uuid"], row["type"], row["billing_period"], row["usage"])
        for row in world.usages(page_size=300)
    )


def shares(world: World) -> list[tuple[str, str, str]]:
    return sorted((row["billing_period"], row["username"], row["usage"]) for row in world.user_usages())


# What is told


def test_items_are_decided_in_order_and_each_sees_those_before_it(world: World) -> None:
    response = send(
        world,
        [
            of("cpu", "10", date="2026-11-10"),
            of("cpu", "10.00", date="2026-11-10"),
            of("cpu", 11, date="2026-11-10"),
            of_user("ann", "4"),
            of_user("ann", "4", resource=SECOND_RESOURCE, date="2026-10-01"),
            of_user("ann", "5", resource=SECOND_RESOURCE, date="2026-10-01"),
        ],
    )
    assert response.status_code == 201
    assert words(response) == ["created", "unchanged", "changed", "created", "created", "changed"]
    assert rows(world) == [
        (RESOURCE, "cpu", "2026-11-01", "11.00"),
        (SECOND_RESOURCE, "cpu", "2026-10-01", "4.00"),
    ]
    assert shares(world) == [("2026-10-01", "ann", "5.00"), ("2026-11-01", "ann", "4.00")]


def test_an_item_is_told_the_uuid_that_reads_show_and_the_position_of_its_fact(world: World) -> None:
    world.report(usages=[{"type": "gpu", "amount": 1}], date="2026-11-02")
    items = [of("gpu", 1, date="2026-11-02"), of("cpu", 3), of_user("ann", 2)]
    response = send(world, items)
    (cpu_position, cpu), (ann_position, ann) = last_facts(world, 2)
    assert isinstance(cpu, Report)
    assert isinstance(ann, UserUsageReported)
    uuids = {row["type"]: row["uuid"] for row in world.usages()}
    (user,) = world.user_usages()
    assert uuids["cpu"] == cpu.usage_uuid.hex
    assert user["uuid"] == ann.user_usage_uuid.hex
    assert answer(response) == (
        201,
        {
            "created": 2,
            "changed": 0,
            "unchanged": 1,
            "refused": 0,
            "results": [
                {"result": "unchanged", "uuid": uuids["gpu"], "position": None},
                {"result": "created", "uuid": uuids["cpu"], "position": cpu_position},
                {"result": "created", "uuid": user["uuid"], "position": ann_position},
            ],
        },
    )
    assert response.headers["Ledger-Position"] == str(ann_position)


def test_an_item_with_several_facts_is_told_the_position_of_its_last(world: World) -> None:
    # The first report of a resource describes its plan period, the user of a month without any makes one.
    response = send(world, [of("cpu", 1), of_user("ann", 5, type="gpu")])
    (_, period), (first, _), (_, made), (last, user) = last_facts(world, 4)
    assert isinstance(period, PlanPeriodDescribed)
    assert isinstance(made, Report)
    assert isinstance(user, UserUsageReported)
    assert [each["position"] for each in results(response)] == [first, last]


def test_what_stores_nothing_is_answered_200_and_appends_nothing(world: World) -> None:
    items = [of("cpu", 1, date="2026-11-03"), of_user("ann", 1, date="2026-11-03")]
    assert send(world, items).status_code == 201
    before, uuids = world.facts(), [each["uuid"] for each in results(send(world, items))]
    assert answer(send(world, items)) == (
        200,
        {
            "created": 0,
            "changed": 0,
            "unchanged": 2,
            "refused": 0,
            "results": [{"result": "unchanged", "uuid": uuid, "position": None} for uuid in uuids],
        },
    )
    assert world.facts() == before


def test_by_default_all_are_stored_or_none(world: World) -> None:
    before = world.facts()
    response = send(world, [of("cpu", 1), of("fee", 2), of_user("ann", 3), of("cpu", 1)])
    status, body = answer(response)
    assert status == 400
    # The last one would repeat what the first would have stored: it is not there either.
    assert [each["result"] for each in body["results"]] == [
        "not_stored",
        "refused",
        "not_stored",
        "not_stored",
    ]
    assert {name: body[name] for name in body if name != "results"} == {
        "created": 0,
        "changed": 0,
        "unchanged": 0,
        "refused": 1,
        "not_stored": 3,
    }
    assert body["results"][1] == refused({"non_field_errors": ["These components are invalid: fee."]})
    assert {each.get("position") for each in body["results"]} == {None}
    assert (world.facts(), world.usages()) == (before, [])


def test_what_stands_already_is_unchanged_in_a_refused_request_too(world: World) -> None:
    items = [of("cpu", 1, date="2026-11-02"), of("gpu", 1, date="2026-11-02")]
    assert send(world, items).status_code == 201
    more = [*items, of("cpu", 2, date="2026-11-02"), of("cpu", 2, date="2026-11-02"), of("fee", 1)]
    response = send(world, more)
    assert words(response) == ["unchanged", "unchanged", "not_stored", "not_stored", "refused"]
    assert rows(world) == [(RESOURCE, kind, "2026-11-01", "1.00") for kind in ("cpu", "gpu")]
    tried = send(world, more, dry_run="true")
    assert words(tried) == ["unchanged", "unchanged", "changed", "unchanged", "refused"]
    assert "not_stored" not in tried.get_json()


def test_a_refused_request_that_names_itself_is_told_again_what_was_not_stored(world: World) -> None:
    def again() -> TestResponse:
        return world.as_("staff").send(
            "POST", REPORTS, json=[of("cpu", 1), of("fee", 1)], headers={"Idempotency-Key": "june"}
        )

    first, second = again(), again()
    assert words(first) == ["not_stored", "refused"]
    assert (second.status_code, second.data) == (400, first.data)
    assert second.headers["Idempotency-Replayed"] == "true"


def test_with_atomic_false_the_good_ones_are_stored(world: World) -> None:
    response = send(world, [of("cpu", 1), of("fee", 2), of_user("ann", 3)], atomic="false")
    status, body = answer(response)
    assert (status, body["created"], body["refused"]) == (201, 2, 1)
    assert rows(world) == [(RESOURCE, "cpu", "2026-11-01", "1.00")]
    assert shares(world) == [("2026-11-01", "ann", "3.00")]


def test_with_atomic_false_a_request_of_which_nothing_is_good_is_a_400(world: World) -> None:
    before = world.facts()
    assert send(world, [of("fee", 2)], atomic="false").status_code == 400
    world.report(usages=[{"type": "cpu", "amount": 1}], date="2026-11-02")
    unchanged = send(world, [of("fee", 2), of("cpu", 1, date="2026-11-02")], atomic="false")
    assert (unchanged.status_code, words(unchanged)) == (400, ["refused", "unchanged"])
    assert len(world.facts(Report)) == 1
    assert len(world.facts()) == len(before) + 2


# member01 is known. What somebody new gets for an id can't be foretold: it derives from a person to come.
MIXED = [of("cpu", 1), of_user("member01", 3), of("fee", 2), of("cpu", 1), of("gpu", 4), of("gpu", 5)]


@pytest.mark.parametrize(
    ("items", "atomic"),
    [(MIXED[:2], "true"), (MIXED, "false"), (MIXED[:2], "false"), (MIXED[2:3], "false")],
)
def test_a_dry_run_stores_nothing_and_answers_the_same_without_positions(
    world: World, items: list[Any], atomic: str
) -> None:
    world.report(usages=[{"type": "gpu", "amount": 4}])
    before = world.facts()
    tried = send(world, items, atomic=atomic, dry_run="true")
    assert world.facts() == before
    status, told = answer(send(world, items, atomic=atomic))
    for each in told["results"]:
        if each["result"] != "refused":
            each["position"] = None
    assert answer(tried) == (status, told)
    assert (len(world.facts()) > len(before)) == (status == 201)


def test_a_dry_run_of_what_would_be_refused_says_what_would_become_of_each(world: World) -> None:
    response = send(world, MIXED, dry_run="true")
    told = response.get_json()
    assert words(response) == ["created", "created", "refused", "unchanged", "created", "changed"]
    assert (response.status_code, told["created"], told["changed"]) == (400, 3, 1)


def test_people_who_are_named_in_vain_are_not_kept(world: World) -> None:
    before = count_people(world)
    send(world, [of_user("ann", 1)], dry_run="true")
    send(world, [of_user("bob", 1), of("fee", 1)])
    send(world, [of_user("eve", "x"), of_user("joe", 1, type="fie")], atomic="false")
    assert count_people(world) == before
    send(world, [of_user("ann", 1), of_user("ann", 2), of_user("bob", 1)])
    assert count_people(world) == before + 2


def count_people(world: World) -> int:
    with world.services.reading() as cursor:
        (row,) = cursor.execute("SELECT count(*) AS people FROM journal.person").fetchall()
    people: int = row["people"]
    return people


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF"])
def test_switches_are_written_as_booleans_are_elsewhere_and_the_last_one_counts(
    world: World, word: str
) -> None:
    items = [of("cpu", 1), of("fee", 2)]
    assert world.as_("staff").post(f"{REPORTS}?atomic=true&atomic={word}", items).status_code == 201
    assert world.as_("staff").post(f"{REPORTS}?dry_run=1&dry_run={word}", items[:1]).status_code == 200


@pytest.mark.parametrize("name", ["atomic", "dry_run"])
def test_a_switch_that_is_no_boolean_is_refused(world: World, name: str) -> None:
    assert answer(send(world, [of("cpu", 1)], **{name: "maybe"})) == (
        400,
        {name: ["Must be a valid boolean."]},
    )
    assert answer(send(world, [of("cpu", 1)], **{name: ""})) == (400, {name: ["Must be a valid boolean."]})
    assert world.facts(Report) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dry_runn", "Unknown parameter. Did you mean dry_run?"),
        ("Dry-Run", "Unknown parameter. Did you mean dry_run?"),
        ("ATOMIC", "Unknown parameter. Did you mean atomic?"),
        ("min_position", "Unknown parameter. Known are atomic, dry_run."),
    ],
)
def test_a_parameter_that_nobody_knows_is_refused_with_the_one_that_was_meant(
    world: World, name: str, told: str
) -> None:
    assert answer(send(world, [of("cpu", 1)], **{name: "true"})) == (400, {name: [told]})
    assert world.facts(Report) == []


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
                    "missing_usage_policy, plan_period, recurring, resource, type, usage, user, username."
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


# Who may report


@pytest.mark.parametrize("by", ["support", "project-member", "consumer-owner", "stranger"])
def test_who_may_not_report_is_told_so_item_by_item(world: World, by: str) -> None:
    response = send(world, [of("cpu", 1), of_user("ann", 1)], by=by, atomic="false")
    assert (response.status_code, results(response)) == (400, [refused(MAY_NOT)] * 2)
    assert world.facts(Report) == []


def test_rights_are_of_each_items_own_offering(world: World) -> None:
    items = [
        of("cpu", 1),
        of("cpu", 2, resource=SECOND_RESOURCE),
        of_user("ann", 3, resource=OTHER_RESOURCE),
        of_user("ann", 4),
    ]
    response = send(world, items, by="offering-manager", atomic="false")
    assert words(response) == ["created", "refused", "refused", "created"]
    assert results(response)[1:3] == [refused(MAY_NOT)] * 2
    owner = send(world, items, by="provider-owner", atomic="false")
    assert words(owner) == ["changed", "created", "refused", "unchanged"]


def test_a_usage_that_the_caller_may_not_see_is_not_there(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    (usage,) = world.usages()
    item = {"component_usage": usage["uuid"], "username": "ann", "usage": 1}
    unknown = {"component_usage": [f"Object with uuid={usage['uuid']} does not exist."]}
    assert results(send(world, [item], by="stranger")) == [refused(unknown)]
    assert results(send(world, [item], by="support")) == [refused(MAY_NOT)]
    assert results(send(world, [item], by="project-member")) == [refused(MAY_NOT)]
    assert words(send(world, [item], by="offering-manager")) == ["created"]


def test_nobody_reports_without_a_token(world: World) -> None:
    response = world.anonymous.post(REPORTS, [of("cpu", 1)])
    assert answer(response) == (401, {"detail": "Authentication credentials were not provided."})


def test_a_provider_does_not_report_into_a_closed_month_and_staff_does(world: World) -> None:
    items = [of("cpu", 1, date="2026-10-05"), of("gpu", 1, date="2026-10-05")]
    items += [of_user("ann", 1, date="2026-10-05"), of_user("ann", 1, type="gpu", date="2026-10-05")]
    response = send(world, items, by="offering-manager", atomic="false")
    closed = refused({"date": [CLOSED + WHO_MAY]})
    assert [results(response)[0], results(response)[2]] == [closed, closed]
    assert words(response) == ["refused", "created", "refused", "created"]
    assert words(send(world, items)) == ["created", "changed", "created", "unchanged"]


# Users


def test_a_user_is_reported_by_the_uuid_of_the_usage_and_a_date_leads_elsewhere(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    (usage,) = world.usages()
    by_uuid = {"component_usage": usage["uuid"], "username": "ann"}
    response = send(world, [{**by_uuid, "usage": 1}, {**by_uuid, "usage": 2, "date": "2026-09-30"}])
    assert words(response) == ["created", "created"]
    assert shares(world) == [("2026-09-01", "ann", "2.00"), ("2026-11-01", "ann", "1.00")]


def test_a_user_finds_the_usage_that_an_earlier_item_made(world: World) -> None:
    response = send(world, [of("cpu", 0), of_user("ann", 2), of_user("bob", 3), of("gpu", 1)])
    assert words(response) == ["created"] * 4
    cpu = next(row for row in world.usages() if row["type"] == "cpu")
    # The usage stood at zero, and takes what its first user has, and then no more.
    assert (cpu["uuid"], cpu["usage"]) == (results(response)[0]["uuid"], "2.00")
    assert {row["component_usage"] for row in world.user_usages()} == {
        f"http://localhost{USAGES}{cpu['uuid']}/"
    }


def test_an_undated_user_of_a_month_without_usage_makes_one_that_is_of_now(world: World) -> None:
    assert words(send(world, [of_user("ann", 2)], by="offering-manager")) == ["created"]
    (usage,) = world.usages()
    assert (usage["date"], usage["usage"]) == ("2026-11-15T12:00:00+00:00", "2.00")
    assert usage["description"] == "Created for user usage backfill"
    assert [fact.written_date for fact in world.facts(Report)] == [None, None]


def test_an_undated_user_is_never_late_wherever_the_ledger_is(world_url: str) -> None:
    # In Honolulu the month lasts ten hours longer than in UTC, by which a month is closed.
    with open_world(world_url, zone="Pacific/Honolulu") as world:
        world.now = world.now.replace(month=12, day=1, hour=3)
        assert words(send(world, [of("cpu", 5), of_user("ann", 2)], by="offering-manager")) == ["created"] * 2
        assert rows(world) == [(RESOURCE, "cpu", "2026-11-01", "5.00")]
        assert shares(world) == [("2026-11-01", "ann", "2.00")]


def describe_limit(world: World) -> None:
    limit = {"uuid": uid(0x51), "resource_uuid": RESOURCE, "component_uuid": CPU, "limit": 10}
    world.describe(component_user_usage_limits=[{**limit, "offering_user_uuid": OFFERING_USER}])


@pytest.mark.parametrize("first", [of("cpu", 50), of_user("eve", 50)])
def test_the_limit_of_a_user_holds_for_all_items_of_a_request(world: World, first: dict[str, Any]) -> None:
    describe_limit(world)
    users = [
        of_user("ann", 6, user=USER_URL),
        of_user("bob", 5, user=USER_URL),
        of_user("bob", 4, user=USER_URL),
        of_user("joe", 7),
    ]
    response = send(world, [first, *users], atomic="false")
    message = "Usage limit exceeded. Maximum allowed: 10.00, current usage: 6.00, additional: 5.00."
    assert results(response)[2] == refused({"non_field_errors": [message]})
    assert words(response) == ["created", "created", "refused", "created", "created"]


def test_the_limit_of_a_user_holds_from_one_request_to_the_next(world: World) -> None:
    describe_limit(world)
    assert words(send(world, [of("cpu", 50), of_user("ann", 6, user=USER_URL)])) == ["created", "created"]
    message = "Usage limit exceeded. Maximum allowed: 10.00, current usage: 6.00, additional: 5.00."
    expected = refused({"non_field_errors": [message]})
    assert results(send(world, [of_user("bob", 5, user=USER_URL)])) == [expected]
    usage_uuid = world.usages()[0]["uuid"]
    single = world.report_user(usage_uuid, username="bob", usage=5, user=USER_URL)
    assert answer(single) == (400, expected["errors"])


# Plans


def test_the_first_of_many_reports_says_the_plan_period_for_all(world: World) -> None:
    response = send(world, [of("cpu", 1), of("gpu", 2), of("cpu", 3)])
    assert words(response) == ["created", "created", "changed"]
    (period,) = world.facts(PlanPeriodDescribed)
    assert {fact.plan_period_uuid for fact in world.facts(UsageReported)} == {period.entity.uuid}
    assert send(world, [of("setup", 1)]).status_code == 201
    assert len(world.facts(PlanPeriodDescribed)) == 1


def test_a_refused_atomic_request_leaves_no_plan_period_either(world: World) -> None:
    assert send(world, [of("cpu", 1), of("fee", 1)]).status_code == 400
    assert world.facts(PlanPeriodDescribed) == []
    assert send(world, [of("cpu", 1)]).status_code == 201
    assert len(world.facts(PlanPeriodDescribed)) == 1


def test_several_plans_of_a_month_share_its_total(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    periods = [
        {"uuid": uid(0x61), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": switch},
        {"uuid": uid(0x62), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM, "start": switch},
    ]
    world.describe(resource_plan_periods=periods)
    by_period = {"type": "cpu", "amount": 40, "plan_period": uid(0x61)}
    items = [of("cpu", 30, date="2026-11-09"), of("cpu", 50, date="2026-11-12"), by_period]
    response = send(world, items)
    assert words(response) == ["created", "created", "changed"]
    basic, premium, again = (each["uuid"] for each in results(response))
    assert basic == again
    assert {row["uuid"]: row["usage"] for row in world.usages()} == {basic: "20.00", premium: "20.00"}


# Every report of a request is one of the facts


def streams(world: World) -> Iterator[tuple[UUID, list[int]]]:
    versions: dict[UUID, list[int]] = {}
    for fact in world.facts(Report):
        versions.setdefault(fact.originator_id, []).append(fact.originator_version)
    yield from versions.items()


def test_versions_of_records_go_on_without_a_gap(world: World) -> None:
    for amount in (1, 2):
        assert (
            send(world, [of("cpu", amount), of_user("ann", amount), of_user("bob", amount)]).status_code
            == 201
        )
    assert [versions for _, versions in streams(world)] == [[1, 2, 3, 4, 5, 6]]


# The same as one by one


@pytest.mark.parametrize("by", ["staff", "offering-manager"])
def test_a_bulk_request_leads_to_what_the_same_reports_lead_to_one_by_one(
    by: str, server: str, world_database: Callable[[], AbstractContextManager[str]]
) -> None:
    with twins(server, world_database()) as (bulk, single):
        numbers = count()

        @OF_A_HISTORY
        @given(histories)
        def check(history: list[Item]) -> None:
            items = placed(history, next(numbers))
            told = [summed_up(each) for each in results(send(bulk, items, by=by, atomic="false"))]
            assert told == [report_alone(single, item, by) for item in items]
            resources = {item["resource"] for item in items}
            assert all_of(bulk, resources) == all_of(single, resources)

        check()


def summed_up(result: dict[str, Any]) -> Any:
    """Of a result what the single endpoints tell, too: all but who may report what was refused."""
    errors = result.get("errors", "stored")
    return {"date": [CLOSED]} if errors == {"date": [CLOSED + WHO_MAY]} else errors


def report_alone(world: World, item: Item, by: str) -> Any:
    """Sends an item of a bulk report to the single endpoint for it. Returns what a result would say."""
    if "username" not in item:
        about = {name: item[name] for name in ("resource", "date") if name in item}
        usage = {name: item[name] for name in item if name not in about}
        status, body = answer(world.report(by=by, usages=[usage], **about))
        if status == 400 and "usages" in body:
            (body,) = body["usages"]
    else:
        status, body = answer(report_user_alone(world, item, by))
    assert (status == 201) == (body is None)
    return "stored" if body is None else body


def report_user_alone(world: World, item: Item, by: str) -> TestResponse:
    """Addresses the month's usage, or that of September with a date that leads from there to the month."""
    month = str(item.get("date", "2026-11-15"))[:7]
    of = {"resource_uuid": item["resource"], "type": item["type"]}
    usages = world.usages(**of, billing_period=f"{month}-01", page_size=300)
    share = {name: item[name] for name in item if name not in of and name not in ("resource", "type")}
    if usages:
        addressed = oldest(world, [usage["uuid"] for usage in usages])
    else:
        (september,) = world.usages(**of, billing_period="2026-09-01")
        addressed = september["uuid"]
        share.setdefault("date", world.now.isoformat())
    return world.report_user(addressed, by=by, **share)


def oldest(world: World, uuids: list[str]) -> str:
    """That of the component usages of a month that an undated report of a user is about."""
    with world.services.reading() as cursor:
        rows = cursor.execute(
            "SELECT uuid FROM component_usage WHERE uuid = ANY(%s::uuid[]) ORDER BY id LIMIT 1", [uuids]
        )
        (row,) = rows.fetchall()
    uuid: UUID = row["uuid"]
    return uuid.hex


def all_of(world: World, resources: set[str]) -> list[Any]:
    """All that reads show of some resources, and how many facts there are in all."""
    staff = world.as_("staff")
    paths = (USAGES, USER_USAGES)
    return [
        len(world.facts()),
        staff.get(SUMMARY, start="", page_size=300).get_json(),
        *(
            staff.get(path, resource_uuid=resource, page_size=300).get_json()
            for path in paths
            for resource in sorted(resources)
        ),
    ]


def test_lines_that_come_in_chunks_are_refused_as_a_cut_would_not_show(world: World) -> None:
    line = b'{"resource": "%s", "type": "cpu", "amount": 1}\n' % RESOURCE.encode()
    response = world.as_("staff").send(
        "POST",
        REPORTS,
        data=line,
        content_type="application/x-ndjson",
        headers={"Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 411
    assert world.usages() == []
