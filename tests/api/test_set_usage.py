"""Reporting usage: contract sections 1.3 and 2.1."""

import json
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import orjson
import pytest
from werkzeug.test import TestResponse

from ledger.events import Report, UsageReported
from tests.world import (
    BASIC,
    CONSUMER,
    CPU,
    OFFERING,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PLAN,
    SECOND_RESOURCE,
    USAGES,
    Client,
    World,
    uid,
)
from web import create_app
from web.commands import tokens

PATH = f"{USAGES}set_usage/"
CPU_ITEM = {"type": "cpu", "amount": 5}
LONG = "x" * 100_000

REQUIRED = ["This field is required."]
NOT_NULL = ["This field may not be null."]
NOT_BLANK = ["This field may not be blank."]
NO_STRING = ["Not a valid string."]
NO_NUMBER = ["A valid number is required."]
TOO_MANY_DIGITS = ["Ensure that there are no more than 20 digits in total."]
TOO_MANY_DECIMALS = ["Ensure that there are no more than 2 decimal places."]
TOO_LARGE = ["Ensure that there are no more than 18 digits before the decimal point."]
NO_BOOLEAN = ["Must be a valid boolean."]
NO_DATE = [
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
]


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json() if response.data else None


def send(world: World, data: str | bytes, content_type: str = "application/json") -> tuple[int, Any]:
    """Sends a body as it is."""
    return answer(world.as_("staff").send("POST", PATH, data=data, content_type=content_type))


def amounts(world: World) -> list[tuple[str, str]]:
    return sorted((row["type"], row["usage"]) for row in world.usages())


def reported(world: World) -> list[UsageReported]:
    return world.facts(UsageReported)


def refused(world: World, body: Any, response: TestResponse) -> None:
    """Asserts that a report was refused in these words, and left nothing behind."""
    assert answer(response) == (400, body)
    assert world.facts(Report) == []


# What is stored


def test_a_report_shows_in_the_next_read(world: World) -> None:
    response = world.report(by="offering-manager", usages=[{"type": "cpu", "amount": "12.50"}])
    assert (response.status_code, response.data) == (201, b"")
    assert amounts(world) == [("cpu", "12.50")]


def test_a_report_is_shown_with_all_that_was_said(world: World) -> None:
    item = {"type": "cpu", "amount": "12.5", "description": " nightly ", "missing_usage_policy": "zero"}
    world.report(by="staff", usages=[item], date="2026-11-01T02:00:00+02:00")
    (fact,) = reported(world)
    assert world.usages() == [
        {
            "uuid": fact.usage_uuid.hex,
            "created": "2026-11-15T12:00:00+00:00",
            "description": "nightly",
            "type": "cpu",
            "name": "CPU",
            "measured_unit": "hours",
            "usage": "12.50",
            "date": "2026-11-01T00:00:00+00:00",
            "missing_usage_policy": "zero",
            "recurring": False,
            "resource_name": "Resource",
            "resource_uuid": RESOURCE,
            "offering_name": "Cluster",
            "offering_uuid": OFFERING,
            "project_name": "Project",
            "project_uuid": PROJECT,
            "customer_name": "Consumer",
            "customer_uuid": CONSUMER,
            "billing_period": "2026-11-01",
            "modified_by": 1,
        }
    ]


def test_the_fact_of_a_report_can_be_understood_alone(world: World) -> None:
    world.report(by="provider-owner", usages=[CPU_ITEM], date="2026-11-01T02:00:00+02:00")
    (fact,) = reported(world)
    assert (fact.resource_uuid.hex, fact.component_uuid.hex, fact.component_type) == (RESOURCE, CPU, "cpu")
    assert (fact.project_uuid.hex, fact.customer_uuid.hex) == (PROJECT, CONSUMER)
    assert (fact.offering_uuid.hex, fact.provider_uuid.hex) == (OFFERING, PROVIDER)
    assert fact.plan_uuid is not None
    assert (fact.plan_uuid.hex, fact.amount, fact.plan_amount) == (BASIC, Decimal(5), Decimal(5))
    assert fact.measured_at.isoformat() == "2026-11-01T02:00:00+02:00"
    assert (fact.written_date, fact.recorded_at) == ("2026-11-01T02:00:00+02:00", world.now)
    assert fact.reported_by is not None
    assert (fact.reported_by.hex, fact.source) == (uid(4), "api")


def test_a_report_overwrites_the_one_before(world: World) -> None:
    world.report(
        by="provider-owner",
        usages=[CPU_ITEM | {"description": "first", "missing_usage_policy": "reuse"}],
    )
    (before,) = world.usages()
    world.now = world.now.replace(hour=13)
    world.report(by="staff", usages=[CPU_ITEM | {"amount": 3}])
    assert world.usages() == [
        before
        | {
            "usage": "3.00",
            "date": "2026-11-15T13:00:00+00:00",
            "description": "",
            "missing_usage_policy": "none",
            "recurring": False,
            "modified_by": 1,
        }
    ]


def test_a_component_that_is_not_reported_stays_as_it_is(world: World) -> None:
    world.report(usages=[CPU_ITEM, {"type": "gpu", "amount": 7}])
    world.report(usages=[CPU_ITEM | {"amount": 6}])
    assert amounts(world) == [("cpu", "6.00"), ("gpu", "7.00")]


def test_of_one_component_named_twice_the_last_item_counts(world: World) -> None:
    world.report(usages=[CPU_ITEM, {"type": "gpu", "amount": 1}, CPU_ITEM | {"amount": 3}])
    assert amounts(world) == [("cpu", "3.00"), ("gpu", "1.00")]
    assert len(world.facts(Report)) == 2


def test_a_negative_amount_counts_as_zero_for_usage_billed_components_only(world: World) -> None:
    world.report(usages=[{"type": name, "amount": -4} for name in ("cpu", "gpu", "setup")])
    assert amounts(world) == [("cpu", "0.00"), ("gpu", "-4.00"), ("setup", "-4.00")]


def test_limits_are_not_enforced(world: World) -> None:
    components: list[dict[str, Any]] = [
        {"uuid": CPU, "offering_uuid": OFFERING, "type": "cpu", "name": "CPU", "limit_amount": 1}
    ]
    world.describe(offering_components=components)
    world.report(usages=[CPU_ITEM])
    assert amounts(world) == [("cpu", "5.00")]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("123456789012345678.99", "123456789012345678.99"),
        ("-999999999999999999.99", "-999999999999999999.99"),
        ("5.000", "5.00"),
        ("5.10", "5.10"),
        ("100.0", "100.00"),
        ("1e3", "1000.00"),
        ("0e30", "0.00"),
        ("-0.0", "0.00"),
        ('"12.5"', "12.50"),
        ('" 7 "', "7.00"),
        ('"1e3"', "1000.00"),
        ('"-0"', "0.00"),
        ('"007"', "7.00"),
        ('"+1"', "1.00"),
        ('".5"', "0.50"),
        ('"5."', "5.00"),
    ],
)
def test_an_amount_is_stored_exactly_as_it_is_written(world: World, amount: str, shown: str) -> None:
    body = f'{{"resource":"{RESOURCE}","usages":[{{"type":"gpu","amount":{amount}}}]}}'
    assert send(world, body) == (201, None)
    assert amounts(world) == [("gpu", shown)]


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ({}, "none"),
        ({"recurring": True}, "reuse"),
        ({"recurring": False}, "none"),
        ({"recurring": None}, "none"),
        ({"recurring": ""}, "none"),
        ({"recurring": "null"}, "none"),
        ({"recurring": 1}, "reuse"),
        ({"recurring": "Yes"}, "reuse"),
        ({"recurring": "true"}, "reuse"),
        ({"recurring": "on"}, "reuse"),
        ({"recurring": 0}, "none"),
        ({"recurring": "off"}, "none"),
        ({"missing_usage_policy": "none"}, "none"),
        ({"missing_usage_policy": "reuse"}, "reuse"),
        ({"missing_usage_policy": "zero"}, "zero"),
        ({"missing_usage_policy": "reuse", "recurring": True}, "reuse"),
        ({"missing_usage_policy": "zero", "recurring": False}, "zero"),
        ({"missing_usage_policy": "reuse", "recurring": None}, "reuse"),
    ],
)
def test_recurring_is_another_word_for_the_policy_reuse(
    world: World, said: dict[str, Any], policy: str
) -> None:
    assert answer(world.report(usages=[CPU_ITEM | said])) == (201, None)
    assert [(row["missing_usage_policy"], row["recurring"]) for row in world.usages()] == [
        (policy, policy == "reuse")
    ]


@pytest.mark.parametrize(
    ("described", "shown"), [("", ""), ("  ", ""), (5, "5"), (1.5, "1.5"), (100.0, "100.0")]
)
def test_a_description_may_be_blank_or_a_number(world: World, described: Any, shown: str) -> None:
    assert answer(world.report(usages=[CPU_ITEM | {"description": described}])) == (201, None)
    assert [row["description"] for row in world.usages()] == [shown]


def test_a_component_type_is_trimmed(world: World) -> None:
    assert answer(world.report(usages=[{"type": " cpu ", "amount": 5}])) == (201, None)
    assert amounts(world) == [("cpu", "5.00")]


def test_keys_that_nobody_knows_are_ignored(world: World) -> None:
    assert answer(world.report(usages=[CPU_ITEM | {"colour": []}], colour="red")) == (201, None)
    assert amounts(world) == [("cpu", "5.00")]


def test_a_report_of_nothing_is_taken_and_stores_nothing(world: World) -> None:
    before = world.facts()
    assert answer(world.as_("staff").post(PATH, {"resource": RESOURCE, "usages": []})) == (201, None)
    assert world.facts() == before


def test_a_resource_is_named_with_or_without_dashes(world: World) -> None:
    dashed = "00000000-0000-0000-0000-000000000011"
    assert answer(world.report(resource=dashed, usages=[CPU_ITEM])) == (201, None)
    assert [row["resource_uuid"] for row in world.usages()] == [RESOURCE]


# What is refused for one of its fields


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"usages": REQUIRED}),
        ({"usages": None}, {"usages": NOT_NULL}),
        (
            {"usages": {}},
            {"usages": {"non_field_errors": ['Expected a list of items but got type "dict".']}},
        ),
        (
            {"usages": "cpu"},
            {"usages": {"non_field_errors": ['Expected a list of items but got type "str".']}},
        ),
        (
            {"usages": 1.5},
            {"usages": {"non_field_errors": ['Expected a list of items but got type "float".']}},
        ),
        ({"resource": None}, {"usages": REQUIRED, "resource": NOT_NULL}),
        ({"resource": "", "usages": []}, {"resource": NOT_NULL}),
        ({"resource": "zzz", "usages": []}, {"resource": ["Object with uuid=zzz does not exist."]}),
        ({"resource": 5, "usages": []}, {"resource": ["Object with uuid=5 does not exist."]}),
        (
            {"resource": uid(0x99), "usages": []},
            {"resource": [f"Object with uuid={uid(0x99)} does not exist."]},
        ),
        ({"plan_period": None, "usages": []}, {"plan_period": NOT_NULL}),
        ({"plan_period": "", "usages": []}, {"plan_period": NOT_NULL}),
        ({"plan_period": RESOURCE}, {"plan_period": [f"Object with uuid={RESOURCE} does not exist."]}),
        ({"plan_period": "zzz"}, {"plan_period": ["Object with uuid=zzz does not exist."]}),
        ({"date": None}, {"date": NOT_NULL}),
        ({"date": ""}, {"date": NO_DATE}),
        ({"date": 1793491200}, {"date": NO_DATE}),
        ({"date": True}, {"date": NO_DATE}),
        ({"date": "yesterday"}, {"date": NO_DATE}),
        ({"date": "2026-13-01"}, {"date": NO_DATE}),
        ({"date": "2026-11-31T00:00:00Z"}, {"date": NO_DATE}),
        ({"date": "2026-11-01T25:00:00Z"}, {"date": NO_DATE}),
        ({"date": "0001-12-31T23:59:59Z"}, {"date": NO_DATE}),
        ({"date": "9999-01-01"}, {"date": NO_DATE}),
        ({"date": "2026-11-01T00:00:00+16:00"}, {"date": NO_DATE}),
        ({"date": "2026-11-01T00:00:00-23:59"}, {"date": NO_DATE}),
        ({"date": "2026-11-01T00:00:00+02:00:30"}, {"date": NO_DATE}),
    ],
)
def test_a_wrong_field_is_refused(world: World, body: dict[str, Any], errors: dict[str, Any]) -> None:
    good = {} if {"usages", "plan_period", "resource"} & errors.keys() else {"usages": [CPU_ITEM]}
    subject = {} if {"resource", "plan_period"} & body.keys() else {"resource": RESOURCE}
    if "plan_period" in errors:
        good = {"usages": [CPU_ITEM]}
    refused(world, errors, world.as_("staff").post(PATH, subject | good | body))


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        ({"amount": 1}, {"type": REQUIRED}),
        ({"type": "cpu"}, {"amount": REQUIRED}),
        ({}, {"type": REQUIRED, "amount": REQUIRED}),
        ({"type": None, "amount": None}, {"type": NOT_NULL, "amount": NOT_NULL}),
        (CPU_ITEM | {"type": ""}, {"type": NOT_BLANK}),
        (CPU_ITEM | {"type": " \t"}, {"type": NOT_BLANK}),
        (CPU_ITEM | {"type": True}, {"type": NO_STRING}),
        (CPU_ITEM | {"type": ["cpu"]}, {"type": NO_STRING}),
        (CPU_ITEM | {"type": {}}, {"type": NO_STRING}),
        (CPU_ITEM | {"type": "c\x00pu"}, {"type": ["Null characters are not allowed."]}),
        (CPU_ITEM | {"amount": ""}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "abc"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "1,5"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "1_000"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "NaN"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "sNaN"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "-Infinity"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": True}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": [5]}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": {}}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "1e99999999999999999999"}, {"amount": NO_NUMBER}),
        (CPU_ITEM | {"amount": "5.000"}, {"amount": TOO_MANY_DECIMALS}),
        (CPU_ITEM | {"amount": 1.005}, {"amount": TOO_MANY_DECIMALS}),
        (CPU_ITEM | {"amount": 0.1 + 0.2}, {"amount": TOO_MANY_DECIMALS}),
        (CPU_ITEM | {"amount": "1e-3"}, {"amount": TOO_MANY_DECIMALS}),
        (CPU_ITEM | {"amount": 10**18}, {"amount": TOO_LARGE}),
        (CPU_ITEM | {"amount": "1e18"}, {"amount": TOO_LARGE}),
        (CPU_ITEM | {"amount": 10**20}, {"amount": TOO_MANY_DIGITS}),
        (CPU_ITEM | {"amount": "123456789012345678.999"}, {"amount": TOO_MANY_DIGITS}),
        (CPU_ITEM | {"amount": 10**90}, {"amount": TOO_MANY_DIGITS}),
        (CPU_ITEM | {"amount": 10**300}, {"amount": TOO_MANY_DIGITS}),
        (CPU_ITEM | {"amount": "1e999999"}, {"amount": TOO_MANY_DIGITS}),
        (CPU_ITEM | {"amount": "9" * 1001}, {"amount": ["String value too large."]}),
        (CPU_ITEM | {"description": None}, {"description": NOT_NULL}),
        (CPU_ITEM | {"description": True}, {"description": NO_STRING}),
        (CPU_ITEM | {"description": ["x"]}, {"description": NO_STRING}),
        (
            CPU_ITEM | {"description": "x" * 2001},
            {"description": ["Ensure this field has no more than 2000 characters."]},
        ),
        (
            CPU_ITEM | {"missing_usage_policy": "bogus"},
            {"missing_usage_policy": ['"bogus" is not a valid choice.']},
        ),
        (CPU_ITEM | {"missing_usage_policy": None}, {"missing_usage_policy": NOT_NULL}),
        (
            CPU_ITEM | {"missing_usage_policy": ""},
            {"missing_usage_policy": ['"" is not a valid choice.']},
        ),
        (
            CPU_ITEM | {"missing_usage_policy": ["none"]},
            {"missing_usage_policy": ["\"['none']\" is not a valid choice."]},
        ),
        (CPU_ITEM | {"recurring": "maybe"}, {"recurring": NO_BOOLEAN}),
        (CPU_ITEM | {"recurring": 2}, {"recurring": NO_BOOLEAN}),
        (CPU_ITEM | {"recurring": []}, {"recurring": NO_BOOLEAN}),
        (CPU_ITEM | {"recurring": {}}, {"recurring": NO_BOOLEAN}),
        (7, {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}),
        (1.5, {"non_field_errors": ["Invalid data. Expected a dictionary, but got float."]}),
        ("cpu", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
        (None, {"non_field_errors": ["Invalid data. Expected a dictionary, but got NoneType."]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (True, {"non_field_errors": ["Invalid data. Expected a dictionary, but got bool."]}),
    ],
)
def test_a_wrong_item_is_refused(world: World, item: Any, errors: dict[str, Any]) -> None:
    refused(world, {"usages": [errors]}, world.report(usages=[item]))


@pytest.mark.parametrize(("recurring", "policy"), [(True, "none"), (True, "zero"), (False, "reuse")])
def test_recurring_and_policy_must_agree(world: World, recurring: bool, policy: str) -> None:
    item = CPU_ITEM | {"recurring": recurring, "missing_usage_policy": policy}
    message = "Conflicting values of recurring and missing_usage_policy. Use missing_usage_policy alone."
    refused(world, {"usages": [{}, {"recurring": [message]}]}, world.report(usages=[CPU_ITEM, item]))


def test_all_field_errors_are_told_at_once(world: World) -> None:
    response = world.report(
        resource="zzz", plan_period="yyy", date="x", usages=[{"type": "", "amount": ""}, CPU_ITEM, 3]
    )
    refused(
        world,
        {
            "usages": [
                {"type": NOT_BLANK, "amount": NO_NUMBER},
                {},
                {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
            ],
            "plan_period": ["Object with uuid=yyy does not exist."],
            "resource": ["Object with uuid=zzz does not exist."],
            "date": NO_DATE,
        },
        response,
    )


# What is refused as a whole


def test_a_report_is_about_a_resource_or_a_plan_period(world: World) -> None:
    response = world.as_("staff").post(PATH, {"usages": [CPU_ITEM]})
    refused(world, {"non_field_errors": ["Either plan_period or resource should be provided."]}, response)


def describe_resource(world: World, **values: Any) -> None:
    resource = {
        "uuid": RESOURCE,
        "name": "Resource",
        "offering_uuid": OFFERING,
        "project_uuid": PROJECT,
        "plan_uuid": BASIC,
    }
    world.describe(resources=[resource | values])


def test_a_resource_without_a_plan_takes_no_reports(world: World) -> None:
    describe_resource(world, plan_uuid=None)
    refused(
        world,
        {"resource": ["Resource must have a plan to report usage."]},
        world.report(usages=[CPU_ITEM]),
    )


@pytest.mark.parametrize("state", [1, 3, 6])
def test_a_resource_that_is_creating_or_erred_or_terminated_takes_no_reports(
    world: World, state: int
) -> None:
    describe_resource(world, state=state)
    refused(world, {"resource": ["Resource is not in valid state."]}, world.report(usages=[CPU_ITEM]))


@pytest.mark.parametrize("state", [2, 4, 5])
def test_a_resource_that_is_ok_or_updating_or_terminating_takes_reports(world: World, state: int) -> None:
    describe_resource(world, state=state)
    assert answer(world.report(usages=[CPU_ITEM])) == (201, None)
    assert amounts(world) == [("cpu", "5.00")]


def test_components_that_are_not_metered_here_are_refused_by_name(world: World) -> None:
    types = ["seats", "cpu", "nothing", "fee", "seats"]
    refused(
        world,
        {"non_field_errors": ["These components are invalid: fee, nothing, seats."]},
        world.report(usages=[{"type": name, "amount": 1} for name in types]),
    )


def test_a_component_must_also_be_one_of_the_offering_that_the_plan_is_of(world: World) -> None:
    describe_resource(world, plan_uuid=SECOND_PLAN)
    refused(
        world,
        {"non_field_errors": ["These components are invalid: gpu."]},
        world.report(usages=[CPU_ITEM, {"type": "gpu", "amount": 1}]),
    )


@pytest.mark.parametrize("user", ["staff", "provider-owner"])
def test_nobody_reports_the_future(world: World, user: str) -> None:
    refused(
        world,
        {"date": ["Cannot submit usage for future dates. Date must be current date or earlier."]},
        world.report(by=user, usages=[CPU_ITEM], date="2026-11-15T12:01:01Z"),
    )


@pytest.mark.parametrize("written", ["2026-11-15T14:00:00+02:00", "2026-11-15T12:01:00Z"])
def test_a_report_may_be_of_this_very_moment_and_of_a_clock_that_is_a_minute_ahead(
    world: World, written: str
) -> None:
    assert answer(world.report(usages=[CPU_ITEM], date=written)) == (201, None)
    assert [fact.measured_at for fact in world.facts(UsageReported)] == [datetime.fromisoformat(written)]


CLOSED_MONTH = {
    "date": [
        "Service providers can only specify date for limit-based or prepaid billing components "
        "when backfilling past billing periods."
    ]
}


def test_a_report_that_is_refused_in_part_is_refused_whole(world: World) -> None:
    response = world.report(
        by="provider-owner", usages=[{"type": "gpu", "amount": 1}, CPU_ITEM], date="2026-10-31"
    )
    refused(world, CLOSED_MONTH, response)


@pytest.mark.parametrize("component", ["gpu", "setup"])
def test_a_provider_backfills_limit_based_and_one_time_components(world: World, component: str) -> None:
    item = {"type": component, "amount": 2}
    assert answer(world.report(by="provider-owner", usages=[item], date="2025-01-31")) == (201, None)
    assert [(row["type"], row["billing_period"]) for row in world.usages()] == [(component, "2025-01-01")]


def test_staff_backfills_anything(world: World) -> None:
    assert answer(world.report(usages=[CPU_ITEM], date="0002-01-01T00:00:00Z")) == (201, None)
    assert [row["billing_period"] for row in world.usages()] == ["0002-01-01"]


def test_the_rules_are_told_in_the_order_of_the_reference(world: World) -> None:
    """A report that breaks every rule, of which one after the other is kept."""

    def error(**changes: Any) -> Any:
        body = {"usages": [{"type": "x", "amount": 1}], "date": "2027-01-01"} | changes
        return answer(world.report(by="project-admin", **body))

    describe_resource(world, plan_uuid=None, state=3)
    assert error() == (400, {"resource": ["Resource must have a plan to report usage."]})
    describe_resource(world, state=3)
    assert error() == (400, {"resource": ["Resource is not in valid state."]})
    describe_resource(world)
    assert error() == (400, {"non_field_errors": ["These components are invalid: x."]})
    assert error(usages=[CPU_ITEM]) == (
        400,
        {"date": ["Cannot submit usage for future dates. Date must be current date or earlier."]},
    )
    assert error(usages=[CPU_ITEM], date="2026-10-01") == (
        400,
        {"date": ["Only staff users and service providers can specify date for backfilling."]},
    )
    forbidden = world.report(by="project-admin", usages=[CPU_ITEM])
    assert answer(forbidden) == (403, {"detail": "You do not have permission to perform this action."})
    assert world.facts(Report) == []


# Bodies


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"", {"usages": REQUIRED}),
        (b"{}", {"usages": REQUIRED}),
        (b"null", {"non_field_errors": ["No data provided"]}),
        (b"[]", {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (b'"x"', {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
        (b"5", {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}),
        (
            b'{"usages":1e-99999999999999999999}',
            {"detail": "JSON parse error - a number's exponent is out of range"},
        ),
    ],
)
def test_a_body_that_is_no_report_is_refused(world: World, data: bytes, body: Any) -> None:
    assert send(world, data) == (400, body)


@pytest.mark.parametrize(
    "data",
    [
        b'{"usages":',
        b'{"usages":NaN}',
        b'{"usages":-Infinity}',
        b'{"usages":[],}',
        b'{"usages":"\xff"}',
        b'{"usages":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"usages=",
    ],
)
def test_malformed_json_is_refused_in_the_words_of_orjson(world: World, data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError) as error:
        orjson.loads(data)
    assert send(world, data) == (400, {"detail": f"JSON parse error - {error.value}"})


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "1e999", "-" + "9" * 100_000])
def test_a_number_beyond_all_bounds_is_malformed(world: World, number: str) -> None:
    status, body = send(world, f'{{"resource":"{RESOURCE}","usages":[{{"type":"gpu","amount":{number}}}]}}')
    assert (status, body["detail"].partition(":")[0]) == (
        400,
        "JSON parse error - number is infinity when parsed as double",
    )


@pytest.mark.parametrize("depth", [900, 935, 970, 1100, 100_000])
@pytest.mark.parametrize("field", ["type", "amount", "missing_usage_policy", "recurring"])
def test_no_nesting_is_too_deep_to_be_answered(world: World, field: str, depth: int) -> None:
    item = json.dumps(CPU_ITEM | {field: 0}).replace(
        f'"{field}": 0', f'"{field}": {"[" * depth}{"]" * depth}'
    )
    for body in (f'{{"resource":"{RESOURCE}","usages":[{item}]}}', f'{{"usages":[],"resource":[{item}]}}'):
        status, _ = send(world, body)
        assert status == 400
    assert world.facts(Report) == []


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain; charset=utf-8", ""])
def test_a_body_of_another_media_type_is_refused(world: World, content_type: str) -> None:
    assert send(world, "<usages/>", content_type) == (
        415,
        {"detail": f'Unsupported media type "{content_type}" in request.'},
    )


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    app = create_app(world.ledger, world.projector, clock=lambda: world.now, max_body_bytes=100)
    token = tokens.create(world.services, tokens.user_named(world.services, "staff"), days=None)
    client = Client(app.test_client(), {"Authorization": f"Token {token}"})
    response = client.send("POST", PATH, data=b"{}" + b" " * 98, content_type="application/json")
    assert answer(response) == (400, {"usages": REQUIRED})
    response = client.send("POST", PATH, data=b"{}" + b" " * 99, content_type="application/json")
    assert answer(response) == (413, {"detail": "The request body is too large."})


def test_a_chunked_body_over_the_limit_is_refused_too(world: World) -> None:
    app = create_app(world.ledger, world.projector, clock=lambda: world.now, max_body_bytes=100)
    body = json.dumps({"resource": RESOURCE, "usages": [CPU_ITEM]}).encode() + b" " * 100
    response = app.test_client().post(
        PATH,
        input_stream=BytesIO(body),
        content_type="application/json",
        headers={"Authorization": world.as_("staff").authorization},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer(response) == (413, {"detail": "The request body is too large."})


def test_a_chunked_form_is_refused_because_half_of_it_would_be_a_form(world: World) -> None:
    response = world.app.test_client().post(
        PATH,
        input_stream=BytesIO(b"resource=1"),
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": world.as_("staff").authorization, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 411
    assert world.facts(Report) == []


FORM = {
    "resource": RESOURCE,
    "date": "2026-11-01",
    "usages[0]type": "cpu",
    "usages[0]amount": "5.5",
    "usages[1]type": "gpu",
    "usages[1]amount": "7",
    "usages[1]recurring": "on",
}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_is_read_like_json(world: World, content_type: str) -> None:
    response = world.as_("staff").send("POST", PATH, data=FORM, content_type=content_type)
    assert answer(response) == (201, None)
    assert sorted((row["type"], row["usage"], row["recurring"]) for row in world.usages()) == [
        ("cpu", "5.50", False),
        ("gpu", "7.00", True),
    ]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_is_refused_in_the_words_for_json(world: World, content_type: str) -> None:
    form = {"resource": "zzz", "usages[0]type": "cpu", "usages[1]amount": "x"}
    refused(
        world,
        {
            "usages": [{"amount": REQUIRED}, {"type": REQUIRED, "amount": NO_NUMBER}],
            "resource": ["Object with uuid=zzz does not exist."],
        },
        world.as_("staff").send("POST", PATH, data=form, content_type=content_type),
    )


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_an_empty_form_is_an_empty_body(world: World, content_type: str) -> None:
    response = world.as_("staff").send("POST", PATH, data={}, content_type=content_type)
    refused(world, {"usages": REQUIRED}, response)


# Who may not


def test_reports_need_a_token(world: World) -> None:
    response = world.anonymous.post(PATH, {"resource": RESOURCE, "usages": [CPU_ITEM]})
    assert answer(response) == (401, {"detail": "Authentication credentials were not provided."})
    assert world.facts(Report) == []


def test_a_resource_out_of_sight_exists_all_the_same(world: World) -> None:
    response = world.report(by="stranger", resource=SECOND_RESOURCE, usages=[CPU_ITEM])
    assert answer(response) == (403, {"detail": "You do not have permission to perform this action."})


@pytest.mark.parametrize(
    ("body", "longest"),
    [
        ({"usages": [{"type": "cpu", "amount": 1, "missing_usage_policy": LONG}]}, 1_200),
        ({"usages": [{"type": LONG, "amount": 1}]}, 10_200),
        ({"usages": [], "resource": LONG}, 1_200),
        ({"usages": [], "plan_period": [LONG]}, 1_200),
    ],
)
def test_an_error_repeats_no_more_of_a_value_than_helps(
    world: World, body: dict[str, Any], longest: int
) -> None:
    response = world.report(**body)
    assert response.status_code == 400
    assert "xxx…" in response.text
    assert len(response.data) < longest
