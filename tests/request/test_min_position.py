"""`?min_position=`: waiting until an answer is new enough."""

from contextlib import ExitStack
from threading import Thread

import pytest
from werkzeug.test import TestResponse

from tests.request.freshness import MONTHLY, SCOPES, ask, etag_of, head_of, position_of
from tests.world import (
    USAGES,
    World,
    open_world,
)
from web.request.read_your_writes import TIMEOUT, WAITING


@pytest.fixture
def hurried(world: World) -> World:
    """A world that does not wait for long."""
    world.app.config[TIMEOUT] = 0.1
    return world


# min_position


def test_a_position_that_is_reached_changes_nothing(world: World, usage: str) -> None:
    staff = world.as_("staff")
    head = head_of(world)
    for wanted in (head, 1, 0, -5, -(10**17), "-1e30", "", f"{head}.0", f"{head}.9"):
        response = staff.get(USAGES, min_position=wanted)
        assert (response.status_code, response.data) == (200, staff.get(USAGES).data)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_position_that_is_not_reached_in_time_is_a_503(hurried: World, usage: str, method: str) -> None:
    head = head_of(hurried)
    response = ask(hurried.as_("staff"), f"{USAGES}?min_position={head + 1}", method=method)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert position_of(response) == head
    if method != "HEAD":
        detail = f"The ledger is at position {head}, and not at {head + 1} yet. Try again."
        assert response.get_json() == {"detail": detail}


@pytest.mark.parametrize("wanted", [10**9 + 1, 10**12])
def test_a_position_that_is_far_away_is_not_taken_for_a_nearer_one(hurried: World, wanted: int) -> None:
    response = hurried.as_("staff").get(USAGES, min_position=wanted)
    assert f"and not at {wanted} yet" in response.get_json()["detail"]


def test_where_many_wait_for_a_position_the_next_is_told_at_once_that_it_is_not_there(world: World) -> None:
    world.app.config[TIMEOUT] = 600
    head = head_of(world)
    with ExitStack() as stack:
        for _ in range(WAITING.size):
            stack.enter_context(WAITING.entered())
        response = world.as_("staff").get(USAGES, min_position=head + 1)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert world.as_("staff").get(USAGES, min_position=head).status_code == 200


def test_a_position_that_is_reached_while_one_waits_is_waited_for(world: World, world_url: str) -> None:
    world.app.config[TIMEOUT] = 30
    staff, head = world.as_("staff"), head_of(world)
    answers: list[TestResponse] = []
    with open_world(world_url) as other:
        waiting = Thread(target=lambda: answers.append(staff.get(USAGES, min_position=head + 2)))
        waiting.start()
        other.report(usages=[{"type": "cpu", "amount": 7}])
        waiting.join()
    (answer,) = answers
    assert answer.status_code == 200
    assert [row["usage"] for row in answer.get_json()] == ["7.00"]
    assert position_of(answer) >= head + 2


def test_a_client_that_reported_here_reads_its_figure_there(world: World, world_url: str) -> None:
    told = position_of(world.report(usages=[{"type": "cpu", "amount": 7}]))
    with open_world(world_url) as other:
        rows = other.as_("staff").get(USAGES, min_position=told).get_json()
    assert [row["usage"] for row in rows] == ["7.00"]


@pytest.mark.parametrize("value", ["x", "NaN", "Infinity", "1_0", "--1", "0x1"])
def test_a_position_that_is_no_number_is_refused(world: World, value: str) -> None:
    for path in (USAGES, MONTHLY, SCOPES[0]):
        response = world.as_("staff").get(path, min_position=value)
        assert (response.status_code, response.get_json()) == (400, {"min_position": ["Enter a number."]})


def test_who_is_unknown_does_not_wait(world: World) -> None:
    world.app.config[TIMEOUT] = 600
    response = world.anonymous.get(USAGES, min_position=10**8)
    assert response.status_code == 401


def test_a_tag_is_looked_at_once_the_position_is_reached(hurried: World, usage: str) -> None:
    staff, head = hurried.as_("staff"), head_of(hurried)
    etag = etag_of(staff, f"{USAGES}?min_position={head}")
    assert ask(staff, f"{USAGES}?min_position={head}", etag).status_code == 304
    assert ask(staff, f"{USAGES}?min_position={head + 1}", etag).status_code == 503


def test_the_links_of_a_page_keep_the_position(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 1}])
    head = head_of(world)
    response = world.as_("staff").get(USAGES, page_size=1, min_position=head)
    assert response.headers["Link"] == ", ".join(
        f'<http://localhost{USAGES}?min_position={head}&{query}>; rel="{rel}"'
        for rel, query in (
            ("first", "page_size=1"),
            ("next", "page=2&page_size=1"),
            ("last", "page=2&page_size=1"),
        )
    )
