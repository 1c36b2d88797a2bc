"""Following the journal: nothing is missed, nothing comes twice, and who waits is in nobody's way."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests.audit.reading import FEED, Event, as_lines, lines_of, stored
from tests.audit.test_feed_rights import make_auditor
from tests.request.freshness import head_of, position_of
from tests.support.waiting import wait_until
from tests.world import CONSUMER, OTHER_RESOURCE, RESOURCE, USAGES, World, open_world
from web.api.audit.events import STREAMS, WAITS
from web.limits.admission import Places, Room
from web.wire.audit.feed import LINES

WRITERS, REPORTS = 8, 12


def write(url: str, writer: int) -> None:
    """Reports from a server of its own: half of them are about a resource that others report of, too."""
    with open_world(url) as other:
        staff = other.client(other.token_of("staff"))
        for number in range(REPORTS):
            resource = RESOURCE if number % 2 else OTHER_RESOURCE
            item = {"type": "cpu", "amount": 100 * writer + number + 1}
            response = staff.post(f"{USAGES}set_usage/", {"resource": resource, "usages": [item]})
            assert response.status_code == 201, response.data


def follow(world: World, after: int, most: int) -> list[Event]:
    """Return what a reader reads in so many requests."""
    found: list[Event] = []
    for number in range(most):
        page = world.as_("staff").get(FEED, after=after, limit=1 + number % 5, wait=0.2).get_json()
        found += page
        after = int(page[-1]["id"]) if page else after
    return found


def test_a_reader_that_restarts_has_every_fact_once_while_eight_write(world: World, world_url: str) -> None:
    begin = head_of(world)
    read: list[Event] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, world_url, writer) for writer in range(WRITERS)]
        while not all(each.done() for each in writing):
            with open_world(world_url) as again:
                read += follow(again, int(read[-1]["id"]) if read else begin, 15)
        for each in writing:
            each.result()
    with open_world(world_url) as again:
        read += lines_of(as_lines(again.as_("staff"), after=read[-1]["id"]))
    facts = [(str(at), topic) for at, topic, _ in stored(world) if at > begin]
    assert [(each["id"], each["type"]) for each in read] == facts
    assert [topic for _, topic in facts].count("UsageReported") > WRITERS


def waiting(world: World, client: str, **query: object) -> tuple[Thread, list[TestResponse]]:
    """A reader that has begun to wait, and the answers that it gets."""
    answers: list[TestResponse] = []
    reader = world.as_(client)
    thread = Thread(target=lambda: answers.append(reader.get(FEED, **query)))
    thread.start()
    room: Room = world.app.config[WAITS]
    wait_until(lambda: room.used > 0)
    return thread, answers


def test_who_waits_is_answered_as_soon_as_there_is_a_fact(world: World, world_url: str) -> None:
    head = head_of(world)
    thread, answers = waiting(world, "staff", after=head, wait=30)
    began = time.monotonic()
    with open_world(world_url) as other:
        other.report(usages=[{"type": "cpu", "amount": 7}])
    thread.join()
    assert time.monotonic() - began < 15
    (answer,) = answers
    events = answer.get_json()
    assert int(events[0]["id"]) > head
    assert position_of(answer) >= int(events[-1]["id"])
    assert f"after={events[-1]['id']}&limit=100&wait=30>" in answer.headers["Link"]


@pytest.mark.parametrize("read", ["lines", "page"])
def test_who_waits_in_vain_is_told_that_there_is_nothing(world: World, read: str) -> None:
    head, began = head_of(world), time.monotonic()
    if read == "lines":
        assert as_lines(world.as_("staff"), after=head, wait="0.3").data == b""
    else:
        assert world.as_("staff").get(FEED, after=head, wait="0.3").get_json() == []
    assert time.monotonic() - began >= 0.3


def test_an_auditor_waits_for_facts_of_their_own(world: World) -> None:
    make_auditor(world, CONSUMER)
    head = head_of(world)
    thread, answers = waiting(world, "stranger", after=head, wait=30)
    world.report(resource=OTHER_RESOURCE, usages=[{"type": "cpu", "amount": 7}])
    world.report(usages=[{"type": "cpu", "amount": 8}])
    thread.join()
    events = answers[0].get_json()
    assert {each["data"].get("entity", each["data"])["resource_uuid"] for each in events} == {RESOURCE}


def test_where_many_wait_the_next_is_answered_at_once(world: World) -> None:
    head, room = head_of(world), world.app.config[WAITS]
    assert room.size == 8
    with ExitStack() as stack:
        for _ in range(room.size):
            stack.enter_context(room.entered())
        began = time.monotonic()
        assert world.as_("staff").get(FEED, after=head, wait=30).get_json() == []
        assert time.monotonic() - began < 15
    assert room.used == 0


def test_who_waits_leaves_the_only_place_to_others(world: World) -> None:
    world.configure(places=Places(count=1), feed_waits=1)
    thread, answers = waiting(world, "staff", after=head_of(world), wait=30)
    assert world.as_("support").get(USAGES).status_code == 200
    assert world.report(usages=[{"type": "cpu", "amount": 7}]).status_code == 201
    thread.join()
    assert len(answers[0].get_json()) >= 1


def test_who_takes_lines_slowly_leaves_the_only_place_to_others(world: World) -> None:
    world.configure(places=Places(count=1))
    headers = {"Authorization": world.as_("staff").authorization, "Accept": LINES}
    lines: Any
    lines, status, _ = run_wsgi_app(
        world.app, EnvironBuilder(path=FEED, headers=[*headers.items()]).get_environ()
    )
    room: Room = world.app.config[STREAMS]
    assert (status, room.used) == ("200 OK", 1)
    assert next(iter(lines)).startswith(b'{"specversion":"1.0",')
    assert world.as_("support").get(USAGES).status_code == 200
    lines.close()
    assert room.used == 0


def test_lines_are_sent_to_few_at_a_time(world: World) -> None:
    room: Room = world.app.config[STREAMS]
    with ExitStack() as stack:
        for _ in range(room.size):
            stack.enter_context(room.entered())
        response = as_lines(world.as_("staff"))
        assert (response.status_code, response.content_type) == (503, "application/json")
        assert world.as_("staff").get(FEED).status_code == 200
    assert as_lines(world.as_("staff")).status_code == 200
