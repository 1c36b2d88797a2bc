"""Whether all that is expected of a month is there, and what somebody should look at."""

from datetime import date
from typing import Any

import pytest

from projections.rebuild import Rebuilt
from tests.api.monthly import entity
from tests.billing.closing import close
from tests.billing.correcting import applied, item
from tests.billing.sending import OTHER, send
from tests.projections.rebuilding import rebuild_of
from tests.world import (
    BASIC,
    CATALOGUE,
    CPU,
    NOW,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROVIDER,
    PREMIUM,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    uid,
)
from web.commands.carry_over import carry_into
from web.wire.billing.months import NO_MONTH

COMPLETENESS = "/api/ledger/completeness/"
FIGURES = f"{COMPLETENESS}figures/"
NOVEMBER = {"billing_period": "2026-11"}

ID = ("uuid", "name")


def cpu(amount: object, **more: str) -> list[dict[str, Any]]:
    return [{"type": "cpu", "amount": amount, **more}]


def told(world: World, by: str = "staff", **query: Any) -> dict[str, dict[str, Any]]:
    """Return the rows of November by offering, unless told otherwise."""
    rows = world.as_(by).get(COMPLETENESS, **NOVEMBER | query).get_json()
    return {row["offering_uuid"]: row for row in rows}


def of_offering(world: World, **query: Any) -> dict[str, Any]:
    return told(world, offering_uuid=OFFERING, **query)[OFFERING]


def figures(world: World, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = world.as_("staff").get(FIGURES, **NOVEMBER | query).get_json()
    return rows


def suspected(world: World, **query: Any) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["usage"], row["compared_with"]) for row in figures(world, **query)]


ROW = {
    "offering_uuid": OFFERING,
    "offering_name": "Cluster",
    "provider_uuid": PROVIDER,
    "provider_name": "Provider",
    "billing_period": "2026-11-01",
    "resources_expected": 1,
    "resources_reported": 1,
    "resources_silent": 0,
    "carried_over": 0,
    "manifests": 0,
    "manifests_holding": 0,
    "last_manifest": None,
    "fell": 0,
    "jumped": 0,
    "differs_from_users": 0,
    "is_closed": False,
    "is_complete": True,
}


def test_a_month_is_complete_once_no_resource_is_silent(world: World) -> None:
    before = world.projector.catch_up()
    world.report(usages=cpu(5))
    assert of_offering(world) == ROW
    silent = {"resources_reported": 0, "resources_silent": 1, "is_complete": False}
    assert of_offering(world, as_of=before) == ROW | silent
    second = {"offering_uuid": SECOND_OFFERING, "offering_name": "Cloud"}
    assert told(world)[SECOND_OFFERING] == ROW | silent | second
    world.describe(resources=[entity("resources", RESOURCE, uuid=OTHER, name="Other")])
    missing = {"resources_expected": 2, "resources_silent": 1, "is_complete": False}
    assert of_offering(world) == ROW | missing
    position = world.projector.catch_up()
    world.report(resource=OTHER, usages=cpu(1))
    assert of_offering(world) == ROW | {"resources_expected": 2, "resources_reported": 2}
    assert of_offering(world, as_of=position) == ROW | missing


def test_what_came_after_the_month_or_has_ended_is_not_expected_in_it(world: World) -> None:
    changes: list[dict[str, Any]] = [
        *({"created": "2026-12-01T00:00:00Z"}, {"state": 6}),
        {"created": "2026-11-30T23:59:59Z"},
    ]
    for number, change in enumerate(changes):
        new = {"uuid": uid(0x14 + number), "name": f"Other {number}"}
        world.describe(resources=[entity("resources", RESOURCE, **new, **change)])
    world.report(usages=cpu(5))
    row = of_offering(world)
    assert (row["resources_expected"], row["resources_silent"]) == (2, 1)
    then = of_offering(world, as_of=world.projector.catch_up())
    assert then == row
    assert of_offering(world, billing_period="2026-11-01") == row
    assert told(world, billing_period="2025-12") == {}


def test_an_offering_without_usage_is_told_of_where_somebody_says_that_there_is_some(world: World) -> None:
    assert told(world, billing_period="2025-12") == {}
    sent = send(world, month="2025-12").get_json()
    row = of_offering(world, billing_period="2025-12")
    assert (row["resources_expected"], row["is_complete"]) == (0, False)
    last = {"position": sent["position"], "sent_at": NOW.isoformat(), "sent_by": sent["sent_by"]}
    assert row["last_manifest"] == last | {"still_holds": False}
    assert told(world, billing_period="2025-12", as_of=sent["position"] - 1) == {}


def test_the_last_manifest_has_to_hold(world: World) -> None:
    world.report(usages=cpu(5))
    send(world, by="provider-owner")
    row = of_offering(world)
    assert (row["manifests"], row["manifests_holding"], row["is_complete"]) == (1, 1, True)
    assert row["last_manifest"]["sent_by"]["username"] == "provider-owner"
    world.report(usages=cpu(6))
    row = of_offering(world)
    assert (row["manifests"], row["manifests_holding"], row["is_complete"]) == (1, 0, False)
    position = send(world, totals={"cpu": 6}).get_json()["position"]
    row = of_offering(world)
    assert (row["manifests"], row["manifests_holding"], row["is_complete"]) == (2, 1, True)
    assert row["last_manifest"]["position"] == position
    send(world)
    row = of_offering(world)
    assert (row["manifests_holding"], row["last_manifest"]["still_holds"]) == (1, False)
    then = of_offering(world, as_of=position)
    assert (then["manifests"], then["manifests_holding"], then["is_complete"]) == (2, 1, True)


def test_a_closed_month_is_told_to_be_so(world: World) -> None:
    world.report(usages=cpu(5))
    close(world, month="2026-10")
    assert not of_offering(world)["is_closed"]
    close(world)
    assert of_offering(world)["is_closed"]
    assert not of_offering(world, as_of=world.projector.catch_up() - 1)["is_closed"]


def test_figures_that_were_carried_over_are_counted(world: World) -> None:
    world.report(date="2026-10-05", usages=cpu(5, missing_usage_policy="reuse"))
    carry_into(date(2026, 11, 1), world.services, lambda _name, _usage: None)
    assert of_offering(world) == ROW | {"carried_over": 1}
    assert of_offering(world, billing_period="2026-10") == ROW | {"billing_period": "2026-10-01"}
    world.report(usages=cpu(4))
    assert of_offering(world) == ROW  # what was only assumed did not fall
    world.report(usages=cpu(3))
    assert suspected(world) == [("fell", "3.00", "4.00")]


def test_a_figure_fell_if_a_report_once_said_more(world: World) -> None:
    for amount in (5, 9, "8.99"):
        world.report(usages=cpu(amount))
    row = of_offering(world)
    assert (row["fell"], row["is_complete"]) == (1, False)
    assert suspected(world) == [("fell", "8.99", "9.00")]
    position = world.projector.catch_up()
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=uid(0xA2))])
    assert suspected(world) == [("fell", "8.99", "9.00")]
    world.report(usages=cpu(9))
    assert of_offering(world) == ROW
    assert suspected(world, as_of=position) == [("fell", "8.99", "9.00")]
    assert suspected(world, as_of=position - 1) == []
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    assert suspected(world, as_of=position) == [("fell", "8.99", "9.00")]


def test_a_correction_lets_no_figure_fall_and_later_reports_are_compared_with_it(world: World) -> None:
    for amount in (9, 7):
        world.report(date="2026-10-05", usages=cpu(amount))
    october = {"billing_period": "2026-10"}
    assert suspected(world, **october) == [("fell", "7.00", "9.00")]
    fallen = world.projector.catch_up()
    applied(world, item("5"))
    assert of_offering(world, **october)["fell"] == 0
    world.report(date="2026-10-05", usages=cpu("5.50"))
    assert suspected(world, **october) == []
    world.report(date="2026-10-05", usages=cpu(5))
    assert suspected(world, **october) == [("fell", "5.00", "5.50")]
    assert suspected(world, **october, as_of=fallen) == [("fell", "7.00", "9.00")]
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=uid(0xA2))])
    assert suspected(world, **october) == [("fell", "5.00", "5.50")]


@pytest.mark.parametrize(
    ("before", "amount", "jump", "is_found"),
    [
        ("0.50", "5.00", {}, False),
        ("0.50", "5.01", {}, True),
        ("0", "1000", {}, False),
        (None, "1000", {}, False),
        ("2", "3", {"jump": "1.5"}, False),
        ("2", "3.01", {"jump": "1.5"}, True),
    ],
)
def test_a_figure_jumped_if_it_is_more_than_so_many_times_that_of_the_month_before(
    world: World, before: str | None, amount: str, jump: dict[str, str], is_found: bool
) -> None:
    world.report(date="2026-09-05", usages=cpu("0.01"))
    if before is not None:
        world.report(date="2026-10-05", usages=cpu(before))
    world.report(usages=cpu(amount))
    row = of_offering(world, **jump)
    assert (row["jumped"], row["is_complete"]) == (int(is_found), not is_found)
    assert [row["kind"] for row in figures(world, **jump)] == ["jumped"] * is_found


def test_what_jumps_is_the_sum_over_all_plans(world: World) -> None:
    world.report(date="2026-10-05", usages=cpu(1))
    plans = [(0x98, BASIC, "2026-10-01", "2026-11-10"), (0x99, PREMIUM, "2026-11-10", None)]
    world.describe(
        resource_plan_periods=[
            {"uuid": uid(number), "resource_uuid": RESOURCE, "plan_uuid": plan}
            | {"start": f"{start}T00:00:00Z", "end": end and f"{end}T00:00:00Z"}
            for number, plan, start, end in plans
        ]
    )
    world.report(date="2026-11-05", usages=cpu(6))
    world.report(date="2026-11-12", usages=cpu(11))
    assert sorted(row["usage"] for row in world.usages(billing_period="2026-11-01")) == ["5.00", "6.00"]
    assert suspected(world) == [("jumped", "11.00", "1.00")]
    assert of_offering(world)["jumped"] == 1


def test_a_figure_differs_from_its_users_if_it_is_not_their_sum(world: World) -> None:
    world.report(usages=cpu(5))
    (usage,) = world.usages()
    assert of_offering(world) == ROW
    world.report_user(usage["uuid"], username="ann", usage=3)
    alone = world.projector.catch_up()
    assert of_offering(world) == ROW | {"differs_from_users": 1, "is_complete": False}
    world.report_user(usage["uuid"], username="bob", usage=2)
    assert of_offering(world) == ROW
    assert suspected(world, as_of=alone) == [("differs_from_users", "5.00", "3.00")]
    world.report(usages=cpu("5.01"))
    assert suspected(world) == [("differs_from_users", "5.01", "5.00")]


def test_a_figure_is_told_with_all_that_somebody_needs_to_act(world: World) -> None:
    world.report(date="2026-10-05", usages=cpu("0.1"))
    world.report(usages=cpu(5))
    world.report(usages=cpu("4.5"))
    (usage,) = world.usages(billing_period="2026-11-01")
    position = world.projector.catch_up()
    owners = [f"{of}_{what}" for of in ("resource", "offering", "project", "customer") for what in ID]
    same = [*owners, "uuid", "type", "name", "measured_unit", "usage", "billing_period"]
    row = {name: usage[name] for name in same} | {"position": position}
    assert figures(world) == [
        row | {"kind": "fell", "compared_with": "5.00", "delta": "-0.50"},
        row | {"kind": "jumped", "compared_with": "0.10", "delta": "4.40"},
    ]
    assert usage["uuid"] in world.as_("staff").get(FIGURES, **NOVEMBER, format="csv").text


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({}, ["differs_from_users", "fell", "jumped"]),
        ({"kind": "fell"}, ["fell"]),
        ({"kind": "jumped"}, ["jumped"]),
        ({"kind": "differs_from_users"}, ["differs_from_users"]),
        ({"offering_uuid": OFFERING}, ["differs_from_users", "fell", "jumped"]),
        ({"offering_uuid": SECOND_OFFERING}, []),
        ({"provider_uuid": PROVIDER, "page_size": 2}, ["differs_from_users", "fell"]),
        ({"provider_uuid": OTHER_PROVIDER}, []),
        ({"billing_period": "2026-10"}, []),
    ],
)
def test_figures_are_found_by_month_offering_and_kind(
    world: World, query: dict[str, Any], kinds: list[str]
) -> None:
    world.report(date="2026-10-05", usages=cpu("0.1"))
    for amount in (5, 4):
        world.report(usages=cpu(amount))
    (usage,) = world.usages(billing_period="2026-11-01")
    world.report_user(usage["uuid"], username="ann", usage=1)
    assert [row["kind"] for row in figures(world, **query)] == kinds


def test_offerings_come_by_name_in_pages_and_as_files(world: World) -> None:
    assert list(told(world)) == [SECOND_OFFERING, OFFERING, OTHER_OFFERING]
    assert list(told(world, provider_uuid=PROVIDER)) == [SECOND_OFFERING, OFFERING]
    page = world.as_("staff").get(COMPLETENESS, **NOVEMBER, page_size=1, page=2)
    assert [row["offering_uuid"] for row in page.get_json()] == [OFFERING]
    assert page.headers["X-Result-Count"] == "3"
    lines = world.as_("staff").get(COMPLETENESS, **NOVEMBER, format="ndjson").text.splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize("path", [COMPLETENESS, FIGURES])
@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"billing_period": ""}, {"billing_period": ["This field is required."]}),
        ({"billing_period": "2026"}, {"billing_period": [NO_MONTH]}),
        ({"billing_period": "2026-11-02"}, {"billing_period": [NO_MONTH]}),
        ({"billing_period": "2026-12"}, {"billing_period": ["This month has not begun."]}),
        ({"billing_period": "0001-01"}, {"billing_period": [NO_MONTH]}),
        *(
            ({"jump": value}, {"jump": ["Enter a number above 1, and up to 1000000000."]})
            for value in ("1", "x", "-3", "NaN", "1e10", "1_0", "inf")
        ),
        ({"offering_uuid": "x"}, {"offering_uuid": ["Enter a valid UUID."]}),
        ({"jumps": "3"}, {"jumps": ["Unknown parameter. Did you mean jump?"]}),
    ],
)
def test_what_is_wrong_with_a_question_is_named(
    world: World, path: str, query: dict[str, str], error: dict[str, list[str]]
) -> None:
    answer = world.as_("staff").get(path, **NOVEMBER | query)
    assert (answer.status_code, answer.get_json()) == (400, error)


def test_a_kind_that_there_is_not_is_refused(world: World) -> None:
    answer = world.as_("staff").get(FIGURES, **NOVEMBER, kind="rose")
    assert answer.status_code == 400
    assert "There are fell, jumped, differs_from_users." in answer.get_json()["kind"][0]
    assert world.as_("staff").get(COMPLETENESS, **NOVEMBER, kind="fell").status_code == 400


SEES_OFFERING = {"staff", "support", "offering-manager", "provider-owner", "service-provider-manager"}


@pytest.mark.parametrize("user", [user["username"] for user in CATALOGUE["users"]])
def test_completeness_is_for_those_who_report_there(world: World, user: str) -> None:
    for amount in (5, 4):
        world.report(usages=cpu(amount))
    world.report(resource=SECOND_RESOURCE, usages=cpu(4))
    rows = told(world, by=user)
    assert (OFFERING in rows) == (user in SEES_OFFERING)
    assert (OTHER_OFFERING in rows) == (user in {"staff", "support"})
    assert (SECOND_OFFERING in rows) == (user in SEES_OFFERING - {"offering-manager"})
    found = world.as_(user).get(FIGURES, **NOVEMBER).get_json()
    assert [row["resource_uuid"] for row in found] == [RESOURCE] * (user in SEES_OFFERING)


def test_an_auditor_sees_what_is_missing(world: World) -> None:
    world.describe(
        user_roles=[
            {"uuid": uid(0x90), "user_uuid": uid(10), "role_name": "AUDITOR"}
            | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}
        ]
    )
    assert list(told(world, by="stranger")) == [SECOND_OFFERING, OFFERING]


def test_every_reported_component_counts_not_those_without_usage(world: World) -> None:
    world.describe(offering_components=[entity("offering_components", CPU, billing_type="fixed")])
    assert OFFERING not in told(world)
    world.report(usages=[{"type": "gpu", "amount": 1}])
    assert of_offering(world)["resources_reported"] == 1
