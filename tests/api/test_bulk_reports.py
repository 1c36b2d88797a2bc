"""POST /api/ledger/reports/: many reports in one request."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from werkzeug.test import TestResponse

from ledger.events import PlanPeriodDescribed, Report, UsageReported
from tests.api.bulk import REPORTS, USER_URL, answer, of, of_user, refused, results, rows, send, shares, words
from tests.support.histories import OF_A_HISTORY, Item, histories, placed, twins
from tests.world import (
    BASIC,
    CPU,
    OFFERING_USER,
    OTHER_RESOURCE,
    PREMIUM,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)

SUMMARY = "/api/marketplace-component-usage-monthly/"


MAY_NOT = {"detail": "You do not have permission to perform this action."}


CLOSED = (
    "Service providers can only specify date for limit-based or prepaid billing components "
    "when backfilling past billing periods."
)


WHO_MAY = " Only staff may report past months of other components."


# Who may report


@pytest.mark.parametrize("by", ["support", "project-member", "consumer-owner"])
def test_who_may_not_report_is_told_so_item_by_item(world: World, by: str) -> None:
    response = send(world, [of("cpu", 1), of_user("ann", 1)], by=by, atomic="false")
    assert (response.status_code, results(response)) == (400, [refused(MAY_NOT)] * 2)
    assert world.facts(Report) == []


def test_a_resource_that_the_caller_may_not_see_is_not_there(world: World) -> None:
    unknown = {"resource": [f"Object with uuid={RESOURCE} does not exist."]}
    for by in ("stranger", "former-owner"):
        response = send(world, [of("cpu", 1), of_user("ann", 1)], by=by, atomic="false")
        assert (response.status_code, results(response)) == (400, [refused(unknown)] * 2)
    assert world.facts(Report) == []


def test_rights_are_of_each_items_own_offering(world: World) -> None:
    items = [
        of("cpu", 1),
        of("cpu", 2, resource=SECOND_RESOURCE),
        of_user("ann", 3, resource=OTHER_RESOURCE),
        of_user("ann", 4),
    ]
    response = send(world, items, by="offering-manager", atomic="false")
    assert words(response) == ["created", "refused", "refused", "created"]
    assert results(response)[1:3] == [
        refused({"resource": [f"Object with uuid={each} does not exist."]})
        for each in (SECOND_RESOURCE, OTHER_RESOURCE)
    ]
    owner = send(world, items, by="provider-owner", atomic="false")
    assert words(owner) == ["changed", "created", "refused", "unchanged"]


def test_a_usage_that_the_caller_may_not_see_is_not_there(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    (usage,) = world.usages()
    item = {"component_usage": usage["uuid"], "username": "ann", "usage": 1}
    unknown = {"component_usage": [f"Object with uuid={usage['uuid']} does not exist."]}
    assert results(send(world, [item], by="stranger")) == [refused(unknown)]
    assert results(send(world, [item], by="support")) == [refused(MAY_NOT)]
    assert results(send(world, [item], by="project-member")) == [refused(MAY_NOT)]
    assert words(send(world, [item], by="offering-manager")) == ["created"]


def test_nobody_reports_without_a_token(world: World) -> None:
    response = world.anonymous.post(REPORTS, [of("cpu", 1)])
    assert answer(response) == (401, {"detail": "Authentication credentials were not provided."})


def test_a_provider_does_not_report_into_a_closed_month_and_staff_does(world: World) -> None:
    items = [of("cpu", 1, date="2026-10-05"), of("gpu", 1, date="2026-10-05")]
    items += [of_user("ann", 1, date="2026-10-05"), of_user("ann", 1, type="gpu", date="2026-10-05")]
    response = send(world, items, by="offering-manager", atomic="false")
    closed = refused({"date": [CLOSED + WHO_MAY]})
    assert [results(response)[0], results(response)[2]] == [closed, closed]
    assert words(response) == ["refused", "created", "refused", "created"]
    assert words(send(world, items)) == ["created", "changed", "created", "unchanged"]


# Users


def test_a_user_is_reported_by_the_uuid_of_the_usage_and_a_date_leads_elsewhere(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    (usage,) = world.usages()
    by_uuid = {"component_usage": usage["uuid"], "username": "ann"}
    response = send(world, [{**by_uuid, "usage": 1}, {**by_uuid, "usage": 2, "date": "2026-09-30"}])
    assert words(response) == ["created", "created"]
    assert shares(world) == [("2026-09-01", "ann", "2.00"), ("2026-11-01", "ann", "1.00")]


def test_a_user_finds_the_usage_that_an_earlier_item_made(world: World) -> None:
    response = send(world, [of("cpu", 0), of_user("ann", 2), of_user("bob", 3), of("gpu", 1)])
    assert words(response) == ["created"] * 4
    cpu = next(row for row in world.usages() if row["type"] == "cpu")
    # The usage stood at zero, and takes what its first user has, and then no more.
    assert (cpu["uuid"], cpu["usage"]) == (results(response)[0]["uuid"], "2.00")
    assert {row["component_usage"] for row in world.user_usages()} == {
        f"http://localhost{USAGES}{cpu['uuid']}/"
    }


def test_an_undated_user_of_a_month_without_usage_makes_one_that_is_of_now(world: World) -> None:
    assert words(send(world, [of_user("ann", 2)], by="offering-manager")) == ["created"]
    (usage,) = world.usages()
    assert (usage["date"], usage["usage"]) == ("2026-11-15T12:00:00+00:00", "2.00")
    assert usage["description"] == "Created for user usage backfill"
    assert [fact.written_date for fact in world.facts(Report)] == [None, None]


def test_an_undated_user_is_never_late_wherever_the_ledger_is(world_url: str) -> None:
    # In Honolulu the month lasts ten hours longer than in UTC, by which a month is closed.
    with open_world(world_url, zone="Pacific/Honolulu") as world:
        world.now = world.now.replace(month=12, day=1, hour=3)
        assert words(send(world, [of("cpu", 5), of_user("ann", 2)], by="offering-manager")) == ["created"] * 2
        assert rows(world) == [(RESOURCE, "cpu", "2026-11-01", "5.00")]
        assert shares(world) == [("2026-11-01", "ann", "2.00")]


def describe_limit(world: World) -> None:
    limit = {"uuid": uid(0x51), "resource_uuid": RESOURCE, "component_uuid": CPU, "limit": 10}
    world.describe(component_user_usage_limits=[{**limit, "offering_user_uuid": OFFERING_USER}])


@pytest.mark.parametrize("first", [of("cpu", 50), of_user("eve", 50)])
def test_the_limit_of_a_user_holds_for_all_items_of_a_request(world: World, first: dict[str, Any]) -> None:
    describe_limit(world)
    users = [
        of_user("ann", 6, user=USER_URL),
        of_user("bob", 5, user=USER_URL),
        of_user("bob", 4, user=USER_URL),
        of_user("joe", 7),
    ]
    response = send(world, [first, *users], atomic="false")
    message = "Usage limit exceeded. Maximum allowed: 10.00, current usage: 6.00, additional: 5.00."
    assert results(response)[2] == refused({"non_field_errors": [message]})
    assert words(response) == ["created", "created", "refused", "created", "created"]


def test_the_limit_of_a_user_holds_from_one_request_to_the_next(world: World) -> None:
    describe_limit(world)
    assert words(send(world, [of("cpu", 50), of_user("ann", 6, user=USER_URL)])) == ["created", "created"]
    message = "Usage limit exceeded. Maximum allowed: 10.00, current usage: 6.00, additional: 5.00."
    expected = refused({"non_field_errors": [message]})
    assert results(send(world, [of_user("bob", 5, user=USER_URL)])) == [expected]
    usage_uuid = world.usages()[0]["uuid"]
    single = world.report_user(usage_uuid, username="bob", usage=5, user=USER_URL)
    assert answer(single) == (400, expected["errors"])


# Plans


def test_the_first_of_many_reports_says_the_plan_period_for_all(world: World) -> None:
    response = send(world, [of("cpu", 1), of("gpu", 2), of("cpu", 3)])
    assert words(response) == ["created", "created", "changed"]
    (period,) = world.facts(PlanPeriodDescribed)
    assert {fact.plan_period_uuid for fact in world.facts(UsageReported)} == {period.entity.uuid}
    assert send(world, [of("setup", 1)]).status_code == 201
    assert len(world.facts(PlanPeriodDescribed)) == 1


def test_a_refused_atomic_request_leaves_no_plan_period_either(world: World) -> None:
    assert send(world, [of("cpu", 1), of("fee", 1)]).status_code == 400
    assert world.facts(PlanPeriodDescribed) == []
    assert send(world, [of("cpu", 1)]).status_code == 201
    assert len(world.facts(PlanPeriodDescribed)) == 1


def test_several_plans_of_a_month_share_its_total(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    periods = [
        {"uuid": uid(0x61), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": switch},
        {"uuid": uid(0x62), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM, "start": switch},
    ]
    world.describe(resource_plan_periods=periods)
    by_period = {"type": "cpu", "amount": 40, "plan_period": uid(0x61)}
    items = [of("cpu", 30, date="2026-11-09"), of("cpu", 50, date="2026-11-12"), by_period]
    response = send(world, items)
    assert words(response) == ["created", "created", "changed"]
    basic, premium, again = (each["uuid"] for each in results(response))
    assert basic == again
    assert {row["uuid"]: row["usage"] for row in world.usages()} == {basic: "20.00", premium: "20.00"}


def streams(world: World) -> Iterator[tuple[UUID, list[int]]]:
    versions: dict[UUID, list[int]] = {}
    for fact in world.facts(Report):
        versions.setdefault(fact.originator_id, []).append(fact.originator_version)
    yield from versions.items()


# Every report of a request is one of the facts


def test_versions_of_records_go_on_without_a_gap(world: World) -> None:
    for amount in (1, 2):
        assert (
            send(world, [of("cpu", amount), of_user("ann", amount), of_user("bob", amount)]).status_code
            == 201
        )
    assert [versions for _, versions in streams(world)] == [[1, 2, 3, 4, 5, 6]]


# The same as one by one


@pytest.mark.parametrize("by", ["staff", "offering-manager"])
def test_a_bulk_request_leads_to_what_the_same_reports_lead_to_one_by_one(
    by: str, server: str, world_database: Callable[[], AbstractContextManager[str]]
) -> None:
    with twins(server, world_database()) as (bulk, single):
        numbers = count()

        @OF_A_HISTORY
        @given(histories)
        def check(history: list[Item]) -> None:
            items = placed(history, next(numbers))
            told = [summed_up(each) for each in results(send(bulk, items, by=by, atomic="false"))]
            assert told == [report_alone(single, item, by) for item in items]
            resources = {item["resource"] for item in items}
            assert all_of(bulk, resources) == all_of(single, resources)

        check()


def summed_up(result: dict[str, Any]) -> Any:
    """Of a result what the single endpoints tell, too: all but who may report what was refused."""
    errors = result.get("errors", "stored")
    return {"date": [CLOSED]} if errors == {"date": [CLOSED + WHO_MAY]} else errors


def report_alone(world: World, item: Item, by: str) -> Any:
    """Sends an item of a bulk report to the single endpoint for it. Returns what a result would say."""
    if "username" not in item:
        about = {name: item[name] for name in ("resource", "date") if name in item}
        usage = {name: item[name] for name in item if name not in about}
        status, body = answer(world.report(by=by, usages=[usage], **about))
        if status == 400 and "usages" in body:
            (body,) = body["usages"]
    else:
        status, body = answer(report_user_alone(world, item, by))
    assert (status == 201) == (body is None)
    return "stored" if body is None else body


def report_user_alone(world: World, item: Item, by: str) -> TestResponse:
    """Addresses the month's usage, or that of September with a date that leads from there to the month."""
    month = str(item.get("date", "2026-11-15"))[:7]
    of = {"resource_uuid": item["resource"], "type": item["type"]}
    usages = world.usages(**of, billing_period=f"{month}-01", page_size=300)
    share = {name: item[name] for name in item if name not in of and name not in ("resource", "type")}
    if usages:
        addressed = oldest(world, [usage["uuid"] for usage in usages])
    else:
        (september,) = world.usages(**of, billing_period="2026-09-01")
        addressed = september["uuid"]
        share.setdefault("date", world.now.isoformat())
    return world.report_user(addressed, by=by, **share)


def oldest(world: World, uuids: list[str]) -> str:
    """That of the component usages of a month that an undated report of a user is about."""
    with world.services.reading() as cursor:
        rows = cursor.execute(
            "SELECT uuid FROM component_usage WHERE uuid = ANY(%s::uuid[]) ORDER BY id LIMIT 1", [uuids]
        )
        (row,) = rows.fetchall()
    uuid: UUID = row["uuid"]
    return uuid.hex


def all_of(world: World, resources: set[str]) -> list[Any]:
    """All that reads show of some resources, and how many facts there are in all."""
    staff = world.as_("staff")
    paths = (USAGES, USER_USAGES)
    return [
        len(world.facts()),
        staff.get(SUMMARY, start="", page_size=300).get_json(),
        *(
            staff.get(path, resource_uuid=resource, page_size=300).get_json()
            for path in paths
            for resource in sorted(resources)
        ),
    ]


def test_lines_that_come_in_chunks_are_refused_as_a_cut_would_not_show(world: World) -> None:
    line = b'{"resource": "%s", "type": "cpu", "amount": 1}\n' % RESOURCE.encode()
    response = world.as_("staff").send(
        "POST",
        REPORTS,
        data=line,
        content_type="application/x-ndjson",
        headers={"Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 411
    assert world.usages() == []
