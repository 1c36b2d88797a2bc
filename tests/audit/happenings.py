"""Histories in which all happens that a ledger can be told, for tests that look back on them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.agents.registering import register, register_all
from tests.billing.correcting import CORRECTIONS, item, propose, revert, take
from tests.billing.sending import send
from tests.projections.rebuilding import carried
from tests.projections.test_rebuilt_rows import (
    component,
    described_resource,
    imported,
    later,
    plan_switch,
    report,
    user_report,
)
from tests.projections.test_rebuilt_rows import steps as usual_steps
from tests.support.everything import record_verification
from tests.user_limits.limiting import LIMITS, body, describe_members
from tests.world import (
    BASIC,
    CATEGORY,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PREMIUM,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PLAN,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    uid,
)
from web.commands.audit.forget import ForgetError, forget

Step = Callable[[World], object]


def described(kind: str, **entity: Any) -> Step:
    """A step that imports one object."""
    return lambda world: world.describe(**{kind: [entity]})


def bulk(*items: dict[str, Any]) -> Step:
    """A step that reports many things in one request."""
    return lambda world: world.as_("staff").post("/api/ledger/reports/", list(items))


def limit_set(resource: str, limit: str) -> Step:
    """A step that sets the limit of a user, or changes it."""

    def step(world: World) -> None:
        staff = world.as_("staff")
        if staff.post(LIMITS, body(resource, limit=limit)).status_code != 201:
            for row in staff.get(LIMITS, resource_uuid=resource).get_json():
                staff.send("PATCH", f"{LIMITS}{row['uuid']}/", json={"limit": limit})

    return step


def limits_removed(world: World) -> None:
    staff = world.as_("staff")
    for row in staff.get(LIMITS).get_json():
        staff.send("DELETE", f"{LIMITS}{row['uuid']}/")


def on_other_resources(amount: int) -> Step:
    """A step that reports what the other two resources used."""
    return bulk(
        {"resource": SECOND_RESOURCE, "type": "cpu", "amount": amount},
        {"resource": OTHER_RESOURCE, "type": "cpu", "amount": amount + 1, "date": "2026-10-20"},
        {"resource": SECOND_RESOURCE, "type": "cpu", "username": "ann", "usage": amount},
    )


def manifest(month: str, **stated: Any) -> Step:
    """A step that says what was sent for a month, right or wrong."""

    def step(world: World) -> None:
        send(world, month=month, **stated)

    return step


def corrected(amount: str, *steps: str) -> Step:
    """A step that proposes a correction, and goes on with it where that can be done."""

    def step(world: World) -> None:
        done = propose(world, item(amount, date="2026-11-05"), by="staff")
        for each in steps if done.status_code == 201 else ():
            take(world, done.get_json()["uuid"], each, by="provider-owner")

    return step


def put_back(world: World) -> None:
    """Propose to revert the correction that was applied last."""
    for row in world.as_("staff").get(CORRECTIONS, state="applied", page_size=1).get_json():
        revert(world, row["uuid"], by="staff")


def agents_registered(version: str) -> Step:
    return lambda world: register_all(world, version=version)


def forgotten(username: str) -> Step:
    """A step that forgets somebody whom the ledger knows."""

    def step(world: World) -> None:
        with suppress(ForgetError):
            forget(world.services, username, "they asked")

    return step


def role(number: int, user: int, name: str, kind: str, on: str, *, is_active: bool = True) -> Step:
    return described(
        "user_roles",
        uuid=uid(number),
        user_uuid=uid(user),
        role_name=name,
        scope_type=f"structure.{kind}",
        scope_uuid=on,
        is_active=is_active,
    )


def offering(**changes: Any) -> Step:
    known = {"uuid": OFFERING, "name": "Cluster", "type": "Marketplace.Slurm", "customer_uuid": PROVIDER}
    return described("offerings", **known | changes)


def second_resource(**changes: Any) -> Step:
    known = {"uuid": SECOND_RESOURCE, "name": "Second resource", "offering_uuid": SECOND_OFFERING}
    known |= {"project_uuid": SECOND_PROJECT, "plan_uuid": SECOND_PLAN, "created": "2026-01-01T00:00:00Z"}
    return described("resources", **known | changes)


def provided_by(customer: str) -> Step:
    return described("service_providers", uuid=SERVICE_PROVIDER, customer_uuid=customer)


GRANTED = (0x90, 10, "PROJECT.MEMBER", "project", PROJECT)

EVERYTHING: list[Step] = [
    describe_members,
    report(RESOURCE, "cpu", "5", 20, "reuse"),
    report(RESOURCE, "gpu", "0", 0, "zero"),
    user_report(0, [("ann", "3"), ("bob", "4")], None),
    bulk(
        {"resource": RESOURCE, "type": "cpu", "amount": 7},
        {"resource": RESOURCE, "type": "gpu", "amount": "9.5", "description": "nightly"},
        {"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 2},
        {"resource": RESOURCE, "type": "cpu", "username": "bob", "usage": 1},
        {"resource": RESOURCE, "type": "cpu", "amount": 8, "date": "2026-11-14"},
    ),
    on_other_resources(3),
    manifest("2026-11", reports=3, resources=2, totals={"cpu": "8"}),
    corrected("6", "approve", "apply"),
    agents_registered("1.0.7"),
    limit_set(RESOURCE, "20.00"),
    limit_set(SECOND_RESOURCE, "7.00"),
    limit_set(RESOURCE, "30.00"),
    limits_removed,
    limit_set(RESOURCE, "40.00"),
    limit_set(SECOND_RESOURCE, "8.00"),
    plan_switch(0, BASIC, 60, 52),
    later(1),
    plan_switch(1, PREMIUM, 8, 0),
    report(RESOURCE, "cpu", "31", 0, "zero"),
    put_back,
    corrected("32", "approve"),
    described("customers", uuid=CONSUMER, name="Renamed consumer", abbreviation="RC"),
    described("projects", uuid=PROJECT, name="Moved", customer_uuid=OTHER_CONSUMER),
    described_resource(RESOURCE, 4, {"cpu": 50, "gpu": 5}, SECOND_PROJECT, PREMIUM, "2026-03-04T05:06:07Z"),
    role(*GRANTED),
    offering(customer_uuid=OTHER_PROVIDER, name="Cluster two", category_uuid=CATEGORY, state=3),
    second_resource(limits={"cpu": 4}, slug="s2", backend_id="b2", attributes={"a": 1}),
    later(20),
    carried,
    manifest("2026-12", reports=1, totals={"cpu": "31.00", "gpu": "9.50"}),
    component("cores", 40),
    user_report(1, [("eve", "12.5"), ("ann", "0")], 9),
    imported(3, GPU, "77", 40, "reuse"),
    imported(4, GPU, "78", 9, "none"),
    record_verification,
    report(RESOURCE, "gpu", "1", 40, "none"),
    agents_registered("2.0.0"),
    lambda world: register(world, name="other agent", last_restarted="2026-11-30T00:00:00Z"),
    limits_removed,
    described("plans", uuid=PREMIUM, name="Luxury", offering_uuid=OFFERING),
    described("categories", uuid=CATEGORY, title="Supercomputers"),
    described("offering_users", uuid=OFFERING_USER, offering_uuid=OFFERING, username="m1", user_uuid=uid(9)),
    described("users", uuid=uid(1), username="staff", is_staff=True, is_support=True),
    described("users", uuid=uid(0x90), username="newcomer"),
    forgotten("bob"),
    on_other_resources(9),
    second_resource(state=6),
    later(3),
    described_resource(RESOURCE, 6, {}, PROJECT, BASIC, None),
    offering(name="Cluster three", project_uuid=SECOND_PROJECT, parent_uuid=SECOND_OFFERING),
    second_resource(offering_uuid=OFFERING, plan_uuid=BASIC, project_uuid=PROJECT),
    provided_by(OTHER_PROVIDER),
    role(*GRANTED, is_active=False),
    described_resource(RESOURCE, 2, {"gpu": 2}, PROJECT, BASIC, None),
    report(RESOURCE, "gpu", "3", 2, "none"),
    user_report(0, [("zoe", "1")], None),
    described("projects", uuid=SECOND_PROJECT, name="Gone", customer_uuid=CONSUMER, is_removed=True),
    role(*GRANTED),
]
"""A history with at least one of each."""

amounts = st.integers(0, 40)

steps = st.one_of(
    usual_steps,
    st.builds(on_other_resources, amounts),
    st.builds(
        lambda month, number: manifest(month, reports=number, totals={"cpu": number}),
        st.sampled_from(["2026-10", "2026-11"]),
        amounts,
    ),
    st.builds(
        lambda amount, steps: corrected(str(amount), *steps),
        amounts,
        st.sampled_from([(), ("approve",), ("approve", "apply")]),
    ),
    st.just(put_back),
    st.builds(agents_registered, st.sampled_from(["1.0.7", "2.0.0"])),
    st.builds(limit_set, st.sampled_from([RESOURCE, SECOND_RESOURCE]), amounts.map(str)),
    st.just(limits_removed),
    st.builds(
        lambda state, offering, project: second_resource(
            state=state, offering_uuid=offering, project_uuid=project, name=f"s{state}", limits={"cpu": state}
        ),
        st.sampled_from([1, 3, 6]),
        st.sampled_from([SECOND_OFFERING, OFFERING]),
        st.sampled_from([SECOND_PROJECT, PROJECT]),
    ),
    st.builds(
        lambda name, customer, is_removed: described(
            "projects", uuid=PROJECT, name=name, customer_uuid=customer, is_removed=is_removed
        ),
        st.sampled_from(["Project", "Renamed"]),
        st.sampled_from([CONSUMER, OTHER_CONSUMER]),
        st.booleans(),
    ),
    st.builds(
        lambda name, customer, parent: offering(name=name, customer_uuid=customer, parent_uuid=parent),
        st.sampled_from(["Cluster", "A cluster"]),
        st.sampled_from([PROVIDER, OTHER_PROVIDER]),
        st.sampled_from([None, SECOND_OFFERING]),
    ),
    st.builds(
        lambda name: described("customers", uuid=CONSUMER, name=name), st.sampled_from(["Consumer", "C"])
    ),
    st.builds(
        lambda kind, billing, limit: described(
            "offering_components",
            uuid=CPU,
            offering_uuid=OFFERING,
            type=kind,
            name=f"{kind} {limit}",
            billing_type=billing,
            limit_amount=limit,
            limit_period="annual" if limit else "month",
        ),
        st.sampled_from(["cpu", "cores"]),
        st.sampled_from(["usage", "limit"]),
        amounts,
    ),
    st.builds(
        lambda name: described(
            "offering_users", uuid=OFFERING_USER, offering_uuid=OFFERING, username=name, user_uuid=uid(9)
        ),
        st.sampled_from(["member01", "m1", "ann"]),
    ),
    st.builds(forgotten, st.sampled_from(["ann", "bob"])),
    st.builds(provided_by, st.sampled_from([PROVIDER, OTHER_PROVIDER])),
    st.builds(lambda is_active: role(*GRANTED, is_active=is_active), st.booleans()),
)
"""Everything in any order."""


def earlier(world: World) -> None:
    """The clock of this server is behind those of others."""
    world.now -= timedelta(hours=3)
