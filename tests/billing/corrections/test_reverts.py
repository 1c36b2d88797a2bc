"""What a correction changed is put back by another one, as far as it still stands."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.events import CorrectionApplied, CorrectionReverted, UserUsageReported
from tests.api.monthly import entity
from tests.api.plans import FIRST, SECOND, describe_periods
from tests.billing.closing import close
from tests.billing.correcting import (
    CORRECTIONS,
    applied,
    item,
    october,
    of_user,
    proposed,
    reject,
    revert,
    reverted,
    shares,
    shown,
    take,
)
from tests.billing.correcting import SECOND as MANAGER
from tests.world import BASIC, PREMIUM, RESOURCE, SECOND_OFFERING, SECOND_RESOURCE, World
from web.commands.audit.forget import forget
from web.request.billing.corrections import NOTHING_STANDS

SEPTEMBER = {"date": "2026-09-05"}


def figures(world: World) -> dict[tuple[str, str], Decimal]:
    """Return all figures, by month and type of component."""
    return {
        (row["billing_period"], row["type"]): Decimal(row["usage"])
        for row in world.usages(page_size=100, o="billing_period")
    }


def changes(world: World, uuid: str) -> list[tuple[str, str | None, str | None]]:
    """Return what the items of a correction change: their months, and the figures before and after."""
    return [
        (each["billing_period"], each["usage_before"], each["usage_after"])
        for each in shown(world, uuid)["items"]
    ]


def test_what_a_correction_changed_is_put_back_by_a_correction_of_its_own(world: World) -> None:
    october(world)
    close(world, month="2026-10")
    first = applied(world)
    second = revert(world, first).get_json()
    assert (second["title"], second["reason"], second["state"], second["reverts"]) == (
        "Revert: Minutes",
        "The minutes were hours",
        "proposed",
        first,
    )
    assert (shown(world, first)["state"], shown(world, first)["revert"]) == ("applied", second["uuid"])
    for step in ("approve", "apply"):
        assert take(world, second["uuid"], step).status_code == 200
    assert figures(world) == {("2026-10-01", "cpu"): 5}
    done = shown(world, first)
    assert (done["state"], done["revert"], done["next"]) == ("reverted", second["uuid"], [])
    last, after = world.facts()[-2:]
    assert isinstance(last, CorrectionApplied)
    assert isinstance(after, CorrectionReverted)
    assert (after.correction_uuid, after.reverted_with) == (UUID(first), UUID(second["uuid"]))


def test_a_revert_is_reverted_and_the_first_one_stays_so(world: World) -> None:
    october(world)
    first = applied(world)
    second = reverted(world, first)
    third = reverted(world, second)
    assert figures(world) == {("2026-10-01", "cpu"): 50}
    states = [shown(world, uuid)["state"] for uuid in (first, second, third)]
    assert states == ["reverted", "reverted", "applied"]


def test_a_figure_that_somebody_stated_since_is_left(world: World) -> None:
    october(world)
    first = applied(world, item(), item("3", **SEPTEMBER))
    october(world, "7")
    second = reverted(world, first)
    assert changes(world, second) == [("2026-09-01", "3.00", "0.00")]
    assert figures(world) == {("2026-09-01", "cpu"): 0, ("2026-10-01", "cpu"): 7}


def test_where_nothing_stands_there_is_nothing_to_put_back(world: World) -> None:
    october(world)
    first = applied(world)
    october(world, "7")
    done = revert(world, first)
    assert (done.status_code, done.get_json()) == (
        409,
        {"detail": NOTHING_STANDS},
    )


def test_a_figure_that_was_stated_again_as_it_is_is_marked_and_left_out(world: World) -> None:
    october(world)
    october(world, "9", kind="gpu")
    first = applied(world, item("50"), item("60", type="gpu"))
    for amount in ("61", "60"):
        october(world, amount, kind="gpu")
    told = shown(world, first)
    assert [(each["usage_now"], each["has_moved"], each["is_stated_since"]) for each in told["items"]] == [
        ("50.00", False, False),
        ("60.00", False, True),
    ]
    assert told["left_out"] is None
    back = revert(world, first).get_json()
    assert ([each["component_type"] for each in back["items"]], back["left_out"]) == (["cpu"], 1)
    for step in ("approve", "apply"):
        assert take(world, back["uuid"], step).get_json()["left_out"] == 1


def test_what_changed_nothing_has_nothing_to_put_back(world: World) -> None:
    october(world, "50")
    first = applied(world)
    assert shown(world, first)["items"][0]["is_stated_since"] is False
    done = revert(world, first)
    assert (done.status_code, done.get_json()) == (409, {"detail": NOTHING_STANDS})


def test_what_a_later_correction_changed_is_its_own(world: World) -> None:
    october(world)
    first, second = applied(world), applied(world, item("60"))
    assert revert(world, first).status_code == 409
    reverted(world, second)
    assert figures(world) == {("2026-10-01", "cpu"): 50}
    assert revert(world, first).status_code == 409, "that it is 50 again is said by another one"


def test_one_revert_is_under_way_at_a_time(world: World) -> None:
    october(world)
    first = applied(world)
    second = revert(world, first).get_json()["uuid"]
    again = revert(world, first)
    told = {"detail": f"It is to be reverted by {second}: that can be approved, or rejected."}
    assert (again.status_code, again.get_json()) == (409, told)
    assert shown(world, first)["next"] == []
    assert reject(world, second).status_code == 200
    assert (shown(world, first)["next"], shown(world, first)["revert"]) == (["revert"], None)
    third = reverted(world, first)
    assert shown(world, first)["revert"] == third


def test_only_what_was_applied_is_reverted(world: World) -> None:
    october(world)
    uuid = proposed(world)
    done = revert(world, uuid)
    assert (done.status_code, done.get_json()) == (
        409,
        {"detail": "This correction is proposed: it can be approved or rejected."},
    )
    reject(world, uuid)
    assert revert(world, uuid).get_json() == {"detail": "This correction is rejected: nothing can follow."}


def test_shares_of_users_are_put_back_and_new_ones_are_zero(world: World) -> None:
    october(world, "9", kind="gpu")
    (usage,) = world.usages()
    assert world.report_user(usage["uuid"], username="ann", usage=3).status_code == 201
    of_users: list[dict[str, Any]] = [
        {"component_usage": usage["uuid"], "username": "ann", "usage": "4"},
        {"resource": RESOURCE, "type": "gpu", "username": "bob", "usage": "2", "date": "2026-10-05"},
    ]
    first = applied(world, *of_users)
    assert {row["username"]: row["usage"] for row in world.user_usages()} == {"ann": "4.00", "bob": "2.00"}
    second = reverted(world, first)
    assert {row["username"]: row["usage"] for row in world.user_usages()} == {"ann": "3.00", "bob": "0.00"}
    assert [fact.correction_uuid for fact in world.facts(UserUsageReported)][-2:] == [UUID(second)] * 2
    assert figures(world) == {("2026-10-01", "gpu"): 9}


def test_a_share_that_somebody_stated_since_is_left(world: World) -> None:
    october(world, "9", kind="gpu")
    (usage,) = world.usages()
    of_users = [{"component_usage": usage["uuid"], "username": name, "usage": "4"} for name in ("ann", "bob")]
    first = applied(world, *of_users)
    world.report_user(usage["uuid"], username="ann", usage=5)
    second = reverted(world, first)
    assert [each["username"] for each in shown(world, second)["items"]] == ["bob"]
    assert {row["username"]: row["usage"] for row in world.user_usages()} == {"ann": "5.00", "bob": "0.00"}


LATE = {"date": "2026-10-20"}


def october_of_two_plans(world: World) -> None:
    """Report 10 of the plan before the 15th, and 20 of the one after it."""
    describe_periods(
        world,
        (FIRST, BASIC, "2026-01-01T00:00:00Z", "2026-10-15T00:00:00Z"),
        (SECOND, PREMIUM, "2026-10-15T00:00:00Z", None),
    )
    october(world, "10")
    assert world.report(**LATE, usages=[{"type": "cpu", "amount": "30"}]).status_code == 201


@pytest.mark.parametrize("is_first_moved", [False, True])
def test_a_figure_of_one_of_two_plans_is_put_back_to_what_it_was(world: World, is_first_moved: bool) -> None:
    """A report states the total of the month, whatever part of it is of other plans."""
    october_of_two_plans(world)
    assert sorted(row["usage"] for row in world.usages()) == ["10.00", "20.00"]
    first = applied(world, item("50", **LATE))
    assert sorted(row["usage"] for row in world.usages()) == ["10.00", "40.00"]
    if is_first_moved:
        october(world, "52")
        assert sorted(row["usage"] for row in world.usages()) == ["12.00", "40.00"]
    second = reverted(world, first)
    assert changes(world, second) == [("2026-10-01", "40.00", "20.00")]
    stays = "12.00" if is_first_moved else "10.00"
    assert sorted(row["usage"] for row in world.usages()) == [stays, "20.00"]


def test_what_is_stated_while_a_revert_is_under_way_is_not_overwritten(world: World) -> None:
    october(world)
    second = revert(world, applied(world)).get_json()["uuid"]
    assert [each["has_moved"] for each in shown(world, second)["items"]] == [False]
    october(world, "51")
    (marked,) = shown(world, second)["items"]
    assert (marked["usage_before"], marked["usage_now"], marked["has_moved"]) == ("50.00", "51.00", True)
    assert list(marked["errors"]) == ["expect"]
    assert take(world, second, "approve").status_code == 200
    refused = take(world, second, "apply")
    assert (refused.status_code, refused.get_json()) == (400, {"items": [marked["errors"]]})
    assert [row["usage"] for row in world.usages()] == ["51.00"]


def test_a_title_and_a_ticket_of_its_own_are_kept(world: World) -> None:
    october(world)
    done = revert(world, applied(world), title="Back", ticket="BILL-8").get_json()
    assert (done["title"], done["ticket"]) == ("Back", "BILL-8")


def test_figures_of_two_plans_in_a_month_are_put_back_both(world: World) -> None:
    october_of_two_plans(world)
    first = applied(world, item("35"), item("45", **LATE))
    assert sorted(row["usage"] for row in world.usages()) == ["15.00", "30.00"]
    second = reverted(world, first)
    assert changes(world, second) == [("2026-10-01", "15.00", "10.00"), ("2026-10-01", "30.00", "20.00")]
    assert sorted(row["usage"] for row in world.usages()) == ["10.00", "20.00"]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_share_of_a_user_changes_no_other_figure_nor_does_its_revert(
    world: World, *, is_there: bool
) -> None:
    """A report would have given a usage that stands at zero the sum of its users."""
    if is_there:
        october(world, "0", kind="gpu")
    first = applied(world, of_user("ann", "4"))
    assert shares(world) == {"ann": "4.00"}
    assert figures(world) == {("2026-10-01", "gpu"): 0}
    reverted(world, first)
    assert shares(world) == {"ann": "0.00"}
    assert figures(world) == {("2026-10-01", "gpu"): 0}


def test_whose_share_was_forgotten_is_left_out_and_the_others_are_put_back(world: World) -> None:
    october(world, "9", kind="gpu")
    first = applied(world, of_user("ann", "4"), of_user("bob", "2"))
    forget(world.services, "ann", "Erasure, ticket 12")
    world.projector.catch_up()
    second = shown(world, reverted(world, first))
    assert ([each["username"] for each in second["items"]], second["left_out"]) == (["bob"], 1)
    assert shares(world) == {"": "4.00", "bob": "0.00"}


def test_where_all_were_forgotten_there_is_nothing_to_put_back(world: World) -> None:
    october(world, "9", kind="gpu")
    first = applied(world, of_user("ann", "4"))
    forget(world.services, "ann", "Erasure, ticket 12")
    world.projector.catch_up()
    done = revert(world, first)
    assert (done.status_code, done.get_json()) == (409, {"detail": NOTHING_STANDS})


MOVED_TO_CLOUD = (
    "The figure is of another offering's cpu, in which the resource was when this was proposed: it can't be"
    " stated any more."
)


def test_what_is_of_the_offering_before_is_refused_in_the_places_of_the_first(world: World) -> None:
    october(world)
    september = item("60", **SEPTEMBER)
    first = applied(world, september, item())
    waiting = proposed(world, item("51"))
    assert take(world, waiting, "approve").status_code == 200
    assert world.report(**SEPTEMBER, usages=[{"type": "cpu", "amount": "61"}]).status_code == 201
    world.describe(resources=[entity("resources", RESOURCE, offering_uuid=SECOND_OFFERING)])
    facts = len(world.facts())
    told = {"type": [MOVED_TO_CLOUD]}
    refused = revert(world, first)
    assert (refused.status_code, refused.get_json()) == (400, {"items": [{}, told]})
    assert [each["errors"] for each in shown(world, waiting)["items"]] == [told]
    refused = take(world, waiting, "apply", by="staff")
    assert (refused.status_code, refused.get_json()) == (400, {"items": [told]})
    assert len(world.facts()) == facts
    assert figures(world) == {("2026-09-01", "cpu"): 61, ("2026-10-01", "cpu"): 50}


def test_who_may_report_what_a_revert_changes_applies_it_though_the_first_is_not_theirs(world: World) -> None:
    october(world)
    of_cloud = item("8", resource=SECOND_RESOURCE)
    first = applied(world, item(), of_cloud, second="staff")
    october(world, "9", resource=SECOND_RESOURCE)
    assert world.as_(MANAGER).get(f"{CORRECTIONS}{first}/").status_code == 404
    second = reverted(world, first)
    assert shown(world, second, by=MANAGER)["state"] == "applied"
    assert shown(world, first)["state"] == "reverted"
