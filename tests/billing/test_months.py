"""Months that are closed: they take no reports, whoever sends them, until they are opened again."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from msgspec import structs

from ledger.decisions.requests import Decision
from ledger.events import BillingMonthDescribed, UsageReported, UserUsageReported
from projections.lookups.carry_over import left_out
from projections.rebuild import Rebuilt
from tests.billing.closing import CLOSED, MONTHS, change, close, listed, reopen
from tests.ledger.test_overtaken import overtake
from tests.projections.rebuilding import rebuild_of
from tests.support.queueing import REPORTS, of
from tests.world import (
    CATALOGUE,
    CONSUMER,
    CPU,
    NOW,
    OFFERING,
    OTHER_PROVIDER,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    as_lists,
    open_world,
    uid,
)
from web.commands.carry_over import carry_into
from web.importer.importer import import_lists
from web.importer.reading import StructureError
from web.wire.billing.bodies import NOT_BOTH, ONE_OF_BOTH
from web.wire.billing.months import NO_MONTH

CPU_5 = [{"type": "cpu", "amount": "5"}]


def amounts(world: World) -> list[Decimal]:
    return [fact.amount for fact in world.facts(UsageReported)]


@pytest.mark.parametrize("username", ["staff", "provider-owner", "offering-manager"])
@pytest.mark.parametrize("dated", [{}, {"date": "2026-11-02"}])
def test_a_closed_month_takes_no_report_in_words_that_agents_know(
    world: World, username: str, dated: dict[str, str]
) -> None:
    world.report(usages=CPU_5)
    assert close(world).status_code == 201
    refused = world.report(by=username, usages=[{"type": "cpu", "amount": "6"}], **dated)
    same = world.report(by=username, usages=CPU_5, **dated)
    assert (refused.status_code, refused.get_json()) == (same.status_code, same.get_json()) == (400, CLOSED)
    assert "backfilling past billing periods" in refused.text
    assert amounts(world) == [5]
    assert world.report(date="2026-10-05", usages=CPU_5).status_code == 201
    assert world.report(resource=SECOND_RESOURCE, usages=CPU_5).status_code == 201


def test_of_a_bulk_the_items_of_a_closed_month_are_refused(world: World) -> None:
    close(world)
    items = [of(RESOURCE, 1), of(RESOURCE, 2) | {"date": "2026-10-05T00:00:00Z"}]
    answer = world.as_("staff").post(f"{REPORTS}?atomic=false", items)
    assert [each["result"] for each in answer.get_json()["results"]] == ["refused", "created"]
    assert answer.get_json()["results"][0]["errors"] == CLOSED
    assert world.as_("staff").post(REPORTS, items).status_code == 400
    assert amounts(world) == [2]


def test_a_closed_month_takes_no_report_of_its_users(world: World) -> None:
    world.report(usages=CPU_5)
    (usage,) = world.usages()
    close(world)
    before = world.facts()
    for dated in ({}, {"date": "2026-11-02T00:00:00Z"}):
        refused = world.report_user(usage["uuid"], username="ann", usage=1, **dated)
        assert (refused.status_code, refused.get_json()) == (400, CLOSED)
    assert world.facts() == before
    other = world.report_user(usage["uuid"], username="ann", usage=1, date="2026-10-02T00:00:00Z")
    assert other.status_code == 201


def test_a_month_that_is_opened_again_takes_reports(world: World) -> None:
    close(world, note="Audited")
    opened = reopen(world, by="provider-owner", note="A report was late")
    assert opened.status_code == 201
    assert world.report(usages=CPU_5).status_code == 201
    (row,) = listed(world)
    assert (row["is_closed"], row["note"], row["figures_moved"]) == (False, "A report was late", None)
    assert row["changed_by"]["username"] == "provider-owner"
    again = close(world)
    assert (again.status_code, len(world.facts(BillingMonthDescribed))) == (201, 3)


def test_a_month_is_closed_while_a_report_is_decided(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        done = overtake(world, other, close, reads=2)
        refused = world.report(date="2026-11-10", usages=CPU_5)
        assert (refused.status_code, done) == (400, ["described"])
        assert amounts(world) == []


def test_a_provider_closes_the_month_of_all_its_offerings_and_again_changes_nothing(world: World) -> None:
    first = close(world, by="provider-owner", offering=SECOND_OFFERING)
    assert [row["offering_uuid"] for row in first.get_json()] == [SECOND_OFFERING]
    everything = close(world, by="provider-owner", provider=PROVIDER, note="November")
    assert everything.status_code == 201
    rows = everything.get_json()
    assert {row["offering_uuid"]: row["note"] for row in rows} == {OFFERING: "November", SECOND_OFFERING: ""}
    assert (rows, everything.headers["Ledger-Position"]) == (listed(world), str(rows[0]["position"]))
    facts = world.facts()
    for note in ("November", ""):
        again = close(world, provider=PROVIDER, note=note)
        assert (again.status_code, again.get_json()) == (200, rows)
    assert world.facts() == facts


def test_a_closed_month_is_not_closed_again_with_another_note(world: World) -> None:
    close(world, by="provider-owner", note="Audited")
    facts = world.facts()
    refused = close(world, note="Again")
    told = (
        "2026-11 is closed already, by provider-owner at 2026-11-15 12:00 UTC, with another note: to be"
        " closed with this one it has to be opened again first."
    )
    assert (refused.status_code, refused.get_json()) == (409, {"detail": told})
    assert close(world, note="Audited").status_code == 200
    assert world.facts() == facts
    assert close(world, provider=PROVIDER, note="Again").status_code == 201
    assert [row["note"] for row in listed(world, offering_uuid=OFFERING)] == ["Audited"]


def test_a_month_that_is_open_again_says_who_had_closed_it(world: World) -> None:
    close(world, note="Too early")
    reopen(world)
    closed = close(world, by="provider-owner", note="Audited").get_json()[0]["position"]
    reopen(world)
    (row,) = listed(world)
    assert (row["is_closed"], row["changed_by"]["username"], row["note"]) == (False, "staff", "")
    assert (row["closed_by"]["username"], row["closed_note"]) == ("provider-owner", "Audited")
    assert (row["closed_at"], row["closed_source"], row["source"]) == (NOW.isoformat(), "api", "api")
    (then,) = listed(world, as_of=closed - 1)
    assert (then["is_closed"], then["closed_by"]["username"], then["closed_note"]) == (
        *(False, "staff", "Too early"),
    )
    assert rebuild_of(world).run() == Rebuilt(is_live=True)
    assert listed(world) == [row]
    assert listed(world, as_of=closed - 1) == [then]


@pytest.mark.parametrize("month", ["2026-11", "2026-11-01"])
def test_a_month_is_named_as_people_write_it_or_as_answers_do(world: World, month: str) -> None:
    assert close(world, month=month).status_code == 201
    assert len(listed(world, billing_period=month)) == 1
    assert reopen(world, month=month).status_code == 201


@pytest.mark.parametrize("month", ["2026-11-15", "2026-1", "November", "0000-01", "2026-13"])
def test_months_of_no_month_are_not_listed(world: World, month: str) -> None:
    refused = world.as_("staff").get(MONTHS, billing_period=month)
    assert (refused.status_code, refused.get_json()) == (400, {"billing_period": [NO_MONTH]})


def test_what_users_had_that_moved_in_a_closed_month_is_counted_apart(world: World) -> None:
    world.report(usages=CPU_5)
    (usage,) = world.usages()
    for name in ("ann", "bob"):
        world.report_user(usage["uuid"], username=name, usage=2)
    close(world)
    (row,) = listed(world)
    assert (row["figures_moved"], row["user_figures_moved"]) == (0, 0)
    facts = world.facts(UserUsageReported)
    version = max(fact.originator_version for fact in facts) + 1
    moved = structs.replace(facts[0], originator_version=version, amount=Decimal(3))
    world.services.handler.execute(lambda _: Decision(None, [moved]))
    (now,) = listed(world)
    assert (now["figures_moved"], now["user_figures_moved"]) == (0, 1)
    assert listed(world, as_of=row["position"]) == [row]


ROW = {
    "offering_uuid": OFFERING,
    "offering_name": "Cluster",
    "provider_uuid": PROVIDER,
    "provider_name": "Provider",
    "billing_period": "2026-11-01",
    "is_closed": True,
    "changed_at": NOW.isoformat(),
    "source": "api",
    "note": "Audited",
    "closed_at": NOW.isoformat(),
    "closed_source": "api",
    "closed_note": "Audited",
    "figures_moved": 0,
    "user_figures_moved": 0,
}


def test_a_row_says_who_closed_the_month_when_and_what_has_moved_since(world: World) -> None:
    world.report(usages=CPU_5)
    world.report(resource=SECOND_RESOURCE, usages=CPU_5)
    close(world, by="provider-owner", note="Audited")
    (row,) = listed(world)
    who = {"uuid": uid(4), "username": "provider-owner", "id": row["changed_by"]["id"]}
    diff = f"/api/ledger/diff/?from={row['position']}&offering_uuid={OFFERING}&billing_period=2026-11-01"
    assert row == ROW | {"position": row["position"], "changed_by": who, "closed_by": who, "diff": diff}
    fact = world.facts(UsageReported)[0]
    moved = structs.replace(fact, originator_version=2, amount=Decimal(7), plan_amount=Decimal(7))
    world.app.extensions["usage-ledger"].handler.execute(lambda _: Decision(None, [moved]))
    (row,) = listed(world)
    assert row["figures_moved"] == 1
    path, _, query = row["diff"].partition("?")
    (difference,) = world.as_("staff").get(path, **dict(parse_qsl(query))).get_json()
    assert difference["delta"] == "2.00"
    assert listed(world, as_of=row["position"])[0]["figures_moved"] == 0
    assert listed(world, as_of=row["position"] - 1) == []
    assert rebuild_of(world).run() == Rebuilt(is_live=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 2),
        ({"offering_uuid": OFFERING}, 1),
        ({"provider_uuid": PROVIDER}, 2),
        ({"provider_uuid": OTHER_PROVIDER}, 0),
        ({"billing_period": "2026-10"}, 1),
        ({"is_closed": "true"}, 1),
        ({"is_closed": "false"}, 1),
    ],
)
def test_months_are_found_by_whose_they_are_and_how_they_stand(
    world: World, query: dict[str, str], found: int
) -> None:
    close(world)
    close(world, month="2026-10", offering=SECOND_OFFERING)
    reopen(world, month="2026-10", offering=SECOND_OFFERING)
    rows = listed(world, **query)
    assert len(rows) == found
    assert [row["billing_period"] for row in rows] == sorted(
        (row["billing_period"] for row in rows), reverse=True
    )


MAY_CLOSE = {"staff", "offering-manager", "provider-owner", "service-provider-manager"}
SEES_OFFERING = MAY_CLOSE | {"support"}


@pytest.mark.parametrize("user", [user["username"] for user in CATALOGUE["users"]])
def test_months_are_closed_by_those_who_report_there_and_nobody_else_learns_of_them(
    world: World, user: str
) -> None:
    facts = len(world.facts())
    answer = close(world, by=user)
    missing = change(world, "close", by=user, offering=uid(0xFFFF))
    assert (answer.status_code == 201) == (user in MAY_CLOSE)
    if user in MAY_CLOSE:
        assert reopen(world, by=user).status_code == 201
    else:
        assert len(world.facts()) == facts
        if user not in SEES_OFFERING:
            told = answer.text.replace(OFFERING, "it"), missing.text.replace(uid(0xFFFF), "it")
            assert told[0] == told[1]
            assert answer.status_code == missing.status_code
        close(world)
    assert len(listed(world, by=user)) == (user in SEES_OFFERING)


def test_an_auditor_sees_closed_months_and_closes_none(world: World) -> None:
    world.describe(
        user_roles=[
            {
                "uuid": uid(0x90),
                "user_uuid": uid(10),
                "role_name": "AUDITOR",
                "scope_type": "structure.customer",
                "scope_uuid": PROVIDER,
            }
        ]
    )
    assert close(world, by="stranger").status_code == 403
    assert close(world, by="stranger", provider=PROVIDER).status_code == 403
    close(world)
    assert len(listed(world, by="stranger")) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"month": "2026-13"}, {"month": [NO_MONTH]}),
        ({"month": "2026-11-02"}, {"month": [NO_MONTH]}),
        ({"month": "0000-01"}, {"month": [NO_MONTH]}),
        ({"month": 202611}, {"month": [NO_MONTH]}),
        ({"month": "2026-12"}, {"month": ["This month has not begun."]}),
        (
            {"provider": PROVIDER, "offering": OFFERING},
            {"offering": [NOT_BOTH], "provider": [NOT_BOTH]},
        ),
        ({"provider": "x"}, {"provider": ["Must be a valid UUID."]}),
        ({"notes": "x"}, {"notes": ["Unknown field. Did you mean note?"]}),
    ],
)
def test_what_is_wrong_with_a_month_is_named(
    world: World, body: dict[str, Any], error: dict[str, list[str]]
) -> None:
    facts = world.facts()
    answer = change(world, "close", **body)
    assert (answer.status_code, answer.get_json()) == (400, error)
    assert world.facts() == facts


def test_a_month_is_that_of_somebody(world: World) -> None:
    answer = world.as_("staff").post(f"{MONTHS}close/", {"month": "2026-11"})
    told = {"offering": [ONE_OF_BOTH], "provider": [ONE_OF_BOTH]}
    assert (answer.status_code, answer.get_json()) == (400, told)


@pytest.mark.parametrize("user", ["staff", "consumer-owner"])
@pytest.mark.parametrize("provider", [CONSUMER, uid(0xFFFF)])
def test_of_a_provider_nobody_learns_whether_it_is_there(world: World, user: str, provider: str) -> None:
    answer = close(world, by=user, provider=provider)
    told = {"provider": [f"Object with uuid={provider} does not exist."]}
    assert (answer.status_code, answer.get_json()) == (400, told)
    missing = close(world, by=user, offering=uid(0xFFFF))
    assert missing.get_json() == {"offering": [f"Object with uuid={uid(0xFFFF)} does not exist."]}


def test_a_month_that_is_not_closed_is_not_opened(world: World) -> None:
    refused = reopen(world)
    told = {"detail": "2026-11 is not closed here: it can only be closed."}
    assert (refused.status_code, refused.get_json()) == (409, told)
    assert world.facts(BillingMonthDescribed) == []


def test_nothing_is_carried_over_into_a_closed_month(world: World) -> None:
    policy = {"missing_usage_policy": "reuse"}
    for resource in (RESOURCE, SECOND_RESOURCE):
        world.report(resource=resource, date="2026-10-05", usages=[CPU_5[0] | policy])
    close(world)
    told: list[str] = []
    services = world.app.extensions["usage-ledger"]
    carried = carry_into(NOW.date().replace(day=1), services, lambda name, _: told.append(name))
    assert (carried, told) == (1, ["Second resource"])
    with services.deciding() as cursor:
        assert left_out(cursor, date(2026, 11, 1)) == 1
    reopen(world)
    with services.deciding() as cursor:
        assert left_out(cursor, date(2026, 11, 1)) == 0


USAGE = {
    "uuid": uid(0x700),
    "resource_uuid": RESOURCE,
    "component_uuid": CPU,
    "usage": "3.00",
    "billing_period": "2026-11-01",
    "date": "2026-11-05T00:00:00Z",
}


def test_an_import_brings_nothing_new_into_a_closed_month(world: World) -> None:
    lists = {"component_usages": [USAGE]}
    world.describe(**lists)
    close(world)
    facts = world.facts()
    world.describe(**lists)
    services = world.app.extensions["usage-ledger"]
    new = {"component_uuid": CATALOGUE["offering_components"][1]["uuid"], "uuid": uid(0x702)}
    with pytest.raises(StructureError, match=r"component_usages: There are new ones in 2026-11, which was"):
        import_lists(as_lists({"component_usages": [USAGE | new]}), services)
    user = {"uuid": uid(0x703), "component_usage_uuid": uid(0x700), "username": "ann", "usage": "1.00"}
    with pytest.raises(StructureError, match="component_user_usages: There are new ones in 2026-11"):
        import_lists(as_lists({"component_user_usages": [user]}), services)
    assert world.facts() == facts


def test_a_page_of_months_comes_in_its_order(world: World) -> None:
    for month in ("2026-09", "2026-10", "2026-11"):
        close(world, month=month, provider=PROVIDER)
    shown = [(row["billing_period"], UUID(row["offering_uuid"])) for row in listed(world, page_size=4)]
    assert shown == sorted(shown, key=lambda each: (each[0], -each[1].int), reverse=True)
    assert len(shown) == 4
    assert world.as_("staff").get(MONTHS, page_size=4).headers["X-Result-Count"] == "6"
