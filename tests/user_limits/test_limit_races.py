"""Limits that are set at the same time: of one for the same resource, component and user there is one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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
