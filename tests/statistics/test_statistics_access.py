"""Who may see which statistics: one table of everybody there is."""

from collections.abc import Iterator

import pytest

from tests.conftest import database
from tests.statistics.reading import PROVIDER_OFFERINGS, STATISTICS, report
from tests.world import (
    CATALOGUE,
    OFFERING,
    OTHER_OFFERING,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    World,
    open_world,
    uid,
)

FORBIDDEN = {"detail": "You do not have permission to perform this action."}
UNSEEN = {"detail": "No Offering matches the given query."}
NAMES = [
    *("aggregated_usage_trends", "resources_missing_usage"),
    *("component_usages", "component_usages_per_month", "component_usages_per_project"),
]
SEE_ALL = ("staff", "support")
EVERYBODY = [user["username"] for user in CATALOGUE["users"] if user["username"] != "former-owner"]


@pytest.fixture(scope="module", name="readers")
def world_with_readers(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read: there is one usage, and the provider has a CUSTOMER.SUPPORT, too."""
    role = {"uuid": uid(0x901), "user_uuid": uid(0x900), "role_name": "CUSTOMER.SUPPORT"}
    with database(server, world_template) as url, open_world(url) as world:
        world.describe(
            users=[{"uuid": uid(0x900), "username": "provider-support"}],
            user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}],
        )
        report(world, RESOURCE, "2026-11-02", cpu=1)
        yield world


@pytest.mark.parametrize("name", NAMES)
def test_statistics_are_for_staff_and_support(readers: World, name: str) -> None:
    path = f"{STATISTICS}{name}/"
    anonymous = readers.anonymous.get(path)
    assert anonymous.status_code == readers.anonymous.post(path, {}).status_code == 401
    for user in EVERYBODY:
        read, written = readers.as_(user).get(path), readers.as_(user).post(path, {})
        if user in SEE_ALL:
            assert (read.status_code, written.status_code) == (200, 405)
        else:
            assert (read.status_code, read.get_json()) == (403, FORBIDDEN)
            assert (written.status_code, written.get_json()) == (403, FORBIDDEN)
            assert readers.as_(user).head(path).status_code == 403


def test_a_tag_of_others_opens_nothing(readers: World) -> None:
    path = f"{STATISTICS}component_usages/"
    known = {"If-None-Match": readers.as_("staff").get(path).headers["ETag"]}
    assert readers.as_("provider-owner").send("GET", path, headers=known).status_code == 403
    assert readers.as_("provider-owner").send("GET", path, headers={"If-None-Match": "*"}).status_code == 403


@pytest.mark.parametrize("path", [STATISTICS, f"{STATISTICS}nothing/"])
def test_there_are_no_other_statistics(readers: World, path: str) -> None:
    assert readers.as_("staff").get(path).status_code == 404


# What each user is answered of OFFERING, of another one of its provider, and of another provider's.
OF_OFFERINGS = {
    "staff": (200, 200, 200),
    "support": (200, 200, 200),
    "offering-manager": (403, 404, 404),
    "provider-owner": (200, 200, 404),
    "service-provider-manager": (200, 200, 404),
    "provider-support": (403, 403, 404),
    "consumer-owner": (404, 404, 404),
    "project-admin": (404, 404, 404),
    "project-manager": (404, 404, 404),
    "project-member": (404, 404, 404),
    "stranger": (404, 404, 404),
    "customer-support": (404, 404, 404),
}


def test_the_table_has_everybody() -> None:
    assert {*EVERYBODY, "provider-support"} == set(OF_OFFERINGS)


@pytest.mark.parametrize("user", OF_OFFERINGS)
def test_statistics_of_an_offering_are_for_those_who_may_see_its_providers(readers: World, user: str) -> None:
    offerings = (OFFERING, SECOND_OFFERING, OTHER_OFFERING)
    bodies = {403: FORBIDDEN, 404: UNSEEN}
    for offering, status, usages in zip(offerings, OF_OFFERINGS[user], ((1,), (), ()), strict=True):
        response = readers.as_(user).get(f"{PROVIDER_OFFERINGS}{offering}/component_stats/")
        assert response.status_code == status
        if status == 200:
            assert [float(row["usage"]) for row in response.get_json()] == [*usages]
        else:
            assert response.get_json() == bodies[status]


@pytest.mark.parametrize("offering", [uid(0xDEAD), "nonsense", RESOURCE])
def test_an_unknown_offering_is_not_found(readers: World, offering: str) -> None:
    response = readers.as_("staff").get(f"{PROVIDER_OFFERINGS}{offering}/component_stats/")
    assert (response.status_code, response.get_json()) == (404, UNSEEN)


def test_statistics_of_an_offering_need_a_token_and_are_only_read(readers: World) -> None:
    path = f"{PROVIDER_OFFERINGS}{OFFERING}/component_stats/"
    assert readers.anonymous.get(path).status_code == 401
    assert readers.as_("staff").post(path, {}).status_code == 405
