"""Lists of corrections, their past, files of them, and requests that name themselves."""

import csv
import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import CorrectionProposed, CorrectionRejected
from projections.rebuild import Rebuilt
from tests.billing.correcting import (
    CORRECTIONS,
    PROPOSER,
    SECOND,
    applied,
    item,
    october,
    propose,
    proposed,
    reject,
    revert,
    reverted,
    shown,
    take,
)
from tests.projections.rebuilding import rebuild_of
from tests.world import OFFERING, PROVIDER, SECOND_OFFERING, SECOND_RESOURCE, World, uid


def listed(world: World, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = world.as_(by).get(CORRECTIONS, **query).get_json()
    return rows


def in_each_state(world: World) -> dict[str, str]:
    """Return the uuid of a correction in each state, the newest last."""
    october(world)
    first = applied(world, item("10"))
    reverted(world, first)
    found = {"reverted": first, "applied": applied(world, item("11")), "rejected": proposed(world)}
    reject(world, found["rejected"])
    found["approved"] = proposed(world, item("12"))
    take(world, found["approved"], "approve")
    return found | {"proposed": proposed(world, item("13"), by="staff")}


def test_a_correction_is_rejected_with_a_reason(world: World) -> None:
    october(world)
    uuid = proposed(world)
    wordless = take(world, uuid, "reject")
    assert (wordless.status_code, wordless.get_json()) == (400, {"reason": ["This field is required."]})
    done = reject(world, uuid, by=PROPOSER).get_json()
    assert (done["state"], done["rejection"], done["next"]) == ("rejected", "Of another ticket", [])
    assert done["rejected_by"]["username"] == PROPOSER
    assert [fact.reason for fact in world.facts(CorrectionRejected)] == ["Of another ticket"]
    for step in ("approve", "apply"):
        late = take(world, uuid, step)
        assert (late.status_code, late.get_json()) == (
            409,
            {"detail": "This correction is rejected: nothing can follow."},
        )


def test_what_was_approved_can_still_be_rejected(world: World) -> None:
    october(world)
    uuid = proposed(world)
    take(world, uuid, "approve")
    assert reject(world, uuid).get_json()["state"] == "rejected"
    assert take(world, uuid, "apply").status_code == 409


def test_lists_have_the_newest_first_and_are_filtered(world: World) -> None:
    found = in_each_state(world)
    rows = listed(world)
    assert [row["position"] for row in rows] == sorted((row["position"] for row in rows), reverse=True)
    assert len(rows) == 6
    for state, uuid in found.items():
        assert uuid in [row["uuid"] for row in listed(world, state=state)]
        assert {row["state"] for row in listed(world, state=state)} == {state}
    assert len(listed(world, state=["approved", "rejected"])) == 2
    assert [row["uuid"] for row in listed(world, proposed_by_uuid=uid(1))] == [found["proposed"]]
    assert len(listed(world, provider_uuid=PROVIDER, offering_uuid=OFFERING, billing_period="2026-10")) == 6
    for nothing in (
        {"billing_period": "2026-09"},
        {"offering_uuid": SECOND_OFFERING},
        {"provider_uuid": uid(0xC4)},
    ):
        assert listed(world, **nothing) == []
    wrong = world.as_("staff").get(CORRECTIONS, state="done")
    assert (wrong.status_code, "state" in wrong.get_json()) == (400, True)


def test_who_sees_a_part_of_it_sees_none_of_it(world: World) -> None:
    october(world)
    of_two = proposed(world, item(), item("70", resource=SECOND_RESOURCE))
    of_one = proposed(world)
    assert [row["uuid"] for row in listed(world, SECOND)] == [of_one]
    assert [row["uuid"] for row in listed(world, PROPOSER)] == [of_one, of_two]


def test_each_step_can_be_seen_as_it_was(world: World) -> None:
    october(world)
    seen: list[tuple[int, Any, Any]] = []

    def look() -> None:
        position = world.projector.catch_up()
        rows = listed(world)
        single = shown(world, rows[0]["uuid"]) if rows else None
        seen.append((position, rows, single))

    look()
    uuid = proposed(world, item(), item("3", date="2026-09-05"))
    look()
    for step in ("approve", "apply"):
        take(world, uuid, step)
        look()
    october(world, "51")
    look()
    second = revert(world, uuid).get_json()["uuid"]
    for step in ("approve", "apply"):
        take(world, second, step)
    for position, rows, single in seen:
        assert listed(world, as_of=position) == rows
        then = world.as_("staff").get(f"{CORRECTIONS}{uuid}/", as_of=position)
        assert (then.status_code, then.get_json() if rows else None) == (200 if rows else 404, single)


def test_files_of_the_list_have_its_rows(world: World) -> None:
    in_each_state(world)
    file = world.as_("staff").get(CORRECTIONS, format="csv")
    rows = list(csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [row["uuid"] for row in rows] == [row["uuid"] for row in listed(world)]
    assert {row["title"] for row in rows} == {"Minutes", "Revert: Minutes"}
    lines = world.as_("staff").get(CORRECTIONS, format="ndjson").get_data(as_text=True).splitlines()
    assert len(lines) == len(rows)


def test_a_rebuild_makes_the_same_rows(world: World) -> None:
    in_each_state(world)
    rows = listed(world)
    singles = [shown(world, row["uuid"]) for row in rows]
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    assert listed(world) == rows
    assert [shown(world, row["uuid"]) for row in rows] == singles


def test_the_first_is_reverted_once_the_second_was_applied(world: World) -> None:
    october(world)
    first = applied(world)
    second = reverted(world, first)
    newest, oldest = listed(world)
    assert (newest["uuid"], newest["state"], newest["reverts"]) == (second, "applied", first)
    assert (oldest["uuid"], oldest["state"], oldest["revert"]) == (first, "reverted", second)
    assert oldest["reverted_by"]["username"] == newest["applied_by"]["username"] == SECOND


def named(world: World, key: str, by: str = PROPOSER, **changes: Any) -> TestResponse:
    body = {"title": "Minutes", "reason": "Counted in minutes", "items": [item()]} | changes
    return world.as_(by).send("POST", CORRECTIONS, json=body, headers={"Idempotency-Key": key})


def test_the_same_request_with_a_key_proposes_once(world: World) -> None:
    october(world)
    first, again = named(world, "BILL-7"), named(world, "BILL-7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    assert len(world.facts(CorrectionProposed)) == 1


def test_another_request_with_the_key_is_refused(world: World) -> None:
    october(world)
    named(world, "BILL-7")
    other = named(world, "BILL-7", title="Hours")
    assert other.status_code == 422
    assert len(world.facts(CorrectionProposed)) == 1
    assert named(world, "BILL-7", by=SECOND).status_code == 201, "keys are those of their users"


def test_a_key_finds_what_it_proposed_in_whichever_state_it_is_now(world: World) -> None:
    october(world)
    uuid = named(world, "BILL-7").get_json()["uuid"]
    for step in ("approve", "apply"):
        take(world, uuid, step)
    again = named(world, "BILL-7")
    assert (again.status_code, again.get_json()["uuid"], again.get_json()["state"]) == (200, uuid, "applied")
    assert [row["usage"] for row in world.usages()] == ["50.00"]


def test_a_refused_proposal_uses_no_key_up(world: World) -> None:
    october(world)
    assert named(world, "BILL-7", items=[item(type="tape")]).status_code == 400
    assert named(world, "BILL-7").status_code == 201


@pytest.mark.parametrize("header", ["Idempotency-Key", "Ledger-Expect", "Ledger-Reason"])
def test_headers_of_reports_are_refused_by_steps(world: World, header: str) -> None:
    october(world)
    uuid = proposed(world)
    done = world.as_(SECOND).send("POST", f"{CORRECTIONS}{uuid}/approve/", json={}, headers={header: "1"})
    assert (done.status_code, header in done.text) == (400, True)
    assert shown(world, uuid)["state"] == "proposed"


@pytest.mark.parametrize("step", ["approve", "apply"])
def test_steps_take_no_keys_that_mean_nothing(world: World, step: str) -> None:
    october(world)
    uuid = proposed(world)
    done = take(world, uuid, step, note="yes")
    assert (done.status_code, done.get_json()) == (400, {"note": ["Unknown field. Known are expect."]})


def test_a_reason_that_is_too_long_is_refused(world: World) -> None:
    done = propose(world, reason="x" * 501)
    told = {"reason": ["Ensure this field has no more than 500 characters."]}
    assert (done.status_code, done.get_json()) == (400, told)
