"""Manifests: what reporters say that they sent for a month, compared with what stands."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from ledger.decisions.billing.manifests import manifest_sent
from ledger.events import ManifestSent
from projections.rebuild import Rebuilt
from tests.api.monthly import entity
from tests.billing.closing import close
from tests.billing.sending import FIRST, MANIFESTS, OTHER, listed, send
from tests.projections.rebuilding import rebuild_of
from tests.world import (
    BASIC,
    CATALOGUE,
    NOW,
    OFFERING,
    OTHER_PROVIDER,
    PREMIUM,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)
from web.commands import tokens
from web.commands.carry_over import carry_into
from web.request.billing import manifests
from web.wire.billing.months import NO_MONTH

CPU_5 = [{"type": "cpu", "amount": "5"}]
ROW = {
    "offering_uuid": OFFERING,
    "offering_name": "Cluster",
    "provider_uuid": PROVIDER,
    "provider_name": "Provider",
    "billing_period": "2026-11-01",
    "reports": 1,
    "resources": 1,
    "totals": {"cpu": "5.00"},
    "note": "",
    "sent_at": NOW.isoformat(),
    "source": "api",
    "matches": True,
    "still_holds": True,
    "differences": [],
    "reports_standing": 1,
    "resources_standing": 1,
    "totals_standing": {"cpu": "5.00"},
    "carried_over": 0,
}


def second_resource_of(world: World) -> None:
    """Give OFFERING another resource."""
    world.describe(resources=[entity("resources", RESOURCE, uuid=OTHER, name="Other")])


def test_what_was_sent_is_what_stands(world: World) -> None:
    world.report(usages=CPU_5)
    position = world.projector.catch_up()
    answer = send(world, by="provider-owner")
    who = {"uuid": uid(4), "username": "provider-owner", "id": answer.get_json()["sent_by"]["id"]}
    expected = ROW | {"position": position + 1, "compared_at": position, "sent_by": who}
    assert (answer.status_code, answer.get_json()) == (201, expected)
    assert answer.headers["Ledger-Position"] == str(position + 1)
    assert listed(world) == [expected]
    (fact,) = world.facts(ManifestSent)
    assert (fact.stated, fact.carried_over, fact.sent_by) == (fact.standing, 0, UUID(uid(4)))
    assert (fact.compared_at, fact.provider_uuid, fact.month) == (position, UUID(PROVIDER), date(2026, 11, 1))
    assert rebuild_of(world).run() == Rebuilt(is_live=True)


@pytest.mark.parametrize(
    ("stated", "differences"),
    [
        ({"reports": 2}, [("reports", "2", "1")]),
        ({"resources": 0}, [("resources", "0", "1")]),
        ({"totals": {"cpu": 5.01}}, [("totals.cpu", "5.01", "5.00")]),
        ({"totals": {}}, [("totals.cpu", None, "5.00")]),
        ({"totals": {"cpu": "5", "gpu": "1"}}, [("totals.gpu", "1.00", "0.00")]),
        ({"totals": {"cpu": "5", "gpu": 0}}, []),
        ({"totals": {"cpu": "5.0"}, "note": "All of it"}, []),
        (
            {"reports": 0, "resources": 2, "totals": {"cpu": "-5"}},
            [("reports", "0", "1"), ("resources", "2", "1"), ("totals.cpu", "-5.00", "5.00")],
        ),
    ],
)
def test_what_differs_is_named_and_nothing_else(
    world: World, stated: dict[str, Any], differences: list[tuple[str, str | None, str]]
) -> None:
    world.report(usages=CPU_5)
    answer = send(world, **stated)
    row = answer.get_json()
    told = [(each["name"], each["stated"], each["standing"]) for each in row["differences"]]
    assert (answer.status_code, told) == (201, differences)
    assert row["matches"] == row["still_holds"] == (not differences)


def test_a_figure_counts_once_however_often_it_was_sent_and_by_whom(world: World) -> None:
    second_resource_of(world)
    for by, amount in (("staff", "4"), ("staff", "4"), ("offering-manager", "5")):
        assert world.report(by=by, usages=[{"type": "cpu", "amount": amount}]).status_code == 201
    world.report(resource=OTHER, usages=[*CPU_5, {"type": "gpu", "amount": "0.25"}])
    world.report(resource=SECOND_RESOURCE, usages=CPU_5)
    world.report(date="2026-10-05", usages=CPU_5)
    row = send(world, reports=3, resources=2, totals={"cpu": 10, "gpu": "0.25"}).get_json()
    assert row["differences"] == []


def test_the_usages_of_several_plans_are_one_figure(world: World) -> None:
    plans = [(0x98, BASIC, "2026-11-01", "2026-11-10"), (0x99, PREMIUM, "2026-11-10", None)]
    world.describe(
        resource_plan_periods=[
            {"uuid": uid(number), "resource_uuid": RESOURCE, "plan_uuid": plan}
            | {"start": f"{start}T00:00:00Z", "end": end and f"{end}T00:00:00Z"}
            for number, plan, start, end in plans
        ]
    )
    world.report(date="2026-11-05", usages=CPU_5)
    world.report(date="2026-11-12", usages=[{"type": "cpu", "amount": "9"}])
    assert [row["usage"] for row in world.usages()] == ["4.00", "5.00"]
    assert send(world, totals={"cpu": "9"}).get_json()["matches"]


def test_the_same_again_is_no_other_fact_until_something_else_stands(world: World) -> None:
    world.report(usages=CPU_5)
    first = send(world)
    again = send(world)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert send(world, by="offering-manager").status_code == 201
    assert send(world).status_code == 200
    assert send(world, note="Really").status_code == 201
    assert send(world).status_code == 201
    assert send(world, month="2026-10").status_code == 201
    world.report(usages=[{"type": "cpu", "amount": "6"}])
    failed = send(world)
    assert (failed.status_code, failed.get_json()["matches"]) == (201, False)
    assert send(world).status_code == 200
    assert len(world.facts(ManifestSent)) == 6
    versions = [fact.originator_version for fact in world.facts(ManifestSent)]
    assert versions == [1, 2, 3, 4, 1, 5]


def test_a_manifest_that_others_overtake_is_compared_anew(
    world: World, world_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.report(usages=CPU_5)
    with open_world(world_url) as other:
        waiting = [other]

        def overtaken(*about: Any) -> ManifestSent:
            if waiting:
                there = waiting.pop()
                there.report(usages=[{"type": "cpu", "amount": "6"}])
                assert send(there, by="provider-owner").get_json()["matches"] is False
            return manifest_sent(*about)

        monkeypatch.setattr(manifests, "manifest_sent", overtaken)
        assert send(world).get_json()["matches"] is False
    facts = world.facts(ManifestSent)
    assert [fact.originator_version for fact in facts] == [1, 2]
    assert facts[0].standing == facts[1].standing


def test_a_manifest_holds_until_a_later_report_and_did_so_at_earlier_positions(world: World) -> None:
    world.report(usages=CPU_5)
    sent = send(world).get_json()["position"]
    world.report(usages=[{"type": "cpu", "amount": "7.50"}])
    (row,) = listed(world)
    assert (row["matches"], row["still_holds"], row["totals_standing"]) == (True, False, {"cpu": "7.50"})
    assert row["differences"] == [{"name": "totals.cpu", "stated": "5.00", "standing": "7.50"}]
    (then,) = listed(world, as_of=sent)
    assert (then["still_holds"], then["differences"], then["totals_standing"]) == (True, [], {"cpu": "5.00"})
    assert listed(world, as_of=sent - 1) == []
    world.report(usages=CPU_5)
    assert listed(world)[0]["still_holds"]


def test_what_was_carried_over_was_not_sent_until_somebody_reports_it(world: World) -> None:
    second_resource_of(world)
    policy = {"missing_usage_policy": "reuse"}
    for resource in (RESOURCE, OTHER):
        world.report(resource=resource, date="2026-10-05", usages=[CPU_5[0] | policy])
    carry_into(date(2026, 11, 1), world.services, lambda _name, _usage: None)
    carried = send(world, reports=0, resources=0, totals={}).get_json()
    assert (carried["differences"], carried["carried_over"]) == ([], 2)
    world.describe(resources=[entity("resources", RESOURCE, name="Moved", project_uuid=uid(0xA2))])
    assert listed(world)[0]["carried_over"] == 2
    world.report(usages=CPU_5)
    row = send(world).get_json()
    assert (row["differences"], row["carried_over"], row["reports_standing"]) == ([], 1, 1)
    assert [fact.carried_over for fact in world.facts(ManifestSent)] == [2, 1]
    first = listed(world, as_of=carried["position"])[0]
    assert (first["carried_over"], first["still_holds"]) == (2, True)
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    assert [each["carried_over"] for each in listed(world)] == [1, 1]


def test_what_a_resource_took_along_from_another_offering_can_be_stated(world: World) -> None:
    world.report(usages=[*CPU_5, {"type": "gpu", "amount": 1}])
    world.describe(resources=[entity("resources", RESOURCE, offering_uuid=SECOND_OFFERING)])
    totals = {"cpu": "5", "gpu": "1"}
    row = send(world, offering=SECOND_OFFERING, reports=2, totals=totals).get_json()
    assert row["differences"] == []
    assert send(world, offering=SECOND_OFFERING, totals={"fee": 1}).status_code == 400


MAY_SEND = {"staff", "offering-manager", "provider-owner", "service-provider-manager"}
SEES_OFFERING = MAY_SEND | {"support"}


@pytest.mark.parametrize("user", [user["username"] for user in CATALOGUE["users"]])
def test_manifests_are_sent_by_those_who_report_there_and_nobody_else_learns_of_them(
    world: World, user: str
) -> None:
    facts = len(world.facts())
    answer = send(world, by=user)
    missing = send(world, by=user, offering=uid(0xFFFF))
    assert (answer.status_code == 201) == (user in MAY_SEND)
    if user not in MAY_SEND:
        assert len(world.facts()) == facts
        send(world)
    if user not in SEES_OFFERING:
        told = answer.text.replace(OFFERING, "it"), missing.text.replace(uid(0xFFFF), "it")
        assert told[0] == told[1]
        assert answer.status_code == missing.status_code
    assert len(listed(world, by=user)) == (user in SEES_OFFERING)


def test_an_auditor_sees_manifests_and_sends_none(world: World) -> None:
    world.describe(
        user_roles=[
            {"uuid": uid(0x90), "user_uuid": uid(10), "role_name": "AUDITOR"}
            | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}
        ]
    )
    assert send(world, by="stranger").status_code == 403
    send(world)
    assert len(listed(world, by="stranger")) == 1


def test_a_token_that_may_only_report_sends_manifests_and_nothing_else(world: World) -> None:
    user = tokens.user_named(world.services, "provider-owner")
    client = world.client(tokens.create(world.services, user, None, uses="report"))
    month = {"offering": OFFERING, "month": "2026-11"}
    assert client.post(MANIFESTS, month | FIRST).status_code == 201
    assert client.post("/api/ledger/months/close/", month).status_code == 403
    assert client.get(MANIFESTS).status_code == 403
    reader = world.client(tokens.create(world.services, user, None, uses="read"))
    assert reader.post(MANIFESTS, month | FIRST).status_code == 403
    assert len(reader.get(MANIFESTS).get_json()) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"month": "2026-13"}, {"month": [NO_MONTH]}),
        ({"month": "2026-11-02"}, {"month": [NO_MONTH]}),
        ({"month": "2026-12"}, {"month": ["This month has not begun."]}),
        ({"month": None}, {"month": ["This field is required."]}),
        ({"reports": -1}, {"reports": ["Must be a whole number from 0 on."]}),
        ({"resources": 1.5}, {"resources": ["Must be a whole number from 0 on."]}),
        ({"resources": True}, {"resources": ["Must be a whole number from 0 on."]}),
        ({"reports": None}, {"reports": ["This field is required."]}),
        ({"totals": None}, {"totals": ["This field is required."]}),
        ({"totals": []}, {"totals": ["Invalid data. Expected a dictionary, but got list."]}),
        (
            {"totals": {"cpu": "many", "gpu": "0.125"}},
            {
                "totals": {
                    "cpu": ["A valid number is required."],
                    "gpu": ["Ensure that there are no more than 2 decimal places."],
                }
            },
        ),
        (
            {"totals": {"cpus": 1, "cpu": 5}},
            {"totals": {"cpus": ["Unknown component type. Did you mean cpu?"]}},
        ),
        ({"notes": "x"}, {"notes": ["Unknown field. Did you mean note?"]}),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(
    world: World, body: dict[str, Any], error: dict[str, Any]
) -> None:
    facts = world.facts()
    answer = send(world, **body)
    assert (answer.status_code, answer.get_json()) == (400, error)
    assert world.facts() == facts


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 3),
        ({"offering_uuid": OFFERING}, 2),
        ({"provider_uuid": PROVIDER}, 3),
        ({"provider_uuid": OTHER_PROVIDER}, 0),
        ({"billing_period": "2026-10"}, 1),
        ({"matches": "true"}, 1),
        ({"matches": "false"}, 2),
    ],
)
def test_manifests_are_found_by_whose_they_are_and_how_they_stood(
    world: World, query: dict[str, str], found: int
) -> None:
    send(world, reports=0, resources=0, totals={})
    send(world, month="2026-10")
    send(world, offering=SECOND_OFFERING)
    rows = listed(world, **query)
    assert len(rows) == found
    assert [row["position"] for row in rows] == sorted((row["position"] for row in rows), reverse=True)


def test_pages_of_manifests_come_whole_as_files_too(world: World) -> None:
    world.report(usages=CPU_5)
    for number in range(3):
        send(world, reports=number)
    page = world.as_("staff").get(MANIFESTS, page_size=2)
    assert [row["reports"] for row in page.get_json()] == [2, 1]
    assert page.headers["X-Result-Count"] == "3"
    lines = world.as_("staff").get(MANIFESTS, format="ndjson").text.splitlines()
    assert len(lines) == 3


def test_a_closed_month_takes_manifests(world: World) -> None:
    world.report(usages=CPU_5)
    close(world)
    assert send(world, totals={"cpu": 5}).get_json()["matches"]
