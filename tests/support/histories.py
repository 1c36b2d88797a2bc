"""Random reports for tests that hold two ways of the same against each other.

Every example is about a pair of resources of its own, so that one database serves them all.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.conftest import database, name_of
from tests.world import (
    BASIC,
    CPU,
    OFFERING,
    OFFERING_USER,
    PREMIUM,
    PROJECT,
    World,
    open_world,
    uid,
)

EXAMPLES = 25

OF_A_HISTORY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Without shrinking, which would need more resources than there are."""

SWITCH = "2026-11-10T00:00:00Z"
USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"

DATES = (None, None, "2026-11-02", "2026-11-12", "2026-10-05", "2026-10-31T23:30:00-02:00", "2026-12-01")
AMOUNTS = (0, "0.5", 7, 7, 20, "-3", "x", "999999999999999999")

Item = dict[str, Any]


def plain(number: int) -> str:
    """A resource whose plan periods the catalogue leaves unsaid, for an example."""
    return uid(0x1000 + number)


def switching(number: int) -> str:
    """A resource that gets another plan in the middle of the month."""
    return uid(0x2000 + number)


def optional(**values: Any) -> st.SearchStrategy[Item]:
    """Some of these keys with one of their values; None leaves a key out."""
    return st.fixed_dictionaries({name: st.sampled_from(each) for name, each in values.items()}).map(
        lambda item: {name: value for name, value in item.items() if value is not None}
    )


component_items = optional(
    resource=(0, 1),
    type=("cpu", "cpu", "gpu", "fee", "nothing"),
    amount=AMOUNTS,
    date=DATES,
    description=(None, "nightly"),
    missing_usage_policy=(None, "reuse", "zero"),
)
user_items = optional(
    resource=(0, 1),
    type=("cpu", "gpu"),
    username=("ann", "bob", "member01"),
    usage=AMOUNTS,
    date=DATES,
    user=(None, USER_URL),
)
histories = st.lists(component_items | user_items, min_size=1, max_size=12)
"""Items of bulk reports, whose resource is the number of one of the pair."""


def placed(history: list[Item], number: int) -> list[Item]:
    """The same of the resources of an example."""
    return [item | {"resource": (plain, switching)[item["resource"]](number)} for item in history]


def catalogue() -> dict[str, list[Item]]:
    pairs = [(plain(number), switching(number)) for number in range(EXAMPLES * 2)]
    resources = [
        {
            "uuid": uuid,
            "name": uuid,
            "offering_uuid": OFFERING,
            "project_uuid": PROJECT,
            "plan_uuid": BASIC,
            "created": "2026-01-01T00:00:00Z",
        }
        for pair in pairs
        for uuid in pair
    ]
    periods = [
        {"uuid": uid(place * 0x100000 + number), "resource_uuid": uuid, "plan_uuid": plan} | bounds
        for number, (_, uuid) in enumerate(pairs)
        for place, plan, bounds in ((1, BASIC, {"end": SWITCH}), (2, PREMIUM, {"start": SWITCH}))
    ]
    limits = [
        {
            "uuid": uid((3 + place) * 0x100000 + number),
            "resource_uuid": uuid,
            "component_uuid": CPU,
            "offering_user_uuid": OFFERING_USER,
            "limit": 20,
        }
        for number, pair in enumerate(pairs)
        for place, uuid in enumerate(pair)
    ]
    return {
        "resources": resources,
        "resource_plan_periods": periods,
        "component_user_usage_limits": limits,
    }


def describe(world: World) -> None:
    """The catalogue, a usage of September for every component, and the people, whom it names once."""
    world.describe(**catalogue())
    staff, items = world.as_("staff"), []
    for resource in catalogue()["resources"]:
        of = {"resource": resource["uuid"], "date": "2026-09-15"}
        items += [{**of, "type": name, "amount": 1} for name in ("cpu", "gpu")]
    of = {"resource": items[0]["resource"], "type": "cpu", "date": "2026-09-15"}
    items += [{**of, "username": name, "usage": 0} for name in ("ann", "bob", "member01")]
    assert staff.post("/api/ledger/reports/", items).status_code == 201


@contextmanager
def twins(server: str, world_database: AbstractContextManager[str]) -> Iterator[tuple[World, World]]:
    """Two worlds that are alike to the last id."""
    with world_database as origin:
        with open_world(origin) as world:
            describe(world)
        with (
            database(server, name_of(origin)) as one,
            database(server, name_of(origin)) as other,
            open_world(one) as here,
            open_world(other) as there,
        ):
            yield here, there
