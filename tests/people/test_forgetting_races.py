"""Somebody is forgotten while others report of them, and while read models are rebuilt."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from uuid import UUID

import psycopg
import pytest

from ledger.events import PersonForgotten, UserUsageReported
from projections.rebuild import Rebuild, Rebuilt
from tests.people.naming import REASON, WILMA, forget_wilma, name_wilma, person_named, places_of
from tests.world import USAGES, World, open_world
from web.commands.audit.forget import ForgetError, forget

ROUNDS = 5
REPORTERS = 4


@pytest.fixture(name="processes")
def two_processes(world: World, world_url: str) -> Iterator[list[World]]:
    """Two ledgers on one database, as two server processes have."""
    with ExitStack() as stack:
        yield [world, stack.enter_context(open_world(world_url))]


def people_in(world: World) -> dict[UUID, set[str | None]]:
    """The names that user usages have, by person."""
    names: dict[UUID, set[str | None]] = {}
    with psycopg.connect(world.conninfo) as connection:
        for person, username in connection.execute("SELECT person, username FROM read_models.user_usage"):
            names.setdefault(person, set()).add(username)
    return names


def test_a_report_under_way_is_of_the_old_person_or_of_a_new_one(processes: list[World]) -> None:
    world = processes[0]
    world.report(usages=[{"type": "cpu", "amount": 100}, {"type": "gpu", "amount": 100}])
    usages = [row["uuid"] for row in world.usages()]
    clients = [each.as_("staff") for each in processes]
    is_over = Event()

    def report(number: int) -> set[int]:
        statuses, amount = set(), 0
        while not is_over.is_set():
            amount += 1
            body = {"username": WILMA, "usage": f"{amount % 90}.{number:02}"}
            path = f"{USAGES}{usages[number % 2]}/set_user_usage/"
            statuses.add(clients[number // 2 % 2].post(path, body).status_code)
        return statuses

    with ThreadPoolExecutor(REPORTERS) as pool:
        reporters = [pool.submit(report, number) for number in range(REPORTERS)]
        try:
            forgotten: set[UUID] = set()
            while len(forgotten) < ROUNDS:
                try:
                    forgotten |= {*forget(processes[len(forgotten) % 2].services, WILMA, REASON).people}
                except ForgetError:  # nobody has reported since
                    continue
                for person, names in people_in(world).items():
                    assert person not in forgotten or names == {None}
        finally:
            is_over.set()
        assert {status for each in reporters for status in each.result()} <= {201, 409}
    last = person_named(world, WILMA)
    for person, names in people_in(world).items():
        assert names == ({WILMA} if last and person == last.uuid else {None})
    reported = {fact.person for fact in world.facts(UserUsageReported)}
    assert reported - forgotten == ({last.uuid} if last else set())
    assert Rebuild(world.ledger.pool, world.ledger.facts_after).run() == Rebuilt(is_live=True)
    if last:
        forget_wilma(world)
    assert places_of(world, WILMA) == []


def test_of_two_who_forget_at_once_one_does_so(processes: list[World]) -> None:
    name_wilma(processes[0])

    def attempt(world: World) -> bool:
        try:
            forget_wilma(world)
        except ForgetError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, processes)) == [False, True]
    assert len(processes[0].facts(PersonForgotten)) == 1


@pytest.mark.parametrize("batch", [5, 5_000])
def test_who_is_forgotten_during_a_rebuild_is_forgotten_in_its_result(world: World, batch: int) -> None:
    name_wilma(world)
    left = [WILMA]

    def meanwhile(facts: int, head: int) -> None:
        if left and facts:
            forget(world.services, left.pop(), REASON)

    rebuild = Rebuild(world.ledger.pool, world.ledger.facts_after, batch=batch, progress=meanwhile)
    assert rebuild.run() == Rebuilt(is_live=True)
    assert places_of(world, WILMA) == []
