"""Reports of usage that are refused, for a field or as a whole."""

from datetime import datetime
from typing import Any

import pytest

from ledger.events import Report, UsageReported
from tests.api.reports import CPU_ITEM, NO_NUMBER, PATH, REQUIRED, amounts, answer, refused
from tests.world import (
    BASIC,
    OFFERING,
    PROJECT,
    RESOURCE,
    SECOND_PLAN,
    World,
    uid,
)

NOT_NULL = ["This field may not be null."]


NOT_BLANK = ["This field may not be blank."]


NO_STRING = ["Not a valid string."]


TOO_MANY_DIGITS = ["Ensure that there are no more than 20 digits in total."]


TOO_MANY_DECIMALS = ["Ensure that there are no more than 2 decimal places."]


TOO_LARGE = ["Ensure that there are no more than 18 digits before the decimal point."]


NO_BOOLEAN = ["Must be a valid boolean."]


NO_DATE = [
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
]


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
