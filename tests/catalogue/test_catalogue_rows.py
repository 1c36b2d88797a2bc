"""What the lists of the catalogue show, in which order, and what they can be restricted to."""

from typing import Any
from uuid import UUID

import pytest
from waldur_api_client.models import OfferingState, ResourceState

from tests.api.monthly import entity
from tests.catalogue.reading import (
    CONSUMED,
    HOST,
    NOW,
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
    BASIC,
    CATEGORY,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    uid,
)
from web.wire.responses.catalogue import OFFERING_STATES, RESOURCE_STATES


def one(world: World, path: str, uuid: str) -> dict[str, Any]:
    found: dict[str, Any] = world.as_("staff").get(f"{path}{uuid}/").get_json()
    return found


def test_an_offering_has_its_components(catalogued: World) -> None:
    offering = one(catalogued, OFFERINGS, OFFERING)
    components = {each["type"]: each for each in offering.pop("components")}
    assert offering == {
        "url": f"{HOST}/marketplace-provider-offerings/{OFFERING}/",
        "uuid": OFFERING,
        "created": NOW,
        "name": "Cluster",
        "slug": "",
        "description": "",
        "customer": f"{HOST}/customers/{PROVIDER}/",
        "customer_uuid": PROVIDER,
        "customer_name": "Provider",
        "project_uuid": None,
        "project_name": None,
        "category_uuid": CATEGORY,
        "category_title": "HPC",
        "parent_uuid": None,
        "parent_name": None,
        "state": "Active",
        "type": "Marketplace.Slurm",
        "backend_id": "",
        "plugin_options": {"account": "a, ö"},
        "partitions": [],
    }
    assert list(components) == ["cpu", "fee", "gpu", "seats", "setup"]
    cpu = {
        "uuid": CPU,
        "offering_uuid": OFFERING,
        "billing_type": "usage",
        "type": "cpu",
        "name": "CPU",
        "description": "",
        "measured_unit": "hours",
        "unit_factor": 1,
        "limit_period": "month",
        "limit_amount": None,
        "is_prepaid": False,
    }
    gpu = cpu | {
        "uuid": GPU,
        "billing_type": "limit",
        "type": "gpu",
        "name": "GPU",
        "description": "Cards",
        "measured_unit": "GPU hours",
        "unit_factor": 60,
        "limit_amount": 10.5,
        "is_prepaid": True,
    }
    assert (components["cpu"], components["gpu"]) == (cpu, gpu)


def test_an_offering_tells_which_attributes_of_users_it_gets(catalogued: World) -> None:
    config = one(catalogued, OFFERINGS, f"{OFFERING}/user-attribute-config")
    assert config == {
        "uuid": config["uuid"],
        "created": NOW,
        "modified": NOW,
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "exposed_fields": ["username"],
        "expose_username": True,
        "is_default": True,
    }
    assert config["uuid"] not in (OFFERING, UUID(int=0).hex)


def test_a_service_provider_is_a_customer(catalogued: World) -> None:
    assert one(catalogued, SERVICE_PROVIDERS, SERVICE_PROVIDER) == {
        "url": f"{HOST}/marketplace-service-providers/{SERVICE_PROVIDER}/",
        "uuid": SERVICE_PROVIDER,
        "created": NOW,
        "description": "",
        "customer": f"{HOST}/customers/{PROVIDER}/",
        "customer_name": "Provider",
        "customer_uuid": PROVIDER,
        "customer_abbreviation": "",
        "customer_slug": "",
        "organization_groups": [],
        "offering_count": 2,
    }


RESOURCE_ROW = {
    "url": f"{HOST}/marketplace-resources/{RESOURCE}/",
    "uuid": RESOURCE,
    "name": "Resource",
    "slug": "res",
    "description": "",
    "backend_id": "hpc_1",
    "effective_id": "",
    "state": "OK",
    "created": "2026-01-01T00:00:00+00:00",
    "modified": NOW,
    "offering": f"{HOST}/marketplace-public-offerings/{OFFERING}/",
    "offering_uuid": OFFERING,
    "offering_name": "Cluster",
    "offering_slug": "",
    "offering_type": "Marketplace.Slurm",
    "offering_backend_id": "",
    "provider_uuid": PROVIDER,
    "provider_name": "Provider",
    "category_uuid": CATEGORY,
    "category_title": "HPC",
    "plan_uuid": BASIC,
    "plan_name": "Basic",
    "project": f"{HOST}/projects/{PROJECT}/",
    "project_uuid": PROJECT,
    "project_name": "Project",
    "project_slug": "",
    "customer_uuid": CONSUMER,
    "customer_name": "Consumer",
    "customer_slug": "",
    "limits": {"gpu": 5},
    "attributes": {"a": [1, None]},
    "backend_metadata": {"cpu": {"n": 1}},
    "current_usages": {"cpu": 12.5, "gpu": 3, "setup": 1},
    "offering_plugin_options": {"account": "a, ö"},
    "is_usage_based": True,
    "is_limit_based": True,
    "end_date": None,
}

PLAIN: dict[str, Any] = {
    "url": f"{HOST}/marketplace-resources/{PLAIN_RESOURCE}/",
    "uuid": PLAIN_RESOURCE,
    "name": "Plain",
    "slug": "",
    "backend_id": "",
    "state": "Erred",
    "created": NOW,
    "category_title": "",
    "plan_uuid": None,
    "plan_name": None,
    "limits": {},
    "attributes": {},
    "backend_metadata": {},
    "current_usages": {},
    "offering_plugin_options": {},
    "is_usage_based": True,
    "is_limit_based": False,
}


@pytest.mark.parametrize("path", [RESOURCES, CONSUMED])
def test_a_resource_is_the_same_object_on_both_paths(catalogued: World, path: str) -> None:
    assert one(catalogued, path, RESOURCE) == RESOURCE_ROW
    plain = one(catalogued, path, PLAIN_RESOURCE)
    assert {name: plain[name] for name in PLAIN} == PLAIN
    assert plain.keys() == RESOURCE_ROW.keys() - {"category_uuid"}, "clients take no null for it"
    assert all(plain[name] is not None for name in plain if not name.startswith(("plan_", "end_")))


def test_current_usages_are_of_the_last_month_of_each_component_with_all_of_its_plans(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    world.describe(
        resource_plan_periods=[
            {"uuid": uid(0x61), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": switch},
            {"uuid": uid(0x62), "resource_uuid": RESOURCE, "plan_uuid": uid(0xB2), "start": switch},
        ]
    )
    world.report(
        date="2026-09-05", usages=[{"type": "setup", "amount": "2.20"}, {"type": "cpu", "amount": 9}]
    )
    world.report(date="2026-11-05", usages=[{"type": "cpu", "amount": 10}])
    world.report(usages=[{"type": "cpu", "amount": "25.5"}])
    [row] = rows(world, RESOURCES, offering_uuid=OFFERING, field="current_usages")
    assert row == {"current_usages": {"cpu": 25.5, "setup": 2.2}}


def test_an_offering_user_has_a_username_and_perhaps_an_account(catalogued: World) -> None:
    member, nameless, _ = rows(catalogued, OFFERING_USERS)
    assert member == {
        "url": f"{HOST}/marketplace-offering-users/{OFFERING_USER}/",
        "uuid": OFFERING_USER,
        "user": f"{HOST}/users/{uid(9)}/",
        "offering": f"{HOST}/marketplace-provider-offerings/{OFFERING}/",
        "username": "member01",
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "user_uuid": uid(9),
        "user_username": "project-member",
        "created": NOW,
        "modified": NOW,
        "customer_uuid": PROVIDER,
        "customer_name": "Provider",
        "is_restricted": False,
    }
    assert (nameless["user"], nameless["username"], nameless["user_username"]) == (None, "", "")
    assert nameless.keys() == member.keys() - {"user_uuid"}, "clients take no null for it"


@pytest.mark.parametrize(
    ("path", "asked", "shown"),
    [
        (OFFERINGS, ["components", "customer_uuid"], ["customer_uuid", "components"]),
        (RESOURCES, ["name", "uuid", "bogus", "backend_id"], ["uuid", "name", "backend_id"]),
        (RESOURCES, ["created"], ["created"]),
        (SERVICE_PROVIDERS, ["uuid"], ["uuid"]),
        (OFFERING_USERS, ["user_uuid", "username"], ["username", "user_uuid"]),
    ],
)
def test_only_the_fields_that_are_asked_for_are_shown_in_their_order(
    catalogued: World, path: str, asked: list[str], shown: list[str]
) -> None:
    found = {tuple(row) for row in rows(catalogued, path, field=asked)}
    assert tuple(shown) in found
    assert found <= {tuple(shown), tuple(name for name in shown if name != "user_uuid")}


def test_without_any_known_field_all_are_shown_and_without_a_value_an_empty_object(catalogued: World) -> None:
    assert rows(catalogued, RESOURCES, field="bogus") == rows(catalogued, RESOURCES)
    [row] = rows(catalogued, OFFERING_USERS, offering_uuid=SECOND_OFFERING, field="user_uuid")
    assert row == {}


FOUR = [PLAIN_RESOURCE, RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, FOUR),
        ({"offering_uuid": OFFERING}, [RESOURCE]),
        ({"offering_uuid": [OFFERING, str(UUID(OTHER_OFFERING))]}, [RESOURCE, OTHER_RESOURCE]),
        ({"offering_uuid": uid(0xDEAD)}, []),
        ({"offering_uuid": ""}, FOUR),
        ({"state": "Erred"}, [PLAIN_RESOURCE]),
        ({"state": ["OK", "Erred"]}, FOUR),
        ({"state": "Creating"}, []),
        ({"project_uuid": PROJECT}, [PLAIN_RESOURCE, RESOURCE]),
        ({"project_uuid": SECOND_PROJECT}, [SECOND_RESOURCE]),
        ({"customer_uuid": OTHER_CONSUMER}, [OTHER_RESOURCE]),
        ({"customer_uuid": PROVIDER}, []),
        ({"provider_uuid": PROVIDER}, [PLAIN_RESOURCE, RESOURCE, SECOND_RESOURCE]),
        ({"provider_uuid": OTHER_PROVIDER, "state": "OK"}, [OTHER_RESOURCE]),
        ({"name": "RESOURCE"}, [RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"name": "_"}, []),
        ({"name_exact": "Resource"}, [RESOURCE]),
        ({"project_name": "second"}, [SECOND_RESOURCE]),
        ({"slug": "res"}, [RESOURCE]),
        ({"backend_id": "hpc_1"}, [RESOURCE]),
        ({"plan_uuid": BASIC}, [RESOURCE]),
        ({"category_uuid": CATEGORY}, [RESOURCE]),
        ({"parent_offering_uuid": OFFERING}, []),
        ({"offering_type": "Basic"}, [OTHER_RESOURCE]),
        ({"limit_based": "true"}, [RESOURCE]),
        ({"limit_based": "False"}, [PLAIN_RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"usage_based": "true"}, FOUR),
        ({"created": "2026-06-01T00:00:00Z"}, [PLAIN_RESOURCE]),
        ({"created_before": "2026-01-01"}, [RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"modified": "2026-11-15T12:00:01Z"}, []),
        ({"modified_before": NOW}, FOUR),
        ({"o": "name"}, [OTHER_RESOURCE, PLAIN_RESOURCE, RESOURCE, SECOND_RESOURCE]),
        ({"o": "-state"}, [PLAIN_RESOURCE, RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE]),
        ({"o": "project_name,-name"}, [OTHER_RESOURCE, RESOURCE, PLAIN_RESOURCE, SECOND_RESOURCE]),
    ],
)
def test_resources_are_found_by_what_the_client_can_ask_for(
    catalogued: World, query: dict[str, Any], expected: list[str]
) -> None:
    assert uuids(catalogued, RESOURCES, **query) == expected


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (OFFERINGS, {}, [OFFERING, SECOND_OFFERING, OTHER_OFFERING]),
        (OFFERINGS, {"customer_uuid": OTHER_PROVIDER}, [OTHER_OFFERING]),
        (OFFERINGS, {"state": ["Active", "Draft"]}, [OFFERING, SECOND_OFFERING, OTHER_OFFERING]),
        (OFFERINGS, {"state": "Draft"}, []),
        (OFFERINGS, {"type": ["Basic", "Marketplace.Slurm"]}, [OFFERING, OTHER_OFFERING]),
        (OFFERINGS, {"name": "CL"}, [OFFERING, SECOND_OFFERING]),
        (OFFERINGS, {"name_exact": "Cloud"}, [SECOND_OFFERING]),
        (OFFERINGS, {"category_uuid": CATEGORY}, [OFFERING]),
        (OFFERINGS, {"o": "name"}, [SECOND_OFFERING, OFFERING, OTHER_OFFERING]),
        (SERVICE_PROVIDERS, {"customer_uuid": PROVIDER}, [SERVICE_PROVIDER]),
        (SERVICE_PROVIDERS, {"customer_uuid": CONSUMER}, []),
        (SERVICE_PROVIDERS, {"o": "-customer_name"}, [SERVICE_PROVIDER]),
        (OFFERING_USERS, {}, [OFFERING_USER, SECOND_USER, OTHER_USER]),
        (OFFERING_USERS, {"offering_uuid": OFFERING, "is_restricted": "false"}, [OFFERING_USER]),
        (OFFERING_USERS, {"is_restricted": "True"}, []),
        (OFFERING_USERS, {"provider_uuid": OTHER_PROVIDER}, [OTHER_USER]),
        (OFFERING_USERS, {"user_uuid": uid(9)}, [OFFERING_USER]),
        (OFFERING_USERS, {"user_username": "project-manager"}, [OTHER_USER]),
        (OFFERING_USERS, {"username": "other"}, [OTHER_USER]),
        (OFFERING_USERS, {"username": "othe"}, []),
        (OFFERING_USERS, {"o": "-username"}, [OTHER_USER, OFFERING_USER, SECOND_USER]),
    ],
)
def test_the_other_lists_are_found_by_what_the_client_can_ask_for(
    catalogued: World, path: str, query: dict[str, Any], expected: list[str]
) -> None:
    assert uuids(catalogued, path, **query) == expected


@pytest.mark.parametrize(
    ("path", "name", "value", "message"),
    [
        (RESOURCES, "offering_uuid", "zzz", "Enter a valid UUID."),
        (RESOURCES, "state", "ok", "Select a valid choice. ok is not one of the available choices."),
        (RESOURCES, "created", "yesterday", "Enter a valid date/time."),
        (RESOURCES, "o", "bogus", "Select a valid choice. bogus is not one of the available choices."),
        (RESOURCES, "limit_based", "x", "Select a valid choice. x is not one of the available choices."),
        (OFFERINGS, "state", "2", "Select a valid choice. 2 is not one of the available choices."),
        (SERVICE_PROVIDERS, "customer_uuid", "1", "Enter a valid UUID."),
        (OFFERING_USERS, "user_uuid", "1", "Enter a valid UUID."),
    ],
)
def test_a_value_that_is_none_is_refused_by_name(
    catalogued: World, path: str, name: str, value: str, message: str
) -> None:
    response = catalogued.as_("staff").get(path, **{name: value})
    assert (response.status_code, response.get_json()) == (400, {name: [message]})


def test_pages_follow_each_other(catalogued: World) -> None:
    response = catalogued.as_("staff").get(RESOURCES, page_size=3)
    assert response.headers["X-Result-Count"] == "4"
    assert f'<http://localhost{RESOURCES}?page=2&page_size=3>; rel="next"' in response.headers["Link"]
    found = [*response.get_json(), *rows(catalogued, RESOURCES, page_size=3, page=2)]
    assert [row["uuid"] for row in found] == FOUR


def test_states_are_told_in_the_words_of_the_client(world: World) -> None:
    for word, state in RESOURCE_STATES.items():
        world.describe(resources=[entity("resources", RESOURCE, state=int(state))])
        assert one(world, RESOURCES, RESOURCE)["state"] == word
        assert RESOURCE in uuids(world, RESOURCES, state=word)
    for number in range(7):
        world.describe(offerings=[entity("offerings", OFFERING, state=number)])
        word = {int(state): word for word, state in OFFERING_STATES.items()}.get(number, "Unavailable")
        assert one(world, OFFERINGS, OFFERING)["state"] == word
    assert set(RESOURCE_STATES) == {each.value for each in ResourceState}
    assert set(OFFERING_STATES) == {each.value for each in OfferingState}


def test_the_name_of_a_forgotten_person_is_empty(world: World) -> None:
    with world.ledger.pool.connection() as connection:
        connection.execute("UPDATE read_models.offering_user SET username = NULL")
    assert [row["username"] for row in rows(world, OFFERING_USERS)] == [""]
