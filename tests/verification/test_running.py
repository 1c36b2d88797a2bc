"""A verification while others work: it finds nothing that is not there, and nobody waits for it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from projections.rebuild import AlreadyRebuilding
from projections.verification.findings import Finding
from tests.ledger.test_old_journals import NAMES, world_of
from tests.projections.rebuilding import rebuild_of
from tests.support.waiting import wait_until
from tests.verification.verifying import execute, verified
from tests.world import RESOURCE, USAGES, World
from web.commands.audit.verify import verification_of

TEMPORARY = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"


def temporary_tables(world: World) -> int:
    with psycopg.connect(world.conninfo) as connection:
        row = connection.execute(TEMPORARY).fetchone()
    assert row
    return int(row[0])


def test_under_writers_of_every_kind_nothing_is_found(world: World) -> None:
    client, done = world.as_("staff"), Event()

    def report(number: int) -> set[int]:
        statuses, amount = set(), 0
        while not done.is_set():
            amount += 1
            body = {"resource": RESOURCE, "date": f"2026-{number + 1:02}-02"}
            body |= {"usages": [{"type": "gpu", "amount": amount}]}  # type: ignore[dict-item]
            statuses.add(client.post(f"{USAGES}set_usage/", body).status_code)
        return statuses

    def describe() -> int:
        number = 0
        while not done.is_set():
            number += 1
            world.describe(customers=[{"uuid": f"{0xC9:032x}", "name": f"Customer {number}"}])
        return number

    with ThreadPoolExecutor(6) as pool:
        writers, importer = [pool.submit(report, number) for number in range(4)], pool.submit(describe)
        try:
            runs = [verified(world) for _ in range(2)]
        finally:
            done.set()
        assert [writer.result() for writer in writers] == [{201}] * 4
        assert importer.result() > 0
    assert [lines for _, lines in runs] == [[]] * 2
    positions = [result.to for result, _ in runs]
    assert positions == sorted(set(positions)), "nobody wrote meanwhile"


def test_reports_and_reads_go_on_while_it_replays_and_while_it_compares(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    execute(world, "UPDATE customer SET name = 'Forged ' || name")
    amounts: list[str] = []

    def work(*_: object) -> None:
        amount = len(amounts) + 2
        assert world.report(usages=[{"type": "cpu", "amount": amount}]).status_code == 201
        amounts.append(world.usages()[0]["usage"])

    result = verification_of(world.services, work, work).run()
    assert result.differences == 4
    assert len(amounts) > 4
    assert amounts == [f"{number + 2}.00" for number in range(len(amounts))]


def test_a_rebuild_may_come_before_the_comparison_and_not_into_it(world: World) -> None:
    execute(world, "UPDATE customer SET name = 'Forged' WHERE name = 'Provider'")
    refused = []

    def compare(_: Finding) -> None:
        with pytest.raises(AlreadyRebuilding):
            rebuild_of(world).run()
        refused.append(True)

    def rebuild(*_: object) -> None:
        assert rebuild_of(world).run(accept=True).is_live

    assert verification_of(world.services, compare).run().differences == len(refused) == 1
    assert verification_of(world.services, compare, rebuild).run().differences == 0


def test_several_at_once_do_not_meet(world: World) -> None:
    within = []
    result = verification_of(
        world.services, lambda _: None, lambda *_: within.append(verified(world)[1])
    ).run()
    assert (result.differences, within) == (0, [[]])


def test_nothing_is_left_behind(world: World) -> None:
    def fail(*_: object) -> None:
        assert temporary_tables(world) > 30
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verification_of(world.services, lambda _: None, fail).run()
    wait_until(lambda: temporary_tables(world) == 0)


KILLED = """
import os, signal, sys
from tests.world import open_world
from web.commands.audit.verify import verification_of

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

with open_world(sys.argv[1]) as world:
    verification_of(world.services, kill, kill).run()
"""


def test_one_that_is_killed_leaves_nothing_behind(world: World) -> None:
    facts = world.facts()
    killed = subprocess.run([sys.executable, "-c", KILLED, world.conninfo], check=False)
    assert killed.returncode == -9
    wait_until(lambda: temporary_tables(world) == 0)
    assert verified(world)[1] == []
    assert world.facts() == facts


@pytest.mark.parametrize("name", NAMES)
def test_old_journals_are_verified(database_url: str, name: str) -> None:
    with world_of(name, database_url) as world:
        result, lines = verified(world)
        assert lines == []
        assert result.facts == len(world.facts())
