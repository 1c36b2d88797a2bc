"""A report may say what it builds on: it is refused where its figure has changed since."""

from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import Report, UsageReported
from ledger.handler import CommandHandler
from tests.support.queueing import REPORTS, Overtaken, of
from tests.world import RESOURCE, SECOND_RESOURCE, USAGES, Client, World, open_world

CHANGED = "The figure does not stand as it did at position {}."
MUST = "be a position: a whole number from 0 on."


def position(world: World) -> int:
    return int(world.as_("staff").get(USAGES).headers["Ledger-Position"])


def report(client: Client, amount: int, expected: object, kind: str = "cpu", **more: Any) -> TestResponse:
    body = {"resource": RESOURCE, "usages": [{"type": kind, "amount": amount}], **more}
    headers = {"Ledger-Expect": str(expected)}
    return client.send("POST", f"{USAGES}set_usage/", json=body, headers=headers)


def report_user(client: Client, usage: str, expected: object, *names: str) -> TestResponse:
    items = [{"username": name, "usage": 5} for name in names]
    action, body = ("set_user_usage", items[0]) if len(items) == 1 else ("set_user_usages", {"usages": items})
    headers = {"Ledger-Expect": str(expected)}
    return client.send("POST", f"{USAGES}{usage}/{action}/", json=body, headers=headers)


def told(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def changed(at: int) -> tuple[int, Any]:
    return 412, {"expect": [CHANGED.format(at)]}


def test_a_report_is_refused_if_its_figure_has_changed_since_it_was_seen(world: World) -> None:
    staff = world.as_("staff")
    before = position(world)
    assert report(staff, 1, before).status_code == 201
    seen = position(world)
    assert told(report(staff, 2, before)) == changed(before)
    assert report(staff, 2, seen).status_code == 201
    assert told(report(staff, 2, seen)) == changed(seen), "although it says what stands there"
    assert [fact.amount for fact in world.facts(UsageReported)] == [Decimal(1), Decimal(2)]


def test_what_is_not_the_figure_may_change(world: World) -> None:
    staff = world.as_("staff")
    before = position(world)
    assert report(staff, 1, before).status_code == 201
    assert report(staff, 1, before, "gpu").status_code == 201
    assert report(staff, 1, before, date="2026-10-03").status_code == 201
    usage = world.usages(billing_period="2026-11-01", type="cpu")[0]["uuid"]
    seen = position(world)
    assert report_user(staff, usage, seen, "ann").status_code == 201
    assert report_user(staff, usage, seen, "bob", "joe").status_code == 201
    assert report(staff, 9, seen).status_code == 201, "shares of users leave the figure as it is"
    assert told(report_user(staff, usage, seen, "joe")) == changed(seen)
    assert told(report_user(staff, usage, seen, "eve", "ann")) == changed(seen)
    assert len(world.user_usages()) == 3


def test_a_figure_that_users_gave_their_total_has_changed(world: World) -> None:
    staff = world.as_("staff")
    report(staff, 0, position(world))
    seen = position(world)
    assert report_user(staff, world.usages()[0]["uuid"], seen, "ann").status_code == 201
    assert told(report(staff, 1, seen)) == changed(seen)


def test_where_the_journal_never_was_nothing_is_known_to_stand(world: World) -> None:
    ahead = position(world) + 1
    assert told(report(world.as_("staff"), 1, ahead)) == changed(ahead)
    assert world.usages() == []


def test_of_many_reports_those_are_refused_that_build_on_what_has_changed(world: World) -> None:
    staff, before = world.as_("staff"), position(world)
    items = [
        of(RESOURCE, 1, expect=before),
        of(RESOURCE, 2, expect=before),
        of(SECOND_RESOURCE, 3, expect=str(before)),
        of(RESOURCE, 4, expect=before, date="2026-10-03"),
        of(RESOURCE, 5),
        {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 1, "expect": before},
        {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 2, "expect": before},
    ]
    answer = staff.post(f"{REPORTS}?atomic=false", items).get_json()
    results = [each["result"] for each in answer["results"]]
    assert results == ["created", "refused", "created", "created", "changed", "created", "refused"]
    refused = {"result": "refused", "errors": {"expect": [CHANGED.format(before)]}}
    assert answer["results"][1] == answer["results"][6] == refused
    facts = len(world.facts(Report))
    assert told(staff.post(REPORTS, [items[0], of(RESOURCE, 8)]))[0] == 400
    assert len(world.facts(Report)) == facts


WRONG = ["", "-1", "1.5", "x", "٣", "1, 2", "9" * 19, "0x1"]


@pytest.mark.parametrize("value", WRONG)
def test_what_is_no_position_is_named(world: World, value: str) -> None:
    staff = world.as_("staff")
    if value.isascii():
        assert told(report(staff, 1, value)) == (400, {"detail": f"Ledger-Expect must {MUST}"})
    response = staff.post(REPORTS, [of(RESOURCE, 1, expect=value)])
    assert response.get_json()["results"][0]["errors"] == {"expect": [f"Must {MUST}"]}
    assert world.usages() == []


@pytest.mark.parametrize("value", [None, True, 1.5, -1, [], {}])
def test_what_is_no_position_as_json_is_named(world: World, value: object) -> None:
    response = world.as_("staff").post(REPORTS, [of(RESOURCE, 1, expect=value)])
    assert list(response.get_json()["results"][0]["errors"]) == ["expect"]


def test_the_header_of_one_report_is_not_ignored_for_many(world: World) -> None:
    headers = {"Ledger-Expect": "1"}
    response = world.as_("staff").send("POST", REPORTS, json=[of(RESOURCE, 1)], headers=headers)
    message = "Ledger-Expect is for a single report: here each has its own, as `expect`."
    assert told(response) == (400, {"detail": message})


@pytest.mark.parametrize("by", ["stranger", "project-member"])
def test_who_may_not_report_is_told_that_and_not_what_has_changed(world: World, by: str) -> None:
    report(world.as_("staff"), 1, position(world))
    assert report(world.as_(by), 2, 0).status_code == 403


@pytest.mark.parametrize("date", ["2026-11-02", "2026-10-02"])
def test_who_is_overtaken_while_it_is_decided_has_seen_another_figure(
    world: World, world_url: str, date: str
) -> None:
    seen = position(world)
    with open_world(world_url) as other:

        def overtake() -> None:
            assert report(other.as_("staff"), 7, seen, date=date).status_code == 201

        world.app.extensions["usage-ledger"].handler = CommandHandler(
            world.ledger, Overtaken(world, overtake)
        )
        response = report(world.as_("staff"), 8, seen, date="2026-11-02")
    assert response.status_code == (412 if date == "2026-11-02" else 201)
    assert len(world.facts(UsageReported)) == (1 if response.status_code == 412 else 2)


def test_the_same_request_is_told_the_same_whatever_has_changed_since(world: World) -> None:
    staff, before = world.as_("staff"), position(world)

    def send(before: int = before) -> TestResponse:
        body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 1}]}
        headers = {"Ledger-Expect": str(before), "Idempotency-Key": "k"}
        return staff.send("POST", f"{USAGES}set_usage/", json=body, headers=headers)

    assert [send().status_code, send().status_code] == [201, 201]
    assert send(position(world)).status_code == 422, "who builds on something else asks for something else"
    assert len(world.facts(UsageReported)) == 1
