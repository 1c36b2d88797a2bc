"""`?as_of=`: what is refused, what the headers say, walks through pages, and who sees what of the past."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from tests.api.bulk import REPORTS
from tests.audit.asking import OF_NOW
from tests.request.freshness import MONTHLY, SCOPES, ask, etag_of, head_of, position_of
from tests.request.freshness import one_usage as one_usage
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)
from web.commands.audit.forget import forget

MALFORMED = {"as_of": ["Enter a position of the journal or an RFC 3339 time."]}
BEYOND = {"as_of": ["The journal has not got that far."]}
IN_THE_FUTURE = {"as_of": ["Must not be in the future."]}

STATISTICS = "/api/marketplace-stats/component_usages/"
PATHS = (USAGES, USER_USAGES, MONTHLY, STATISTICS, *SCOPES)


def with_as_of(path: str, as_of: object) -> str:
    return f"{path}{'&' if '?' in path else '?'}as_of={as_of}"


def amounts(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.text
    return [row["usage"] for row in response.get_json()]


def report(world: World, amount: float) -> int:
    """Report one figure, and return the position of that."""
    assert world.report(usages=[{"type": "cpu", "amount": amount}]).status_code == 201
    return head_of(world)


# What is refused


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_neither_position_nor_time_is_refused_everywhere(
    world: World, usage: str, path: str, method: str
) -> None:
    head = head_of(world)
    for value, refusal in (
        ("", MALFORMED),
        ("x", MALFORMED),
        ("-1", MALFORMED),
        ("2026-11-15T12:00:00", MALFORMED),
        (head + 1, BEYOND),
        ("9" * 30, BEYOND),
        ("2026-11-15T12:00:00.000001Z", IN_THE_FUTURE),
        ("9999-12-31T23:59:59Z", IN_THE_FUTURE),
    ):
        response = ask(world.as_("staff"), with_as_of(path, value), method=method)
        assert response.status_code == 400
        assert position_of(response) == head
        if method == "GET":
            assert response.get_json() == refusal


def test_single_objects_refuse_it_as_lists_do(world: World, usage: str) -> None:
    response = world.as_("staff").get(f"{USAGES}{usage}/", as_of="x")
    assert (response.status_code, response.get_json()) == (400, MALFORMED)


def test_who_is_unknown_is_told_nothing_of_it(world: World, usage: str) -> None:
    assert world.anonymous.get(USAGES, as_of="x").status_code == 401
    assert world.as_("stranger").get(STATISTICS, as_of="x").status_code == 403


def test_the_last_of_many_counts(world: World, usage: str) -> None:
    response = world.as_("staff").send("GET", f"{USAGES}?as_of=x&as_of=0")
    assert (response.status_code, response.get_json()) == (200, [])


def test_its_name_may_be_encoded(world: World, usage: str) -> None:
    staff = world.as_("staff")
    response = staff.send("GET", f"{USAGES}?as%5Fof=0")
    assert (position_of(response), response.get_json()) == (0, [])
    again = ask(staff, f"{USAGES}?as%5Fof=0", response.headers["ETag"])
    assert (again.status_code, position_of(again)) == (304, 0)


# What it stands for


def test_an_earlier_figure_is_read_by_its_position_and_by_its_time(world: World) -> None:
    staff = world.as_("staff")
    positions, times = [], []
    for amount in range(1, 4):
        world.now += timedelta(minutes=1)
        positions.append(report(world, amount))
        times.append(world.now)
    world.now += timedelta(minutes=1)
    for amount, position, time in zip(range(1, 4), positions, times, strict=True):
        for moment in (position, time.isoformat(), (time + timedelta(seconds=59)).isoformat()):
            response = staff.get(USAGES, as_of=moment)
            assert amounts(response) == [f"{amount}.00"]
            assert position_of(response) == position
    assert amounts(staff.get(USAGES, as_of=(times[0] - timedelta(microseconds=1)).isoformat())) == []
    assert amounts(staff.get(USAGES)) == ["3.00"]


def test_the_empty_world(world: World, usage: str) -> None:
    staff = world.as_("staff")
    for moment in (0, "1970-01-01T00:00:00Z"):
        for path in (USAGES, USER_USAGES, MONTHLY, STATISTICS, "/api/marketplace-provider-resources/"):
            response = staff.get(path, as_of=moment)
            assert (response.status_code, response.get_json(), position_of(response)) == (200, [], 0)
            assert response.headers["X-Result-Count"] == "0"
        for path in (f"{USAGES}{usage}/", *SCOPES, f"/api/marketplace-resources/{RESOURCE}/plan_periods/"):
            response = staff.send("GET", with_as_of(path, moment))
            assert (response.status_code, position_of(response)) == (404, 0)


def test_a_position_in_a_gap_is_that_of_the_fact_before(world: World) -> None:
    before = report(world, 1)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("SELECT setval('journal.ledger_events_notification_id_seq', %s)", [before + 5])
    behind = report(world, 2)
    staff = world.as_("staff")
    for asked in range(before, behind):
        response = staff.get(USAGES, as_of=asked)
        assert (amounts(response), position_of(response)) == (["1.00"], before)


def test_inside_of_a_bulk_request_only_its_first_items_are_there(world: World) -> None:
    items = [
        {"resource": RESOURCE, "type": name, "amount": amount}
        for name, amount in (("cpu", 1), ("gpu", 2), ("cpu", 3))
    ]
    before = head_of(world)
    response = world.as_("staff").post(REPORTS, items)
    assert response.status_code == 201
    found = [
        {row["type"]: row["usage"] for row in world.as_("staff").get(USAGES, as_of=at).get_json()}
        for at in range(before, head_of(world) + 1)
    ]
    assert found[0] == {}
    assert {"cpu": "1.00"} in found
    assert found[-1] == {"cpu": "3.00", "gpu": "2.00"}


@pytest.mark.parametrize(("zone", "label"), [("UTC", "Nov 2026"), ("Asia/Tokyo", "Dec 2026")])
def test_the_day_is_that_of_the_fact_in_the_zone_of_the_ledger(world_url: str, zone: str, label: str) -> None:
    with open_world(world_url, zone=zone) as world:
        world.now = world.now.replace(day=30, hour=20)
        position = report(world, 1)
        world.now += timedelta(days=50)
        report(world, 2)
        staff = world.as_("staff")
        for query, expected in (({"as_of": position}, label), ({}, "Jan 2027")):
            components = staff.get(SCOPES[0], **query).get_json()["components"]
            assert {row["current_period_label"] for row in components} == {expected}
        assert len(staff.get(STATISTICS, as_of=position).get_json()) == 1


# Headers


def test_the_tag_of_the_past_never_changes(world: World, usage: str) -> None:
    staff, position = world.as_("staff"), head_of(world)
    paths = [with_as_of(path, position) for path in (*PATHS, f"{USAGES}{usage}/")]
    paths.append(with_as_of("/api/marketplace-stats/resources_missing_usage/", position))
    paths.append(with_as_of(f"/api/marketplace-resources/{RESOURCE}/plan_periods/", position))
    before = {path: (etag_of(staff, path), ask(staff, path).data) for path in paths}
    assert len({tag for tag, _ in before.values()}) == len(paths)
    world.now += timedelta(days=40)
    report(world, 5)
    world.describe(projects=[{"uuid": PROJECT, "name": "Renamed", "customer_uuid": OTHER_CONSUMER}])
    for path in paths:
        assert (etag_of(staff, path), ask(staff, path).data) == before[path]
        for method in ("GET", "HEAD"):
            for tag in (before[path][0], f"W/{before[path][0]}", "*"):
                again = ask(staff, path, tag, method)
                assert (again.status_code, position_of(again), again.data) == (304, position, b"")
                assert again.headers["ETag"] == before[path][0]


def test_the_tag_of_the_past_is_not_that_of_the_present(world: World, usage: str) -> None:
    staff, position = world.as_("staff"), head_of(world)
    for path in PATHS:
        tag = etag_of(staff, path)
        assert ask(staff, with_as_of(path, position), tag).status_code == 200
        assert ask(staff, path, etag_of(staff, with_as_of(path, position))).status_code == 200


def test_the_tag_of_the_past_is_of_the_rights_of_now(world: World, usage: str) -> None:
    position = head_of(world)
    path = with_as_of(USAGES, position)
    tag = etag_of(world.as_("stranger"), path)
    grant(world, PROJECT)
    assert ask(world.as_("stranger"), path, tag).status_code == 200


def test_a_tag_of_a_time_is_that_of_what_it_stands_for(world: World, usage: str) -> None:
    staff, moment = world.as_("staff"), world.now.isoformat()
    world.now += timedelta(minutes=1)
    response = staff.get(USAGES, as_of=moment)
    report(world, 8)
    path = with_as_of(USAGES, moment.replace("+", "%2B"))
    assert ask(staff, path, response.headers["ETag"]).status_code == 304


def test_strict_requests_know_it_where_there_is_a_past(world: World, usage: str) -> None:
    staff = world.as_("staff")
    strict = {"Prefer": "handling=strict"}
    for path in PATHS:
        response = staff.send("GET", with_as_of(path, head_of(world)), headers=strict)
        assert response.status_code == 200
        assert "Ledger-Ignored" not in response.headers
    for path in OF_NOW:
        response = staff.send("GET", with_as_of(path, 0), headers=strict)
        assert (response.status_code, list(response.get_json())) == (400, ["as_of"])
    response = staff.get("/api/users/me/", as_of=0)
    assert (response.status_code, response.headers["Ledger-Ignored"]) == (200, "as_of")


def test_a_post_takes_no_notice_of_it(world: World) -> None:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 4}]}
    response = world.as_("staff").post(f"{USAGES}set_usage/?as_of=0", body)
    assert (response.status_code, response.headers["Ledger-Ignored"]) == (201, "as_of")
    assert position_of(response) == head_of(world)


def test_a_position_is_waited_for_before_the_past_is_looked_at(world: World, world_url: str) -> None:
    staff, head = world.as_("staff"), report(world, 1)
    answers: list[TestResponse] = []
    with open_world(world_url) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(staff.get, USAGES, min_position=head + 1, as_of=head + 1)
        report(other, 2)
        answers = [waiting.result(), staff.get(USAGES, min_position=head + 1, as_of=head)]
    assert [amounts(answer) for answer in answers] == [["2.00"], ["1.00"]]
    assert [position_of(answer) for answer in answers] == [head + 1, head]


def test_what_another_process_reported_can_be_asked_for_at_once(world: World, world_url: str) -> None:
    world.usages()
    with open_world(world_url) as other:
        position = report(other, 1)
    response = world.as_("staff").get(USAGES, as_of=position)
    assert (amounts(response), position_of(response)) == (["1.00"], position)


# Walks


def walked(world: World, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows, as the links lead from page to page."""
    rows, client = [], world.as_("staff")
    response = client.get(path, **query)
    while True:
        assert response.status_code == 200
        rows += response.get_json()
        links = [link.split("; ") for link in response.headers["Link"].split(", ")]
        following = [url.strip("<>") for url, relation in links if relation == 'rel="next"']
        if not following:
            return rows
        [url] = following
        assert f"as_of={query['as_of']}" in url
        response = client.send("GET", url.removeprefix("http://localhost"))


@pytest.mark.parametrize("order", ["", "usage", "-billing_period"])
def test_a_walk_shows_every_row_once_whatever_is_reported_meanwhile(world: World, order: str) -> None:
    for month in range(1, 11):
        usages = [{"type": name, "amount": month} for name in ("cpu", "gpu")]
        world.report(date=f"2026-{month:02}-05", usages=usages)
    position, done = head_of(world), Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            for resource in (RESOURCE, SECOND_RESOURCE):
                usages = [{"type": "cpu", "amount": 100 - number % 90}]
                world.report(resource=resource, date=f"2026-{number % 10 + 1:02}-07", usages=usages)
            projects = [{"uuid": PROJECT, "name": f"P{number}", "customer_uuid": CONSUMER}]
            world.describe(projects=projects)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            walks = [walked(world, USAGES, as_of=position, page_size=3, o=order) for _ in range(8)]
        finally:
            done.set()
        writing.result()
    assert head_of(world) > position + 20
    assert len({row["uuid"] for row in walks[0]}) == len(walks[0]) == 20
    assert all(walk == walks[0] for walk in walks)
    assert {row["project_name"] for row in walks[0]} == {"Project"}


# Who sees what


def grant(world: World, project: str, *, is_active: bool = True) -> None:
    """Make the stranger a member of a project, or no more."""
    role = {"uuid": uid(0x190), "user_uuid": uid(10), "role_name": "PROJECT.MEMBER"}
    role |= {"scope_type": "structure.project", "scope_uuid": project}
    world.describe(user_roles=[role | {"is_active": is_active}])


def test_a_role_of_now_sees_what_was_there_then(world: World) -> None:
    position, stranger = report(world, 1), world.as_("stranger")
    assert amounts(stranger.get(USAGES, as_of=position)) == []
    grant(world, PROJECT)
    assert amounts(stranger.get(USAGES, as_of=position)) == ["1.00"]
    grant(world, PROJECT, is_active=False)
    later = head_of(world)
    for moment in (position, later - 1, later):
        assert amounts(stranger.get(USAGES, as_of=moment)) == []


def test_what_has_moved_is_seen_by_whom_it_belonged_to_then(world: World) -> None:
    before = report(world, 1)
    resource = {"uuid": RESOURCE, "name": "Resource", "offering_uuid": OFFERING}
    world.describe(resources=[resource | {"project_uuid": SECOND_PROJECT}])
    after = head_of(world)
    member = world.as_("project-member")
    assert [amounts(member.get(USAGES, as_of=at)) for at in (before, after)] == [["1.00"], []]
    assert amounts(member.get(USAGES)) == []
    grant(world, SECOND_PROJECT)
    stranger = world.as_("stranger")
    assert [amounts(stranger.get(USAGES, as_of=at)) for at in (before, after)] == [[], ["1.00"]]
    (row,) = world.as_("consumer-owner").get(USAGES, as_of=before).get_json()
    assert row["project_uuid"] == PROJECT


def test_a_project_that_has_moved_is_seen_by_its_customer_of_then(world: World) -> None:
    before = report(world, 1)
    world.describe(projects=[{"uuid": PROJECT, "name": "Moved", "customer_uuid": OTHER_CONSUMER}])
    after = head_of(world)
    owner, path = world.as_("consumer-owner"), f"/api/marketplace-project-usage/{PROJECT}/components-usage/"
    assert [owner.get(path, as_of=at).status_code for at in (before, after)] == [200, 404]
    assert owner.get(path).status_code == 404
    assert [row["project_name"] for row in owner.get(USAGES, as_of=before).get_json()] == ["Project"]
    assert amounts(owner.get(USAGES, as_of=after)) == []


def test_the_statistics_of_an_offering_that_has_moved_are_for_its_provider_of_then(world: World) -> None:
    before = report(world, 1)
    offering = {"uuid": OFFERING, "name": "Cluster", "type": "Marketplace.Slurm"}
    world.describe(offerings=[offering | {"customer_uuid": OTHER_PROVIDER}])
    after = head_of(world)
    owner = world.as_("provider-owner")
    path = f"/api/marketplace-provider-offerings/{OFFERING}/component_stats/"
    assert [owner.get(path, as_of=at).status_code for at in (before, after)] == [200, 404]


def test_nothing_of_the_past_is_kept_for_the_present(world: World) -> None:
    stranger = world.as_("stranger")
    position = report(world, 1)
    grant(world, PROJECT)
    for _ in range(3):
        assert amounts(stranger.get(USAGES, as_of=0)) == []
        assert amounts(stranger.get(USAGES, as_of=position)) == ["1.00"]
        assert amounts(stranger.get(USAGES)) == ["1.00"]
    report(world, 2)
    assert amounts(stranger.get(USAGES, as_of=position)) == ["1.00"]
    assert amounts(stranger.get(USAGES)) == ["2.00"]
    assert world.report(by="offering-manager", usages=[{"type": "cpu", "amount": 9}]).status_code == 201


def test_who_was_forgotten_stays_forgotten_whatever_a_client_has_kept(world: World, usage: str) -> None:
    staff, before = world.as_("staff"), head_of(world)
    path = with_as_of(USER_USAGES, before)
    tag = etag_of(staff, path)
    assert [row["username"] for row in ask(staff, path).get_json()] == ["ann"]
    forget(world.services, "ann", "they asked")
    response = ask(staff, path, tag)
    assert (response.status_code, position_of(response)) == (200, before)
    assert [(row["username"], row["usage"]) for row in response.get_json()] == [("", "1.00")]
    assert ask(staff, path, response.headers["ETag"]).status_code == 304
    later = with_as_of(USER_USAGES, head_of(world))
    tag = etag_of(staff, later)
    report(world, 200)
    assert ask(staff, later, tag).status_code == 304


@pytest.mark.parametrize(
    "name", ["asof", "as-of", "AS_OF", "As Of", "as_off", "as_fo", "a_of", "as_of_", "as_at", "asOn"]
)
def test_a_misspelt_as_of_is_not_answered_with_what_is_now(world: World, name: str) -> None:
    answer = world.as_("staff").get(USAGES, **{name: "3"})
    assert (answer.status_code, answer.get_json()) == (
        400,
        {name: ["Unknown parameter. Did you mean as_of?"]},
    )
