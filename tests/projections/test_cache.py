"""What is remembered of catalogue and rights holds until something is described anew, by whomever."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.events import TokenIssued
from projections.fast.cache import VersionedCache
from tests.support.command import Environment, output_of
from tests.world import (
    CPU,
    OFFERING,
    OFFERING_USER,
    PROJECT,
    RESOURCE,
    SERVICE_PROVIDER,
    USAGES,
    World,
    open_world,
    uid,
)
from web.commands import tokens

USER_URL = f"/api/marketplace-offering-users/{OFFERING_USER}/"


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def report(world: World, by: str = "offering-manager") -> TestResponse:
    return world.report(by=by, usages=[{"type": "cpu", "amount": 1}])


Change = Callable[[World], object]


def revoke_all(world: World) -> None:
    for each in tokens.listed(world.services):
        tokens.revoke(world.services, each["token_uuid"])


def end_role(world: World) -> None:
    role = {"uuid": uid(0x81), "user_uuid": uid(3), "role_name": "OFFERING.MANAGER", "is_active": False}
    world.describe(user_roles=[role | {"scope_type": "marketplace.offering", "scope_uuid": OFFERING}])


def deactivate(world: World) -> None:
    world.describe(users=[{"uuid": uid(3), "username": "offering-manager", "is_active": False}])


def move_service_provider(world: World) -> None:
    world.describe(service_providers=[{"uuid": SERVICE_PROVIDER, "customer_uuid": uid(0xC4)}])


def describe_resource(world: World, **more: Any) -> None:
    resource = {"uuid": RESOURCE, "name": "Resource", "offering_uuid": OFFERING, "project_uuid": PROJECT}
    world.describe(resources=[resource | {"plan_uuid": uid(0xB1)} | more])


def terminate(world: World) -> None:
    describe_resource(world, state=6)


def move_resource(world: World) -> None:
    other = {"offering_uuid": uid(0xF2), "plan_uuid": uid(0xB3)}
    describe_resource(world, **other)


def fix_component(world: World) -> None:
    component = {"uuid": CPU, "offering_uuid": OFFERING, "type": "cpu", "name": "CPU"}
    world.describe(offering_components=[component | {"billing_type": "fixed"}])


FORBIDDEN = {"detail": "You do not have permission to perform this action."}

CHANGES: dict[str, tuple[str, Change, int, Any]] = {
    "revoked token": ("offering-manager", revoke_all, 401, {"detail": "Invalid token."}),
    "ended role": ("offering-manager", end_role, 403, FORBIDDEN),
    "deactivated user": ("offering-manager", deactivate, 401, {"detail": "User inactive or deleted."}),
    "moved service provider": ("service-provider-manager", move_service_provider, 403, FORBIDDEN),
    "terminated resource": (
        "offering-manager",
        terminate,
        400,
        {"resource": ["Resource is not in valid state."]},
    ),
    "moved resource": ("offering-manager", move_resource, 403, FORBIDDEN),
    "fixed component": (
        "offering-manager",
        fix_component,
        400,
        {"non_field_errors": ["These components are invalid: cpu."]},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("where", ["here", "in another process"])
def test_what_is_described_anew_is_seen_by_the_very_next_request(
    world: World, world_url: str, name: str, where: str
) -> None:
    by, change, status, body = CHANGES[name]
    assert report(world, by).status_code == 201
    facts = len(world.facts())
    with open_world(world_url) as other:
        change(world if where == "here" else other)
    described = len(world.facts())
    assert described > facts
    assert answer(report(world, by)) == (status, body)
    assert len(world.facts()) == described


def test_a_new_resource_and_a_new_role_are_seen_by_the_very_next_request(
    world: World, world_url: str
) -> None:
    resource = {"uuid": uid(0x77), "name": "New", "offering_uuid": OFFERING, "project_uuid": PROJECT}
    items = [{"type": "cpu", "amount": 1}]
    unknown = world.report(by="stranger", resource=uid(0x77), usages=items)
    assert answer(unknown) == (400, {"resource": [f"Object with uuid={uid(0x77)} does not exist."]})
    with open_world(world_url) as other:
        other.describe(resources=[resource | {"plan_uuid": uid(0xB1)}])
        assert world.report(by="stranger", resource=uid(0x77), usages=items).status_code == 403
        role = {"uuid": uid(0x8A), "user_uuid": uid(10), "role_name": "OFFERING.MANAGER"}
        other.describe(user_roles=[role | {"scope_type": "marketplace.offering", "scope_uuid": OFFERING}])
        assert world.report(by="stranger", resource=uid(0x77), usages=items).status_code == 201


def test_a_new_limit_of_a_user_is_seen_by_the_very_next_request(world: World, world_url: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 100}])
    usage_uuid = world.usages()[0]["uuid"]
    share = {"username": "ann", "user": USER_URL}
    assert world.report_user(usage_uuid, **share, usage=5).status_code == 201
    limit = {"uuid": uid(0x51), "resource_uuid": RESOURCE, "component_uuid": CPU, "limit": 10}
    with open_world(world_url) as other:
        other.describe(component_user_usage_limits=[limit | {"offering_user_uuid": OFFERING_USER}])
    assert world.report_user(usage_uuid, **share, usage=6).status_code == 400
    assert world.report_user(usage_uuid, **share, usage=5).status_code == 201


def test_a_token_that_is_revoked_on_the_command_line_is_of_no_use_to_a_running_service(
    world: World, world_url: str, tmp_path: Any
) -> None:
    environment: Environment = {"LEDGER_DATABASE_URL": world_url, "HOME": str(tmp_path), "PATH": "/usr/bin"}
    client = world.client(world.token_of("staff"))
    token_uuid = world.facts(TokenIssued)[-1].token_uuid
    assert client.get(USAGES).status_code == 200
    output_of(environment, "token", "revoke", token_uuid.hex)
    assert answer(client.get(USAGES)) == (401, {"detail": "Invalid token."})


def test_a_token_expires_without_anything_being_described(world: World) -> None:
    user = tokens.user_named(world.services, "staff")
    client = world.client(tokens.create(world.services, user, days=1))
    assert client.get(USAGES).status_code == 200
    world.now = world.now.replace(day=16)
    assert answer(client.get(USAGES)) == (401, {"detail": "Token has expired."})


# The cache itself


class Reader:
    """Reads numbers as their squares, odd ones are unknown; notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, keys: list[int]) -> dict[int, int]:
        self.asked.append(sorted(keys))
        return {key: key * key for key in keys if key % 2 == 0}


def test_a_value_is_read_once_and_one_that_is_not_there_each_time() -> None:
    cache, read = VersionedCache(), Reader()
    assert cache.get_many((0, 1), [2, 4, 5], read) == {2: 4, 4: 16}
    assert cache.get_many((0, 1), [2, 5, 6], read) == {2: 4, 6: 36}
    assert cache.get_many((0, 1), [2, 4, 6], read) == {2: 4, 4: 16, 6: 36}
    assert read.asked == [[2, 4, 5], [5, 6]]


def test_all_is_read_anew_once_something_was_described() -> None:
    cache, read = VersionedCache(), Reader()
    cache.get_many((0, 1), [2, 4], read)
    assert cache.get_many((0, 2), [2], read) == {2: 4}
    assert cache.get_many((0, 2), [4], read) == {4: 16}
    assert read.asked == [[2, 4], [2], [4]]


def test_all_is_read_anew_in_a_database_that_went_back() -> None:
    cache, read = VersionedCache(), Reader()
    cache.get_many((0, 9), [2], read)
    assert cache.get_many((1, 3), [2], read) == {2: 4}
    assert read.asked == [[2], [2]]


def test_what_was_read_while_something_was_described_is_not_kept() -> None:
    cache, read = VersionedCache(), Reader()

    def overtaken(keys: list[int]) -> dict[int, int]:
        cache.get_many((0, 2), [4], read)
        return dict.fromkeys(keys, -1)

    assert cache.get_many((0, 1), [2], overtaken) == {2: -1}
    assert cache.get_many((0, 2), [2, 4], read) == {2: 4, 4: 16}
    assert read.asked == [[4], [2]]


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    cache, read = VersionedCache(most=3), Reader()
    cache.get_many((0, 1), [2, 4, 6], read)
    cache.get_many((0, 1), [2], read)
    cache.get_many((0, 1), [8], read)
    assert cache.get_many((0, 1), [2, 6, 8], read) == {2: 4, 6: 36, 8: 64}
    assert read.asked == [[2, 4, 6], [8]]
    cache.get_many((0, 1), [4], read)
    assert read.asked[-1] == [4]


def test_more_than_can_be_kept_is_answered_all_the_same() -> None:
    cache, read = VersionedCache(most=3), Reader()
    assert cache.get_many((0, 1), range(0, 20, 2), read) == {key: key * key for key in range(0, 20, 2)}
