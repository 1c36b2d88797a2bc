"""Limits that are set at the same time: of one for the same resource, component and user there is one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from ledger.events import UserUsageLimitDescribed
from tests.user_limits.limiting import LIMITS, body, create, imported, listed
from tests.world import CPU, GPU, World, open_world, uid

AT_ONCE = 8


def test_of_many_who_set_one_limit_at_once_one_does(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        # Two ledgers on one database, as two worker processes have.
        clients = [world.as_("staff"), other.as_("staff")]
        barrier = Barrier(AT_ONCE)

        def post(number: int) -> int:
            barrier.wait()
            return clients[number % 2].post(LIMITS, body(limit=number)).status_code

        with ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = Counter(pool.map(post, range(AT_ONCE)))
    assert statuses == {201: 1, 400: AT_ONCE - 1}
    assert len(listed(world)) == len(world.facts(UserUsageLimitDescribed)) == 1


def test_limits_that_are_changed_set_and_imported_at_once_never_meet(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        moving = create(world, component=GPU)
        barrier = Barrier(3)

        def change() -> None:
            barrier.wait()
            world.as_("staff").send("PATCH", f"{LIMITS}{moving}/", json={"component": CPU})

        def post() -> None:
            barrier.wait()
            other.as_("staff").post(LIMITS, body())

        def bring() -> None:
            barrier.wait()
            other.describe(component_user_usage_limits=[imported(uid(0x61))])

        for _ in range(5):
            with ThreadPoolExecutor(3) as pool:
                for each in [pool.submit(act) for act in (change, post, bring)]:
                    each.result()
            rows = listed(world)
            keys = Counter((row["component"], row["user"]) for row in rows)
            assert set(keys.values()) == {1}
            for row in rows:
                world.as_("staff").send("DELETE", f"{LIMITS}{row['uuid']}/")
            moving = create(world, component=GPU)


def test_a_report_to_another_process_is_held_to_a_limit_at_once(world: World, world_url: str) -> None:
    with open_world(world_url) as other:
        other.report(usages=[{"type": "cpu", "amount": 100}])
        usage = other.usages()[0]["uuid"]
        share: dict[str, Any] = {"username": "member01", "usage": "20.01", "user": body()["user"]}
        assert other.report_user(usage, **share).status_code == 201
        uuid = create(world, limit="20")
        assert other.report_user(usage, **share).status_code == 400
        world.as_("staff").send("PATCH", f"{LIMITS}{uuid}/", json={"limit": "50"})
        assert other.report_user(usage, **share).status_code == 201
        world.as_("staff").send("PATCH", f"{LIMITS}{uuid}/", json={"limit": "20"})
        assert other.report_user(usage, **share).status_code == 400
        world.as_("staff").send("DELETE", f"{LIMITS}{uuid}/")
        assert other.report_user(usage, **share).status_code == 201
