"""Who sees what of the catalogue: each endpoint, everybody there is, and everything that is not theirs."""

from typing import Any

import pytest

from tests.catalogue.reading import (
    CONSUMED,
    OFFERING_USERS,
    OFFERINGS,
    OTHER_USER,
    PLAIN_RESOURCE,
    RESOURCES,
    SECOND_USER,
    SERVICE_PROVIDERS,
    rows,
    uuids,
)
from tests.world import (
    CATALOGUE,
    OFFERING,
    OFFERING_USER,
    OTHER_OFFERING,
    OTHER_RESOURCE,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    uid,
)

ALL = {
    OFFERINGS: {OFFERING, SECOND_OFFERING, OTHER_OFFERING},
    SERVICE_PROVIDERS: {SERVICE_PROVIDER},
    RESOURCES: {RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE, PLAIN_RESOURCE},
    CONSUMED: {RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE, PLAIN_RESOURCE},
    OFFERING_USERS: {OFFERING_USER, SECOND_USER, OTHER_USER},
}
PROVIDED = {
    OFFERINGS: {OFFERING, SECOND_OFFERING},
    SERVICE_PROVIDERS: {SERVICE_PROVIDER},
    RESOURCES: {RESOURCE, SECOND_RESOURCE, PLAIN_RESOURCE},
    CONSUMED: {RESOURCE, SECOND_RESOURCE, PLAIN_RESOURCE},
    OFFERING_USERS: {OFFERING_USER, SECOND_USER},
}
OF_CUSTOMER = {CONSUMED: {RESOURCE, SECOND_RESOURCE, PLAIN_RESOURCE}}
OF_PROJECT = {CONSUMED: {RESOURCE, PLAIN_RESOURCE}}

SEES: dict[str, dict[str, set[str]]] = {
    "staff": ALL,
    "support": ALL,
    "offering-manager": {
        OFFERINGS: {OFFERING},
        SERVICE_PROVIDERS: {SERVICE_PROVIDER},
        RESOURCES: {RESOURCE},
        CONSUMED: {RESOURCE},
        OFFERING_USERS: {OFFERING_USER},
    },
    "provider-owner": PROVIDED,
    "service-provider-manager": PROVIDED,
    "consumer-owner": OF_CUSTOMER,
    "project-admin": OF_PROJECT,
    "project-manager": OF_PROJECT,
    "project-member": OF_PROJECT,
    "stranger": {},
    "customer-support": OF_CUSTOMER,
    "former-owner": {},
}
"""The uuids of what each user sees, by path."""

KINDS = {
    OFFERINGS: "Offering",
    SERVICE_PROVIDERS: "ServiceProvider",
    RESOURCES: "Resource",
    CONSUMED: "Resource",
    OFFERING_USERS: "OfferingUser",
}
BELOW = {OFFERINGS: ["user-attribute-config/"]}


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("path", [OFFERINGS, SERVICE_PROVIDERS, RESOURCES, OFFERING_USERS])
@pytest.mark.parametrize("username", SEES)
def test_a_list_has_what_a_user_sees_and_counts_it(catalogued: World, username: str, path: str) -> None:
    seen = SEES[username].get(path, set())
    found = uuids(catalogued, path, by=username)
    assert (set(found), len(found)) == (seen, len(seen))


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("username", SEES)
def test_a_single_one_is_shown_to_those_who_see_it_and_not_there_for_others(
    catalogued: World, username: str, path: str
) -> None:
    missing = (404, {"detail": f"No {KINDS[path]} matches the given query."})
    for uuid in [*sorted(ALL[path]), uid(0xDEAD), "rubbish"]:
        whole = catalogued.as_("staff").get(f"{path}{uuid}/").get_json()
        expected: tuple[int, Any] = missing
        if uuid in SEES[username].get(path, set()):
            expected = (200, whole)
        response = catalogued.as_(username).get(f"{path}{uuid}/")
        assert (response.status_code, response.get_json()) == expected
        for below in BELOW.get(path, ()):
            response = catalogued.as_(username).get(f"{path}{uuid}/{below}")
            assert response.status_code == expected[0]
            assert expected[0] == 200 or response.get_json() == missing[1]


def test_a_foreign_filter_finds_nothing(catalogued: World) -> None:
    for path in (RESOURCES, OFFERING_USERS):
        assert uuids(catalogued, path, by="offering-manager", offering_uuid=SECOND_OFFERING) == []
        both = uuids(catalogued, path, by="offering-manager", offering_uuid=[OFFERING, SECOND_OFFERING])
        assert both == uuids(catalogued, path, by="offering-manager")


@pytest.mark.parametrize("path", KINDS)
def test_nobody_is_told_anything_without_a_token(catalogued: World, path: str) -> None:
    for url in (path, f"{path}{sorted(ALL[path])[0]}/"):
        expected = 404 if url == CONSUMED else 401
        assert catalogued.anonymous.get(url).status_code == expected


@pytest.mark.parametrize("path", [OFFERINGS, SERVICE_PROVIDERS, RESOURCES, OFFERING_USERS])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_here(catalogued: World, path: str, method: str) -> None:
    for url in (path, f"{path}{sorted(ALL[path])[0]}/"):
        assert catalogued.as_("staff").send(method, url, json={}).status_code == 405


def test_the_count_is_that_of_the_list_for_any_filter(catalogued: World) -> None:
    for by in ("staff", "provider-owner", "offering-manager", "consumer-owner"):
        for row in rows(catalogued, RESOURCES):
            for name in ("offering_uuid", "project_uuid", "customer_uuid", "provider_uuid", "state"):
                mine = rows(catalogued, RESOURCES, by=by)
                expected = [each["uuid"] for each in mine if each[name] == row[name]]
                assert uuids(catalogued, RESOURCES, by=by, **{name: row[name]}) == expected
                state = [each["uuid"] for each in mine if each[name] == row[name] and each["state"] == "OK"]
                if name != "state":
                    assert uuids(catalogued, RESOURCES, by=by, state="OK", **{name: row[name]}) == state
