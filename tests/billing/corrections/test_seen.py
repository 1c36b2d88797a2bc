"""What was approved is applied: who says what they have seen is told of figures that moved since."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import CorrectionApplied, CorrectionApproved
from tests.api.plans import FIRST, SECOND, describe_periods
from tests.billing.correcting import (
    CORRECTIONS,
    PROPOSER,
    WRONG,
    item,
    october,
    proposed,
    reject,
    shown,
    take,
)
from tests.world import BASIC, PREMIUM, RESOURCE, SECOND_RESOURCE, World

STEPS = ("approve", "apply")

BEYOND = {"expect": ["The journal has not got that far."]}
NO_POSITION = {"expect": ["Must be a position: a whole number from 0 on."]}


def looked(world: World, uuid: str) -> int:
    """Return the position of the answer in which somebody sees a correction."""
    return int(world.as_("staff").get(f"{CORRECTIONS}{uuid}/").headers["Ledger-Position"])


def ready(world: World, step: str, *items: dict[str, Any]) -> str:
    """Return the uuid of a correction of which this is the next step."""
    uuid = proposed(world, *items)
    if step == "apply":
        assert take(world, uuid, "approve", by="staff").status_code == 200
    return uuid


def told(done: TestResponse) -> tuple[int, Any]:
    return done.status_code, done.get_json()


def refused(*items: str, moved: int = 1) -> tuple[int, Any]:
    """Return the answer where figures moved, with the messages of all items, empty of those that did not."""
    of_all = f"{moved} of {len(items)} figures moved since that position. Nothing was done."
    return 412, {"expect": [of_all], "items": [{"expect": [each]} if each else {} for each in items]}


def message(position: int, then: str, now: str) -> str:
    return f"The figure does not stand as it did at position {position}: it was {then}, and is {now}."


def of_item(world: World, uuid: str, place: int = 0) -> tuple[str | None, bool | None]:
    """Return what an item says of its figure's approval."""
    each = shown(world, uuid)["items"][place]
    return each["usage_approved"], each["has_moved_since_approval"]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_on_figures_that_stand_as_they_were_seen_is_taken(world: World, step: str) -> None:
    october(world)
    uuid = ready(world, step)
    seen = looked(world, uuid)
    october(world, "7", resource=SECOND_RESOURCE)
    assert take(world, uuid, step, by="staff", expect=seen).status_code == 200


@pytest.mark.parametrize("step", STEPS)
def test_figures_that_moved_since_they_were_seen_are_named_and_nothing_is_done(
    world: World, step: str
) -> None:
    october(world)
    october(world, "7", resource=SECOND_RESOURCE)
    uuid = ready(world, step, item(), item("70", resource=SECOND_RESOURCE))
    seen = looked(world, uuid)
    october(world, "8", resource=SECOND_RESOURCE)
    before, facts = shown(world, uuid), world.facts()
    done = take(world, uuid, step, by="staff", expect=seen)
    assert told(done) == refused("", message(seen, "7.00", "8.00"))
    assert (shown(world, uuid), world.facts()) == (before, facts)
    assert take(world, uuid, step, by="staff", expect=looked(world, uuid)).status_code == 200


@pytest.mark.parametrize("step", STEPS)
def test_a_figure_that_is_there_since_has_moved(world: World, step: str) -> None:
    uuid = ready(world, step)
    seen = looked(world, uuid)
    october(world)
    done = take(world, uuid, step, by="staff", expect=seen)
    assert told(done) == refused(message(seen, "not there", "5.00"))


@pytest.mark.parametrize("step", STEPS)
def test_a_figure_that_was_stated_again_as_it_was_has_not_moved(world: World, step: str) -> None:
    october(world)
    uuid = ready(world, step)
    seen = looked(world, uuid)
    for amount in ("6", "5"):
        october(world, amount)
    assert take(world, uuid, step, by="staff", expect=seen).status_code == 200


@pytest.mark.parametrize("step", STEPS)
def test_the_figure_of_a_user_moves_with_its_own_reports_only(world: World, step: str) -> None:
    october(world, "7", kind="gpu")
    (usage,) = world.usages(type="gpu")
    for name in ("ann", "bob"):
        assert world.report_user(usage["uuid"], username=name, usage=3).status_code == 201
    of_ann = {"resource": RESOURCE, "type": "gpu", "username": "ann", "usage": "4", "date": "2026-10-05"}
    uuid = ready(world, step, of_ann)
    seen = looked(world, uuid)
    assert world.report_user(usage["uuid"], username="bob", usage=4).status_code == 201
    october(world, "8", kind="gpu")
    assert world.report_user(usage["uuid"], username="ann", usage=2).status_code == 201
    done = take(world, uuid, step, by="staff", expect=seen)
    assert told(done) == refused(message(seen, "3.00", "2.00"))
    assert world.report_user(usage["uuid"], username="ann", usage=3).status_code == 201
    assert take(world, uuid, step, by="staff", expect=seen).status_code == 200


def test_another_plans_figure_changes_what_this_one_becomes(world: World) -> None:
    describe_periods(
        world,
        (FIRST, BASIC, "2026-10-01T00:00:00Z", "2026-10-20T00:00:00Z"),
        (SECOND, PREMIUM, "2026-10-20T00:00:00Z", None),
    )
    for day, total in (("05", "5"), ("25", "9")):
        usages = [{"type": "cpu", "amount": total}]
        assert world.report(date=f"2026-10-{day}", usages=usages).status_code == 201
    uuid = ready(world, "apply", item("20"))
    seen = looked(world, uuid)
    assert shown(world, uuid)["items"][0]["usage_after"] == "16.00"
    assert world.report(date="2026-10-25", usages=[{"type": "cpu", "amount": "10"}]).status_code == 201
    assert shown(world, uuid)["items"][0]["usage_after"] == "15.00"
    assert of_item(world, uuid) == ("5.00", True)
    assert told(take(world, uuid, "apply", expect=seen)) == refused(message(seen, "4.00", "5.00"))


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        (10_000, BEYOND),
        ("x", NO_POSITION),
        (-1, NO_POSITION),
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_a_position_that_is_none_is_refused(world: World, step: str, expect: object, answer: object) -> None:
    october(world)
    uuid = ready(world, step)
    assert told(take(world, uuid, step, by="staff", expect=expect)) == (400, answer)


def test_who_may_not_and_a_step_that_can_not_follow_are_told_first(world: World) -> None:
    october(world)
    uuid = proposed(world)
    seen = looked(world, uuid)
    october(world, "6")
    assert told(take(world, uuid, "approve", by=PROPOSER, expect=seen)) == (403, WRONG)
    assert take(world, uuid, "approve", by="consumer-owner", expect=seen).status_code == 404
    assert take(world, uuid, "apply", expect=seen).status_code == 409
    reject(world, uuid)
    assert take(world, uuid, "approve", expect=seen).status_code == 409


def test_the_fact_keeps_the_position_at_which_the_approver_looked(world: World) -> None:
    october(world)
    uuid = proposed(world)
    seen = looked(world, uuid)
    october(world, "7", resource=SECOND_RESOURCE)
    approved = take(world, uuid, "approve", expect=seen).get_json()
    assert approved["approved_as_of"] == seen
    assert [fact.seen_at for fact in world.facts(CorrectionApproved)] == [seen]


def test_without_a_position_an_approval_is_of_the_figures_as_they_stood_then(world: World) -> None:
    october(world)
    uuid = proposed(world)
    assert (shown(world, uuid)["approved_as_of"], of_item(world, uuid)) == (None, (None, None))
    take(world, uuid, "approve")
    assert [fact.seen_at for fact in world.facts(CorrectionApproved)] == [None]
    assert (shown(world, uuid)["approved_as_of"], of_item(world, uuid)) == (
        world.projector.reached().end.position,
        ("5.00", False),
    )


def test_each_figure_says_whether_it_has_moved_since_the_approval(world: World) -> None:
    october(world)
    uuid = proposed(world, item(), item("3", date="2026-09-05"))
    take(world, uuid, "approve", by="staff")
    approved = world.projector.reached().end.position
    october(world, "6")
    later = world.projector.catch_up()
    assert (of_item(world, uuid), of_item(world, uuid, 1)) == (("5.00", True), (None, False))
    whole = shown(world, uuid)
    assert shown(world, uuid, as_of=approved)["items"][0]["has_moved_since_approval"] is False
    assert shown(world, uuid, as_of=later) == whole

    assert take(world, uuid, "apply", expect=whole["approved_as_of"]).status_code == 412
    assert take(world, uuid, "apply").status_code == 200
    assert (of_item(world, uuid), of_item(world, uuid, 1)) == (("5.00", True), (None, False))
    october(world, "7")
    assert of_item(world, uuid) == ("5.00", True)


def test_what_was_applied_as_it_was_approved_does_not_move_any_more(world: World) -> None:
    october(world)
    uuid = proposed(world)
    take(world, uuid, "approve")
    assert take(world, uuid, "apply", expect=shown(world, uuid)["approved_as_of"]).status_code == 200
    october(world, "7")
    assert of_item(world, uuid) == ("5.00", False)


def test_a_position_before_everything_is_that_of_the_empty_world(world: World) -> None:
    uuid = proposed(world)
    assert take(world, uuid, "approve", expect=0).get_json()["approved_as_of"] == 0
    assert take(world, uuid, "apply", expect=0).status_code == 200
    assert len(world.facts(CorrectionApplied)) == 1
    october(world)
    assert of_item(world, uuid) == (None, False)
