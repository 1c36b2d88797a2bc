"""Projects and customers: who sees their usage, and queries that are refused."""

from typing import Any

import pytest

from tests.api.scopes import EMPTY, KINDS, MAY_15, PERIODS, catalogue, path, read
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    PROJECT,
    PROVIDER,
    SECOND_PROJECT,
    World,
    uid,
)

SEES = {
    "staff": (20.0, 25.0),
    "support": (20.0, 25.0),
    "offering-manager": (None, None),
    "provider-owner": (None, None),
    "service-provider-manager": (None, None),
    "consumer-owner": (20.0, 25.0),
    "project-admin": (20.0, 20.0),
    "project-manager": (20.0, 20.0),
    "project-member": (20.0, 20.0),
    "stranger": (None, None),
    "customer-support": (None, 0.0),
    "former-owner": (None, None),
}
"""What each user sees of the month in the project and in its customer; None: they don't find it."""


# Who sees what


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("username", SEES)
def test_a_user_sees_the_figures_of_the_resources_that_they_may_list(
    used: World, username: str, kind: str
) -> None:
    expected = SEES[username][list(KINDS).index(kind)]
    query = {"offering_uuid": PERIODS, "component_type": "m"}
    if expected is None:
        for action in ("", "-timeseries"):
            missing = {"detail": f"No {kind.capitalize()} matches the given query."}
            response = used.as_(username).get(path(kind, action))
            assert (response.status_code, response.get_json()) == (404, missing)
        return
    rows = read(used, kind, by=username)["components"]
    assert [each["limit_usage"] for each in rows if each["type"] == "m"] == [expected] * bool(rows)
    assert bool(rows) == bool(expected)
    series = read(used, kind, "-timeseries", by=username, **query)["buckets"]
    assert [each["usage"] for each in series[-1:]] == [expected] * bool(expected)
    if kind == "customer":
        split = read(used, kind, "-by-project", by=username, **query)
        assert split["total_usage"] == expected
        assert sum(each["usage"] for each in split["projects"]) == expected


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "in_project", "in_customer"),
    [
        ("PROJECT.MEMBER", "structure.project", SECOND_PROJECT, 404, [5.0]),
        ("CUSTOMER.OWNER", "structure.customer", CONSUMER, 200, [25.0]),
        ("CUSTOMER.MANAGER", "structure.customer", CONSUMER, 404, []),
        ("Anything of their own", "structure.customer", CONSUMER, 404, []),
        ("Anything of their own", "structure.project", PROJECT, 404, []),
        ("CUSTOMER.OWNER", "structure.customer", PROVIDER, 404, None),
        ("CUSTOMER.OWNER", "structure.customer", OTHER_PROVIDER, 404, None),
        ("CUSTOMER.OWNER", "marketplace.offering", PERIODS, 404, None),
        ("PROJECT.MEMBER", "structure.project", OTHER_PROJECT, 404, None),
    ],
)
def test_a_role_shows_what_it_permits_from_the_next_request_on(
    world: World,
    role_name: str,
    scope_type: str,
    scope_uuid: str,
    in_project: int,
    in_customer: list[float] | None,
) -> None:
    world.now = MAY_15
    world.describe(**catalogue())
    role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": role_name}
    world.describe(user_roles=[role | {"scope_type": scope_type, "scope_uuid": scope_uuid}])
    assert world.as_("stranger").get(path("project", "")).status_code == in_project
    response = world.as_("stranger").get(path("customer", ""))
    rows = response.get_json().get("components")
    seen = None if rows is None else [each["limit_usage"] for each in rows if each["type"] == "m"]
    assert seen == in_customer


def test_a_customer_is_not_found_through_a_project_that_was_removed(world: World) -> None:
    assert world.as_("project-admin").get(path("customer", "")).status_code == 200
    world.describe(projects=[{**CATALOGUE["projects"][0], "is_removed": True}])
    assert world.as_("project-admin").get(path("customer", "")).status_code == 404


REQUIRED = (400, {"offering_uuid": "This query parameter is required."})


NO_OFFERING = (404, {"detail": "Offering not found."})


NO_INTEGER = (400, {"period_offset": "Must be an integer."})


NO_COMPONENT = (404, {"detail": "No matching component on this offering."})


ACTIONS = [("project", "-timeseries"), ("customer", "-timeseries"), ("customer", "-by-project")]


# Refusals


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", REQUIRED),
        ("offering_uuid=&period_offset=x", REQUIRED),
        (f"offering_uuid={PERIODS}&offering_uuid=", REQUIRED),
        ("offering_uuid=x&period_offset=x", NO_OFFERING),
        (f"offering_uuid={uid(0xDEAD)}&period_offset=x", NO_OFFERING),
        (f"offering_uuid=x&offering_uuid={EMPTY}", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=bogus&period_offset=x", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1.5", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=7974", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=-2026", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset={10**30}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1{'0' * 4299}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1{'0' * 4300}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&component_type=bogus", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=M", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=%00", NO_COMPONENT),
        (f"offering_uuid={EMPTY}", NO_COMPONENT),
    ],
)
def test_a_query_is_refused_in_the_words_and_the_order_of_the_reference(
    used: World, kind: str, action: str, query: str, expected: tuple[int, Any]
) -> None:
    response = used.as_("staff").send("GET", path(kind, action), query_string=query)
    assert (response.status_code, response.get_json()) == expected


@pytest.mark.parametrize("uuid", [uid(0xDEAD), "x", OFFERING])
@pytest.mark.parametrize(("kind", "action"), [("project", ""), ("customer", ""), *ACTIONS])
def test_what_there_is_not_is_not_found_whatever_the_query_says(
    used: World, kind: str, action: str, uuid: str
) -> None:
    response = used.as_("staff").get(path(kind, action, uuid))
    missing = {"detail": f"No {kind.capitalize()} matches the given query."}
    assert (response.status_code, response.get_json()) == (404, missing)


@pytest.mark.parametrize(("kind", "action"), [("project", ""), ("customer", ""), *ACTIONS])
def test_usage_can_only_be_read_and_by_nobody_anonymous(used: World, kind: str, action: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = used.as_("staff").send(method, path(kind, action))
        assert response.get_json() == {"detail": f'Method "{method}" not allowed.'}
        assert response.status_code == 405
    for method in ("GET", "POST"):
        assert used.anonymous.send(method, path(kind, action)).status_code == 401


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_list_and_nothing_at_a_bare_id(used: World, kind: str) -> None:
    for end in ("", f"{KINDS[kind]}/"):
        response = used.as_("staff").get(f"/api/marketplace-{kind}-usage/{end}")
        assert (response.status_code, response.get_json()) == (404, {"detail": "Not found."})
