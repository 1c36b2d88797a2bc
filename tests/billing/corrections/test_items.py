"""What the items of a correction may be, and how each of them is told while it is not applied yet."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.events import CorrectionApplied, CorrectionProposed, UsageReported, UserUsageReported
from tests.api.monthly import entity
from tests.billing.correcting import (
    CORRECTIONS,
    PROPOSER,
    applied,
    item,
    october,
    of_user,
    propose,
    proposed,
    shares,
    shown,
    take,
)
from tests.ledger.test_overtaken import terminated
from tests.user_limits.limiting import describe_each
from tests.world import (
    CATALOGUE,
    OFFERING_USER,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    RESOURCE,
    USAGES,
    World,
    uid,
)
from web.commands.audit.forget import forget


def approved(world: World, *items: dict[str, Any]) -> str:
    uuid = proposed(world, *items)
    assert take(world, uuid, "approve").status_code == 200
    return uuid


@pytest.fixture(name="shared")
def world_with_shares(world: World) -> World:
    """The world in which ann has 3 of 9 hours of gpu in October."""
    october(world, "9", kind="gpu")
    (usage,) = world.usages()
    assert world.report_user(usage["uuid"], username="ann", usage=3).status_code == 201
    return world


def test_shares_of_users_are_corrected_who_are_known_and_who_are_new(shared: World) -> None:
    uuid = applied(shared, of_user(), of_user("bob", "2"))
    assert shares(shared) == {"ann": "4.00", "bob": "2.00"}
    told = [
        (each["username"], each["usage_before"], each["usage_after"]) for each in shown(shared, uuid)["items"]
    ]
    assert told == [("ann", "3.00", "4.00"), ("bob", None, "2.00")]
    assert shown(shared, uuid)["sums"] == [
        {
            "component_uuid": uid(0xE2),
            "component_type": "gpu",
            "component_name": "GPU",
            "measured_unit": "GPU hours",
            "is_of_users": True,
            "figures": 2,
            "before": "3.00",
            "after": "6.00",
            "delta": "3.00",
        }
    ]
    (usage,) = shared.usages()
    assert usage["usage"] == "9.00"


def test_no_fact_of_a_correction_has_a_username(shared: World) -> None:
    applied(shared, of_user("bob", "2"))
    (proposal,) = shared.facts(CorrectionProposed)
    *_, share = shared.facts(UserUsageReported)
    assert proposal.items[0].person == share.person
    assert "bob" not in repr([*shared.facts(CorrectionProposed), *shared.facts(CorrectionApplied)])


def test_whoever_was_forgotten_is_refused_by_item_and_nothing_is_stored(shared: World) -> None:
    uuid = approved(shared, item("6", type="gpu"), of_user())
    forget(shared.services, "ann", "Erasure, ticket 12")
    shared.projector.catch_up()
    facts = len(shared.facts())
    told = {"username": ["Whose figure this is was forgotten: it can't be changed any more."]}
    refused = take(shared, uuid, "apply")
    assert (refused.status_code, refused.get_json()) == (400, {"items": [{}, told]})
    assert len(shared.facts()) == facts
    assert [each["errors"] for each in shown(shared, uuid)["items"]] == [None, told]
    assert shown(shared, uuid)["items"][1]["username"] is None
    assert [row["usage"] for row in shared.usages()] == ["9.00"]


def test_sums_are_of_components_and_of_users_though_one_was_forgotten(shared: World) -> None:
    uuid = proposed(shared, item("6", type="gpu"), of_user())
    forget(shared.services, "ann", "Erasure, ticket 12")
    shared.projector.catch_up()
    sums = shown(shared, uuid)["sums"]
    told = {(each["is_of_users"], each["before"], each["after"], each["figures"]) for each in sums}
    assert told == {(False, "9.00", "6.00", 1), (True, "3.00", "3.00", 1)}
    assert [each["is_of_user"] for each in shown(shared, uuid)["items"]] == [False, True]


def test_more_than_a_user_may_use_is_refused(world: World) -> None:
    describe_each(world)
    october(world, "90")
    person = f"http://localhost/api/marketplace-offering-users/{OFFERING_USER}/"
    of_member = of_user("member01", "21", type="cpu", user=person)
    refused = propose(world, item("80"), of_member)
    assert refused.status_code == 400
    assert refused.get_json() == {
        "items": [
            {},
            {
                "non_field_errors": [
                    "Usage limit exceeded. Maximum allowed: 20.00, current usage: 0.00, additional: 21.00."
                ]
            },
        ]
    }
    applied(world, of_member | {"usage": "20"})
    assert shares(world) == {"member01": "20.00"}


def test_what_an_item_leaves_out_stays(world: World) -> None:
    said = {"type": "cpu", "amount": "5", "description": "by hand", "missing_usage_policy": "reuse"}
    assert world.report(date="2026-10-05", usages=[said]).status_code == 201
    applied(world)
    (row,) = world.usages()
    assert (row["usage"], row["description"], row["missing_usage_policy"]) == ("50.00", "by hand", "reuse")
    applied(world, item("51", description="as corrected"))
    (row,) = world.usages()
    assert (row["usage"], row["description"], row["missing_usage_policy"]) == (
        *("51.00", "as corrected"),
        "reuse",
    )


def test_a_resource_that_has_ended_is_corrected(world: World) -> None:
    october(world)
    terminated(world)
    assert world.report(date="2026-10-05", usages=[{"type": "cpu", "amount": "6"}]).status_code == 400
    applied(world)
    assert [row["usage"] for row in world.usages()] == ["50.00"]


def test_an_item_that_expects_another_figure_is_refused_when_it_is_applied(world: World) -> None:
    october(world)
    uuid = approved(world, item(expect=world.ledger.journal.max_notification_id()))
    october(world, "6")
    facts = len(world.facts())
    refused = take(world, uuid, "apply")
    assert refused.status_code == 400
    (told,) = refused.get_json()["items"]
    assert told["expect"][0].startswith("The figure does not stand as it did at position")
    assert shown(world, uuid)["items"][0]["errors"]["expect"] == told["expect"]
    assert len(world.facts()) == facts
    assert [row["usage"] for row in world.usages()] == ["6.00"]


def test_a_figure_that_moved_since_is_marked(world: World) -> None:
    october(world)
    uuid = proposed(world)
    (before,) = shown(world, uuid)["items"]
    assert (before["usage_before"], before["usage_now"], before["delta"], before["has_moved"]) == (
        *("5.00", "5.00", "45.00"),
        False,
    )
    october(world, "6")
    (moved,) = shown(world, uuid)["items"]
    assert (moved["usage_before"], moved["usage_now"], moved["delta"], moved["has_moved"]) == (
        *("5.00", "6.00", "44.00"),
        True,
    )
    take(world, uuid, "approve")
    take(world, uuid, "apply")
    (done,) = shown(world, uuid)["items"]
    assert (done["usage_before"], done["usage_now"], done["delta"], done["has_moved"]) == (
        *("6.00", "50.00", "44.00"),
        False,
    )
    october(world, "7")
    assert [each["has_moved"] for each in shown(world, uuid)["items"]] == [True]


def test_a_figure_that_is_as_it_should_be_already_has_no_fact(world: World) -> None:
    october(world)
    october(world, "7", kind="gpu")
    reports = len(world.facts(UsageReported))
    uuid = applied(world, item(), item("7", type="gpu"), by="staff", second=PROPOSER)
    assert len(world.facts(UsageReported)) - reports in (1, 2)
    places = [(each["usage_after"], each["position"] is None) for each in shown(world, uuid)["items"]]
    assert places[0] == ("50.00", False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            item("51", date="2026-10-20"),
            {"non_field_errors": ["Is about the same figure as the item at place 0, counted from 0."]},
        ),
        (
            item(resource=OTHER_RESOURCE),
            {
                "resource": [
                    "A correction is of one provider's figures, and this resource is not of the first item's"
                    " provider."
                ]
            },
        ),
        (
            {"resource": RESOURCE, "type": "gpu", "amount": "1"},
            {
                "date": [
                    "Say by a date which month is meant: a correction does not take it for the current one."
                ]
            },
        ),
        (item(date="2026-12-05"), None),
        (item(type="tape"), None),
        (item(amount="many"), {"amount": ["A valid number is required."]}),
        (item(amout="1"), {"amout": ["Unknown field. Did you mean amount?"]}),
        (item(resource=uid(0xDEAD)), None),
        ("cpu", None),
        (None, None),
    ],
)
def test_one_wrong_item_refuses_all_and_is_told_in_its_place(world: World, wrong: Any, told: Any) -> None:
    october(world)
    done = propose(world, item(), wrong, by="staff")
    assert done.status_code == 400, done.text
    first, second = done.get_json()["items"]
    assert (first, bool(second)) == ({}, True)
    assert told is None or second == told
    assert world.facts(CorrectionProposed) == []


def test_a_key_that_an_item_has_twice_is_told_in_its_place(world: World) -> None:
    october(world)
    twice = (
        f'{{"resource": "{RESOURCE}", "type": "cpu", "date": "2026-10-05", "amount": "5", "amount": "50"}}'
    )
    text = f'{{"title": "Minutes", "reason": "Minutes", "items": [{twice}]}}'
    done = world.as_(PROPOSER).send("POST", CORRECTIONS, data=text, content_type="application/json")
    assert done.status_code == 400
    (told,) = done.get_json()["items"]
    assert "amount" in str(told)
    assert world.facts(CorrectionProposed) == []


def test_a_component_usage_may_be_named_instead_of_a_date(world: World) -> None:
    october(world, "9", kind="gpu")
    (usage,) = world.usages()
    named = {"component_usage": usage["uuid"], "username": "ann", "usage": "4"}
    uuid = applied(world, named)
    (told,) = shown(world, uuid)["items"]
    assert (told["billing_period"], told["username"], told["usage_after"]) == ("2026-10-01", "ann", "4.00")
    assert shares(world) == {"ann": "4.00"}


def test_a_correction_of_a_month_without_any_figure_makes_it(world: World) -> None:
    uuid = applied(world, item("12.34"))
    (told,) = shown(world, uuid)["items"]
    (row,) = world.as_("staff").get(USAGES).get_json()
    assert (told["usage_before"], told["usage_after"], told["uuid"]) == (None, "12.34", row["uuid"])
    assert Decimal(row["usage"]) == Decimal("12.34")


def test_a_figure_that_is_as_it_should_be_has_a_fact_of_the_correction_too(world: World) -> None:
    for _ in range(2):  # the second one finds all as the first one has left it
        uuid = applied(world, item("50"), by="staff", second=PROPOSER)
        *_, fact = world.facts(UsageReported)
        *_, done = world.facts(CorrectionApplied)
        assert fact.correction_uuid == UUID(uuid)
        assert [figure.uuid for figure in done.figures] == [fact.usage_uuid]
    assert (done.figures[0].before, done.figures[0].after) == (Decimal(50), Decimal(50))


def test_sums_of_what_is_open_are_of_the_figures_as_they_stand(world: World) -> None:
    october(world, "8")
    october(world, "9", kind="gpu")
    uuid = proposed(world, item("3"), item("10", type="gpu"))
    october(world, "11")
    sums = [
        (each["component_type"], each["before"], each["after"], each["delta"])
        for each in shown(world, uuid)["sums"]
    ]
    assert sums == [("cpu", "11.00", "3.00", "-8.00"), ("gpu", "9.00", "10.00", "1.00")]
    (row,) = world.as_("staff").get(CORRECTIONS).get_json()
    assert [each["before"] for each in row["sums"]] == ["8.00", "9.00"]
    for step in ("approve", "apply"):
        told = take(world, uuid, step).get_json()
    assert [each["before"] for each in told["sums"]] == ["11.00", "9.00"]


def test_an_item_says_whose_its_resource_is_and_whether_it_was_anothers(world: World) -> None:
    october(world)
    uuid = proposed(world)
    (told,) = shown(world, uuid)["items"]
    assert (told["project_uuid"], told["has_changed_hands"]) == (PROJECT, False)
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=OTHER_PROJECT)])
    (told,) = shown(world, uuid)["items"]
    assert (told["project_uuid"], told["has_changed_hands"]) == (OTHER_PROJECT, True)
    projects = {each["uuid"]: each for each in CATALOGUE["projects"]}
    customers = {each["uuid"]: each["name"] for each in CATALOGUE["customers"]}
    found = projects[OTHER_PROJECT]
    names = (told["project_name"], told["customer_name"], told["customer_uuid"])
    assert names == (found["name"], customers[found["customer_uuid"]], found["customer_uuid"])
