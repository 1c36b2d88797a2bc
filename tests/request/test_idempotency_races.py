"""`Idempotency-Key`: requests with one key at once, and crashes."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

from werkzeug.test import TestResponse

from ledger.events import Report, RequestDecided
from ledger.handler import CommandHandler
from projections.fast.cache import VersionedCache
from projections.fast.position import KnownPosition
from projections.lookups.decision_state import PostgresReadModels
from tests.request.keys import KEY, REPORTS, SOME, is_replayed, post, set_usage, told
from tests.support.queueing import await_waiting, be_patient, locked
from tests.world import (
    World,
    open_world,
)

UNDER_WAY = {"detail": "A request with this Idempotency-Key is still under way. Send the same again later."}


def at_once(number: int, send: Any) -> list[TestResponse]:
    barrier = Barrier(number)

    def wait_and_send(place: int) -> TestResponse:
        barrier.wait()
        response: TestResponse = send(place)
        return response

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(wait_and_send, range(number)))


# Many at once


def test_of_fifty_with_one_key_and_one_body_one_is_done_and_all_are_told_the_same(
    world: World, world_url: str
) -> None:
    with open_world(world_url) as other:
        # Two ledgers on one database, as two worker processes have.
        clients = [world.as_("staff"), other.as_("staff")]
        responses = at_once(
            50,
            lambda place: clients[place % 2].send(
                "POST", REPORTS, json=SOME, headers={"Idempotency-Key": KEY}
            ),
        )
        assert len({told(response) for response in responses}) == 1
        assert responses[0].status_code == 201
        assert [is_replayed(response) for response in responses].count(False) == 1
        assert len(world.facts(Report)) == 2
        assert len(world.facts(RequestDecided)) == 1
        assert {row["type"]: row["usage"] for row in other.usages()} == {"cpu": "5.00", "gpu": "6.00"}


def test_of_many_with_one_key_and_two_bodies_one_body_is_done_and_the_other_is_refused(
    world: World, world_url: str
) -> None:
    with open_world(world_url) as other:
        clients = [world.as_("staff"), other.as_("staff")]

        def send(place: int) -> TestResponse:
            path, body = set_usage(place // 2 % 2 + 1)
            headers = {"Idempotency-Key": KEY}
            return clients[place % 2].send("POST", path, json=body, headers=headers)

        responses = at_once(20, send)
        assert len(world.facts(Report)) == 1
        (row,) = world.usages()
        done = int(float(row["usage"]))
        assert [response.status_code for response in responses] == [
            201 if place // 2 % 2 + 1 == done else 422 for place in range(20)
        ]


class Killed(PostgresReadModels):
    """The read side of a process that is killed when its facts are committed, and nobody was told."""

    def __init__(self, world: World) -> None:
        super().__init__(world.projector, VersionedCache())
        self.publish = self.kill

    def kill(self, known: KnownPosition) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def report_and_die(world_url: str, token: str) -> None:
    """In a process of its own."""
    with open_world(world_url) as world:
        world.app.extensions["usage-ledger"].handler = CommandHandler(world.ledger, Killed(world))
        headers = {"Idempotency-Key": KEY}
        world.client(token).send("POST", REPORTS, json=SOME, headers=headers)


# Crashes, and what is under way


def test_after_a_crash_between_append_and_answer_the_retry_is_told_what_was_to_be_told(
    world: World, world_url: str
) -> None:
    token = world.as_("staff").authorization.split()[1]
    process = multiprocessing.get_context("spawn").Process(target=report_and_die, args=(world_url, token))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    facts = world.facts()
    *_, last = facts
    assert isinstance(last, RequestDecided)
    retried = post(world, REPORTS, SOME)
    assert (retried.status_code, is_replayed(retried)) == (201, True)
    kept = [(each.uuid.hex if each.uuid else None, each.position) for each in last.outcomes]
    assert [(each["uuid"], each["position"]) for each in retried.get_json()["results"]] == kept
    assert world.facts() == facts
    assert {row["type"]: row["usage"] for row in world.usages()} == {"cpu": "5.00", "gpu": "6.00"}


def test_the_same_request_while_it_is_under_way_is_a_conflict_and_later_told_the_same(
    world: World, world_url: str
) -> None:
    be_patient(world, 0.05)
    first: list[TestResponse] = []
    client = world.as_("staff")
    with locked(world_url):
        headers = {"Idempotency-Key": KEY}
        thread = Thread(target=lambda: first.append(client.send("POST", REPORTS, json=SOME, headers=headers)))
        thread.start()
        await_waiting(world_url)
        meanwhile = post(world, REPORTS, SOME)
        assert (meanwhile.status_code, meanwhile.get_json()) == (409, UNDER_WAY)
    thread.join()
    assert (first[0].status_code, is_replayed(first[0])) == (201, False)
    later = post(world, REPORTS, SOME)
    assert (told(later), is_replayed(later)) == (told(first[0]), True)
    assert len(world.facts(Report)) == 2


def test_the_key_of_a_request_whose_turn_did_not_come_is_free(world: World, world_url: str) -> None:
    be_patient(world, 0.05)
    with locked(world_url):
        thread = Thread(target=lambda: world.report(usages=[{"type": "cpu", "amount": 1}]))
        world.as_("staff")
        thread.start()
        await_waiting(world_url)
        assert post(world, *set_usage(5)).status_code == 409
    thread.join()
    assert not is_replayed(post(world, *set_usage(6)))
