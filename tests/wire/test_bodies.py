"""What is well-formed is loaded in a shorter way than marshmallow's, which must lead to the same."""

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from projections.lookups import catalogue, decision_state
from tests.world import OFFERING_USER, OTHER_RESOURCE, RESOURCE, World, uid
from web.fast.loader import FieldCache
from web.wire.body import Body, Found, LoadContext, Loading
from web.wire.requests import (
    COMPONENT_REPORT,
    SET_USAGE,
    SET_USER_USAGE,
    SET_USER_USAGES,
    USER_REPORT,
    UsageItemBody,
)

OPEN, CLOSED, UNKNOWN = uid(0x91), uid(0x92), uid(0x99)
USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"
USAGE_ITEM = UsageItemBody()

ANYTHING: tuple[Any, ...] = (None, "", " ", 0, 1, -1, True, False, Decimal("1.5"), [], {}, ["cpu"], "x\x00y")
AMOUNTS = ("7", " 7.5 ", "-0", "1e3", "NaN", "Infinity", "1_0", "1.234", "9" * 19, Decimal("1E+30"))
UUIDS = (RESOURCE, str(UUID(RESOURCE)), OTHER_RESOURCE, OPEN, CLOSED, UNKNOWN, "zzz")
VALUES: dict[str, tuple[Any, ...]] = {
    "resource": UUIDS,
    "plan_period": UUIDS,
    "component_usage": UUIDS,
    "type": ("cpu", " cpu ", "1", "nothing"),
    "amount": AMOUNTS,
    "usage": AMOUNTS,
    "description": ("nightly", " nightly ", "x" * 2001),
    "missing_usage_policy": ("none", "reuse", "zero", "other"),
    "recurring": ("true", "off", "null", "other"),
    "date": ("2026-11-02", " 2026-11-02T10:00:00+02:00 ", "2026-13-01", "0001-01-01", "now"),
    "username": ("ann", " ann ", "a" * 101),
    "user": (USER_URL, f"https://a.example{USER_URL}", USER_URL.replace("3", "4"), "/api/", "x"),
    "unheard_of": (),
}
items = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values * 3 + ANYTHING) for name, values in VALUES.items()}
)
good_items = st.fixed_dictionaries(
    {name: st.sampled_from(VALUES[name][:2]) for name in ("resource", "type", "amount", "usage", "username")},
    optional={
        name: st.sampled_from(VALUES[name][:2]) for name in ("date", "description", "recurring", "user")
    },
)
lists = st.lists(items | good_items, max_size=4)
bodies = st.builds(
    lambda item, usages: item | usages,
    items | good_items,
    st.fixed_dictionaries({}, optional={"usages": lists | st.sampled_from(ANYTHING)}),
)


@pytest.fixture(name="world")
def with_plan_periods(world: World) -> World:
    """Of RESOURCE, and a usage whose uuid items can name."""
    of = {"resource_uuid": RESOURCE, "plan_uuid": uid(0xB1)}
    bounds: tuple[Mapping[str, str], ...] = (
        {"start": "2026-10-01T00:00:00Z"},
        {"end": "2026-10-01T00:00:00Z"},
    )
    world.describe(
        resource_plan_periods=[
            {"uuid": uuid, **of, **bound} for uuid, bound in zip((OPEN, CLOSED), bounds, strict=True)
        ]
    )
    return world


def context(world: World) -> LoadContext:
    """What is known of the objects above, and of no others."""
    assert world.report(usages=[{"type": "cpu", "amount": 1}]).status_code == 201
    usage_uuid = UUID(world.usages()[0]["uuid"])
    with world.services.reading() as cursor:
        (usage,) = decision_state.usages(cursor, [usage_uuid]).values()
        periods = catalogue.plan_periods(cursor, [UUID(OPEN), UUID(CLOSED)])
        plan_periods = {uuid: period for uuid, (period, _) in periods.items()}
    _, resources = world.services.resources([UUID(RESOURCE), UUID(OTHER_RESOURCE)])
    found = Found(
        resources=resources,
        usages={UUID(RESOURCE): usage},
        plan_periods=plan_periods,
        offering_users={UUID(OFFERING_USER)},
    )
    return LoadContext(zone=UTC, now=world.now, found=found)


def told(load: Any, *arguments: Any, **options: Any) -> str:
    """What came of it, or what is said to be wrong, with the types of all values."""
    try:
        return repr(load(*arguments, **options))
    except ValidationError as error:
        return repr(error.messages)


@pytest.mark.parametrize(
    "schema",
    [USAGE_ITEM, SET_USAGE, SET_USER_USAGE, SET_USER_USAGES, COMPONENT_REPORT, USER_REPORT],
    ids=lambda schema: type(schema).__name__,
)
def test_a_body_is_loaded_as_by_marshmallow_in_every_word(world: World, schema: Body) -> None:
    with world.app.test_request_context(), Loading(context(world)):

        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(bodies, min_size=1, max_size=4))
        def check(several: list[dict[str, Any]]) -> None:
            cache = FieldCache(dict)
            for body in several:
                assert told(schema.load, body, cache=cache) == told(Schema.load, schema, body)

        check()
