"""Live rows equal rebuilt rows, whatever happened."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from projections.rebuild import Rebuilt
from tests.projections.rebuilding import carried, rebuild_of
from tests.world import (
    BASIC,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    PREMIUM,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    USAGES,
    World,
    open_world,
    uid,
)

Step = Callable[[World], object]


amounts = st.decimals(min_value=-5, max_value=1000, places=2).map(str)


days = st.sampled_from([0, 2, 9, 20, 40])


limits = st.dictionaries(st.sampled_from(["cpu", "gpu"]), st.integers(0, 500), max_size=2)


def described_resource(
    which: str, state: int, limits: dict[str, int], project: str, plan: str, created: str | None
) -> Callable[[World], object]:
    offering = {RESOURCE: OFFERING}.get(which)
    entity: dict[str, Any] = {"uuid": which, "name": f"r{state}", "project_uuid": project, "state": state}
    entity |= {"limits": limits, "plan_uuid": plan, "offering_uuid": offering or OFFERING, "created": created}
    return lambda world: world.describe(resources=[entity])


def plan_switch(which: int, plan: str, start: int, length: int) -> Step:
    def step(world: World) -> None:
        begin = world.now - timedelta(days=start)
        period = {"uuid": uid(0x9000 + which), "resource_uuid": RESOURCE, "plan_uuid": plan}
        end = {"end": (begin + timedelta(days=length)).isoformat()} if length else {}
        world.describe(resource_plan_periods=[period | {"start": begin.isoformat()} | end])

    return step


def report(resource: str, kind: str, amount: str, back: int, policy: str) -> Step:
    def step(world: World) -> None:
        date = (world.now - timedelta(days=back)).isoformat()
        item = {"type": kind, "amount": amount, "missing_usage_policy": policy}
        world.report(resource=resource, date=date, usages=[item])

    return step


def user_report(which: int, users: list[tuple[str, str]], back: int | None) -> Step:
    def step(world: World) -> None:
        rows = world.usages()
        if rows:
            date = {"date": (world.now - timedelta(days=back)).isoformat()} if back is not None else {}
            items = [{"username": name, "usage": usage} | date for name, usage in users]
            usage = rows[which % len(rows)]["uuid"]
            world.as_("staff").post(f"{USAGES}{usage}/set_user_usages/", {"usages": items})

    return step


def imported(which: int, kind: str, amount: str, back: int, policy: str) -> Step:
    def step(world: World) -> None:
        day = world.now - timedelta(days=back)
        usage = {
            "uuid": uid(0x8000 + which),
            "resource_uuid": RESOURCE,
            "component_uuid": kind,
            "usage": amount,
        }
        usage |= {
            "billing_period": f"{day:%Y-%m}-01",
            "date": day.isoformat(),
            "missing_usage_policy": policy,
        }
        user = {"uuid": uid(0x8100 + which), "component_usage_uuid": uid(0x8000 + which), "username": "ann"}
        world.describe(component_usages=[usage], component_user_usages=[user | {"usage": amount}])

    return step


def component(kind: str, limit: int) -> Step:
    described = {"uuid": CPU, "offering_uuid": OFFERING, "type": kind, "name": "CPU", "limit_amount": limit}
    return lambda world: world.describe(offering_components=[described])


def later(by: int) -> Step:
    def step(world: World) -> None:
        world.now += timedelta(days=by)

    return step


steps = st.one_of(
    st.builds(
        described_resource,
        st.sampled_from([RESOURCE, uid(0x77)]),
        st.integers(1, 6),
        limits,
        st.sampled_from([PROJECT, SECOND_PROJECT]),
        st.sampled_from([BASIC, PREMIUM]),
        st.sampled_from([None, "2026-03-04T05:06:07Z"]),
    ),
    st.builds(plan_switch, st.integers(1, 2), st.sampled_from([BASIC, PREMIUM]), days, days),
    st.builds(
        report,
        st.just(RESOURCE),
        st.sampled_from(["cpu", "gpu"]),
        amounts,
        days,
        st.sampled_from(["none", "reuse", "zero"]),
    ),
    st.builds(
        user_report,
        st.integers(0, 5),
        st.lists(st.tuples(st.sampled_from(["ann", "bob", "eve"]), amounts), min_size=1, max_size=4),
        st.none() | days,
    ),
    st.builds(
        imported,
        st.integers(0, 9),
        st.sampled_from([CPU, GPU]),
        amounts,
        days,
        st.sampled_from(["none", "reuse", "zero"]),
    ),
    st.builds(later, st.integers(1, 40)),
    st.just(carried),
    st.builds(component, st.sampled_from(["cpu", "cores"]), st.integers(0, 50)),
    st.builds(
        lambda customer: (
            lambda world: world.describe(
                projects=[{"uuid": PROJECT, "name": "Project", "customer_uuid": customer}]
            )
        ),
        st.sampled_from([CONSUMER, OTHER_CONSUMER]),
    ),
    st.builds(
        lambda provider: (
            lambda world: world.describe(
                offerings=[{"uuid": OFFERING, "name": "Cluster", "customer_uuid": provider}]
            )
        ),
        st.sampled_from([PROVIDER, OTHER_PROVIDER]),
    ),
)


# --- live rows equal rebuilt rows, whatever happened ---


@example([report(RESOURCE, "cpu", "5", 9, "reuse"), report(RESOURCE, "cpu", "9", 0, "none")])
@example([report(RESOURCE, "gpu", "0", 0, "zero"), user_report(0, [("ann", "3"), ("bob", "4")], None)])
@example(
    [
        report(RESOURCE, "cpu", "5", 9, "none"),
        user_report(0, [("ann", "3")], None),
        report(RESOURCE, "cpu", "5", 2, "none"),
        component("cores", 0),
    ]
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=6, max_size=16))
def test_live_rows_equal_rebuilt_rows_whatever_the_size_of_a_batch(
    world_database: Callable[[], AbstractContextManager[str]], history: list[Step]
) -> None:
    with world_database() as url, open_world(url) as world:
        # A plan switch in the middle of the month, so that many histories have more than one row a record.
        plan_switch(0, BASIC, 60, 52)(world)
        plan_switch(1, PREMIUM, 8, 0)(world)
        for step in history:
            step(world)
        for batch in (1, 7, 1_000_000):
            rebuild = rebuild_of(world, batch=batch)
            assert rebuild.run() == Rebuilt(is_live=True)
