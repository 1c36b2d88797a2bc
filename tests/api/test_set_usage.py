"""Reporting usage."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.events import Report, UsageReported
from tests import controls
from tests.api.reports import CPU_ITEM, PATH, amounts, answer, send
from tests.world import (
    CPU,
    OFFERING,
    RESOURCE,
    SECOND_RESOURCE,
    World,
    uid,
)

LONG = "x" * 100_000


def reported(world: World) -> list[UsageReported]:
    return world.facts(UsageReported)


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
        controls.usage_row(
            uuid=fact.usage_uuid.hex,
            description="nightly",
            usage="12.50",
            date="2026-11-01T00:00:00+00:00",
            missing_usage_policy="zero",
        )
    ]


def test_the_fact_of_a_report_can_be_understood_alone(world: World) -> None:
    world.report(by="provider-owner", usages=[CPU_ITEM], date="2026-11-01T02:00:00+02:00")
    (fact,) = reported(world)
    assert fact == controls.usage_reported(
        originator_id=fact.originator_id,
        usage_uuid=fact.usage_uuid,
        plan_period_uuid=fact.plan_period_uuid,
        token_uuid=fact.token_uuid,
        agent=fact.agent,
        amount=Decimal(5),
        plan_amount=Decimal(5),
        measured_at=datetime.fromisoformat("2026-11-01T02:00:00+02:00"),
        written_date="2026-11-01T02:00:00+02:00",
        reported_by=UUID(uid(4)),
    )


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
