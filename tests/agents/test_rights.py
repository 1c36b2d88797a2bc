"""Who registers agents, who sees them, and what the others are told."""

from typing import Any

import pytest

from tests.agents.registering import (
    IDENTITIES,
    IDENTITY,
    PROCESSOR,
    PROCESSORS,
    SERVICE,
    SERVICES,
    register,
    register_all,
    register_processor,
    register_service,
)
from tests.world import CATALOGUE, OFFERING, OTHER_OFFERING, PROVIDER, SECOND_OFFERING, World, uid

ALL = {OFFERING, SECOND_OFFERING, OTHER_OFFERING}

SEES = {
    "staff": ALL,
    "support": ALL,
    "offering-manager": {OFFERING},
    "provider-owner": {OFFERING, SECOND_OFFERING},
    "service-provider-manager": {OFFERING, SECOND_OFFERING},
    "consumer-owner": set(),
    "project-admin": set(),
    "project-manager": set(),
    "project-member": set(),
    "stranger": set(),
    "customer-support": set(),
    "former-owner": set(),
    "provider-support": {OFFERING, SECOND_OFFERING},
}
"""The offerings whose agents each user sees."""

ONLY_SEES = {"support", "provider-support"}
"""Those who may register none of the agents that they see."""

FORBIDDEN = {"detail": "You do not have permission to perform this action."}


def missing(kind: str) -> dict[str, str]:
    return {"detail": f"No {kind} matches the given query."}


@pytest.fixture(autouse=True)
def support_of_the_provider(world: World) -> None:
    """Somebody with a role on the provider that permits no reports."""
    role = {"uuid": uid(0x8A), "user_uuid": uid(13), "role_name": "CUSTOMER.SUPPORT"}
    world.describe(
        users=[{"uuid": uid(13), "username": "provider-support"}],
        user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}],
    )
    world.as_("provider-support")  # whose token is issued now


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [*(user["username"] for user in CATALOGUE["users"]), "provider-support"]


@pytest.mark.parametrize("username", SEES)
def test_a_user_finds_the_agents_of_offerings_that_they_see_as_a_provider(
    world: World, username: str
) -> None:
    of_offerings = {offering: register_all(world, offering=offering) for offering in sorted(ALL)}
    for place, (path, kind) in enumerate(
        [(IDENTITIES, "AgentIdentity"), (SERVICES, "AgentService"), (PROCESSORS, "AgentProcessor")]
    ):
        seen = {of_offerings[offering][place] for offering in SEES[username]}
        response = world.as_(username).get(path)
        assert {row["uuid"] for row in response.get_json()} == seen
        assert response.headers["X-Result-Count"] == str(len(seen))
        for uuids in of_offerings.values():
            one = world.as_(username).get(f"{path}{uuids[place]}/")
            if uuids[place] in seen:
                assert (one.status_code, one.get_json()["uuid"]) == (200, uuids[place])
            else:
                assert (one.status_code, one.get_json()) == (404, missing(kind))


@pytest.mark.parametrize("username", SEES)
def test_only_who_may_report_for_an_offering_changes_its_agents(world: World, username: str) -> None:
    client = world.as_(username)
    for offering in sorted(ALL):
        identity, service, _ = register_all(world, offering=offering)
        facts = world.facts()
        for method, path, good, kind in [
            ("PUT", f"{IDENTITIES}{identity}/", IDENTITY | {"offering": offering}, "AgentIdentity"),
            ("PATCH", f"{IDENTITIES}{identity}/", {"version": "2"}, "AgentIdentity"),
            ("POST", f"{IDENTITIES}{identity}/register_service/", SERVICE, "AgentIdentity"),
            ("POST", f"{SERVICES}{service}/register_processor/", PROCESSOR, "AgentService"),
        ]:
            for body in ({"name": None, "version": 7 * "x" * 100}, good):
                response = client.send(method, path, json=body)
                answer: tuple[int, Any] = response.status_code, response.get_json()
                if offering not in SEES[username]:
                    assert answer == (404, missing(kind))
                elif username in ONLY_SEES:
                    assert answer == (403, FORBIDDEN)
                else:
                    assert answer[0] == (200 if body is good else 400)
        if offering not in SEES[username] or username in ONLY_SEES:
            assert world.facts() == facts


@pytest.mark.parametrize("username", SEES)
def test_an_offering_that_one_does_not_see_is_not_told_from_none(world: World, username: str) -> None:
    for offering in [*sorted(ALL), uid(0xDEAD)]:
        facts = world.facts()
        response = register(world, username, offering=offering)
        if offering not in SEES[username]:
            error = {"offering": [f"Object with uuid={offering} does not exist."]}
            assert (response.status_code, response.get_json()) == (400, error)
            assert world.facts() == facts
        elif username in ONLY_SEES:
            assert (response.status_code, response.get_json()) == (403, FORBIDDEN)
            assert world.facts() == facts
        else:
            assert response.status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/version/"),
        ("GET", "/api/users/me/"),
        ("GET", IDENTITIES),
        ("POST", IDENTITIES),
        ("PUT", f"{IDENTITIES}{uid(1)}/"),
        ("POST", f"{IDENTITIES}{uid(1)}/register_service/"),
        ("GET", SERVICES),
        ("POST", f"{SERVICES}{uid(1)}/register_processor/"),
        ("GET", PROCESSORS),
    ],
)
def test_nobody_gets_anything_without_a_token(world: World, method: str, path: str) -> None:
    assert world.anonymous.send(method, path).status_code == 401


@pytest.mark.parametrize("uuid", [uid(0xDEAD), "zzz"])
def test_what_is_not_there_is_not_found(world: World, uuid: str) -> None:
    for response, kind in [
        (world.as_("staff").send("PUT", f"{IDENTITIES}{uuid}/", json=IDENTITY), "AgentIdentity"),
        (register_service(world, uuid), "AgentIdentity"),
        (register_processor(world, uuid), "AgentService"),
        (world.as_("staff").get(f"{PROCESSORS}{uuid}/"), "AgentProcessor"),
    ]:
        assert (response.status_code, response.get_json()) == (404, missing(kind))
