"""Corrections: figures that one person proposes to change, and another one stands behind."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.events import CorrectionApplied, CorrectionApproved, CorrectionProposed, UsageReported
from tests.billing.closing import close
from tests.billing.correcting import (
    CORRECTIONS,
    PROPOSER,
    SECOND,
    WRONG,
    applied,
    item,
    october,
    propose,
    proposed,
    shown,
    take,
)
from tests.world import SECOND_RESOURCE, USAGES, World


def figures(world: World) -> list[Decimal]:
    rows = (
        world.as_("staff").get("/api/marketplace-component-usages/", billing_period="2026-10-01").get_json()
    )
    return sorted(Decimal(row["usage"]) for row in rows)


def test_nothing_changes_before_a_second_person_approved_it(world: World) -> None:
    october(world)
    uuid = proposed(world, ticket="BILL-7")
    assert figures(world) == [5]
    early = take(world, uuid, "apply")
    assert (early.status_code, early.get_json()) == (
        409,
        {"detail": "This correction is proposed: it can be approved or rejected."},
    )
    own = take(world, uuid, "approve", by=PROPOSER)
    assert (own.status_code, own.get_json()) == (403, WRONG)
    assert shown(world, uuid)["state"] == "proposed"
    approved = take(world, uuid, "approve").get_json()
    assert (approved["state"], approved["next"]) == ("approved", ["apply", "reject"])
    assert figures(world) == [5]
    done = take(world, uuid, "apply", by=PROPOSER).get_json()
    assert figures(world) == [50]
    assert (done["state"], done["next"], done["ticket"]) == ("applied", ["revert"], "BILL-7")
    names = [done[f"{step}_by"]["username"] for step in ("proposed", "approved", "applied")]
    assert names == [PROPOSER, SECOND, PROPOSER]
    *_, fact = world.facts(UsageReported)
    assert fact.correction_uuid == UUID(uuid)
    assert (fact.reason, fact.plan_amount) == ("Counted in minutes", Decimal(50))
    (last,) = world.facts(CorrectionApplied)
    assert [(each.before, each.after) for each in last.figures] == [(Decimal(5), Decimal(50))]
    again = take(world, uuid, "apply")
    assert (again.status_code, again.get_json()) == (
        409,
        {"detail": "This correction is applied: it can be reverted."},
    )


def test_one_person_may_do_both_where_the_operator_says_so(world: World) -> None:
    october(world)
    world.app.config["LEDGER_FOUR_EYES"] = False
    uuid = proposed(world)
    assert take(world, uuid, "approve", by=PROPOSER).get_json()["is_by_proposer"] is True
    assert [fact.is_by_proposer for fact in world.facts(CorrectionApproved)] == [True]


def test_all_or_nothing_is_applied(world: World) -> None:
    october(world)
    october(world, "7", resource=SECOND_RESOURCE)
    wrong = propose(world, item(), item("70", type="tape"))
    assert wrong.status_code == 400
    assert [bool(each) for each in wrong.get_json()["items"]] == [False, True]
    assert world.facts(CorrectionProposed) == []
    uuid = proposed(world, item(), item("70", resource=SECOND_RESOURCE))
    assert take(world, uuid, "approve").status_code == 404  # half of it is of an offering that is not theirs
    for step in ("approve", "apply"):
        assert take(world, uuid, step, by="staff").status_code == 200
    assert figures(world) == [50, 70]


def test_a_closed_month_is_changed_by_a_correction_only(world: World) -> None:
    october(world)
    assert close(world, month="2026-10").status_code == 201
    assert world.report(date="2026-10-05", usages=[{"type": "cpu", "amount": "6"}]).status_code == 400
    applied(world)
    assert figures(world) == [50]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"title": ""}, {"title": ["This field may not be blank."]}),
        ({"reason": None}, {"reason": ["This field may not be null."]}),
        ({"items": []}, {"items": ["Between 1 and 10000 items are taken, and these are 0."]}),
        ({"items": [item(date=None)]}, {"items": [{"date": ["This field may not be null."]}]}),
        ({"titel": "x"}, {"titel": ["Unknown field. Did you mean title?"]}),
    ],
)
def test_bad_input_is_told_by_name(world: World, body: dict[str, Any], told: object) -> None:
    done = propose(world, **body)
    assert (done.status_code, done.get_json()) == (400, told)


def test_there_is_none_for_those_who_may_not_report_it(world: World) -> None:
    october(world)
    uuid = proposed(world)
    for outsider in ("consumer-owner", "project-member", "stranger"):
        assert world.as_(outsider).get(f"{CORRECTIONS}{uuid}/").status_code == 404
        assert world.as_(outsider).get(CORRECTIONS).get_json() == []
        assert take(world, uuid, "approve", by=outsider).status_code == 404
    assert [row["uuid"] for row in world.as_(SECOND).get(CORRECTIONS).get_json()] == [uuid]


def test_the_history_of_a_figure_has_the_names_of_those_who_stand_behind_it(world: World) -> None:
    october(world)
    uuid = applied(world)
    (row,) = world.as_("staff").get(USAGES, billing_period="2026-10-01").get_json()
    newest, oldest = world.as_("staff").get(f"{USAGES}{row['uuid']}/history/").get_json()
    correction = newest["correction"]
    assert (correction["uuid"], correction["title"], correction["state"]) == (uuid, "Minutes", "applied")
    assert correction["proposed_by"]["username"] == PROPOSER
    assert correction["approved_by"]["username"] == correction["applied_by"]["username"] == SECOND
    assert (newest["revision_comment"], oldest["correction"]) == ("Counted in minutes", None)
    of_consumer = world.as_("consumer-owner").get(f"{USAGES}{row['uuid']}/history/").get_json()
    assert [each["correction"] for each in of_consumer] == [None, None]


def test_a_diff_names_corrections_to_those_who_may_know_of_them(world: World) -> None:
    october(world)
    before = world.projector.reached().end.position
    uuid = applied(world)
    asked = {"from": before, "billing_period": "2026-10-01"}
    for who, known in (("staff", [uuid]), (SECOND, [uuid]), ("consumer-owner", [])):
        (row,) = world.as_(who).get("/api/ledger/diff/", **asked).get_json()
        assert (row["corrections"], row["delta"], row["reasons"]) == (known, "45.00", ["Counted in minutes"])
    lowered = applied(world, item("4"))
    assert lowered
    assert world.as_("staff").get("/api/ledger/unexplained/").get_json() == []


def test_focus_tells_charges_that_were_corrected(world: World) -> None:
    october(world)
    charges = {"billing_period": "2026-10"}

    def classes() -> list[str | None]:
        rows = world.as_("staff").get("/api/ledger/exports/focus/", **charges).get_json()
        return [row["ChargeClass"] for row in rows]

    assert classes() == [None]
    applied(world)
    assert classes() == ["Correction"]
    october(world, "51")
    assert classes() == [None]
