"""Who reads which facts: staff and support all of them, auditors those of their customers, others none."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from ledger import events
from projections.queries.audit.facts_of_customers import CUSTOMERS_BY
from tests.audit.reading import FEED, as_lines, lines_of, pages, stored
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    uid,
)
from web.api.audit import reading
from web.api.audit.reading import Readable

FORBIDDEN = {"detail": "You do not have permission to perform this action."}

OF_NOBODY = {
    *("TokenIssued", "TokenRevoked", "RequestDecided", "RequestAnswered", "UserDescribed", "RoleDescribed"),
    *("CategoryDescribed", "AgentIdentityDescribed", "AgentServiceDescribed", "AgentProcessorDescribed"),
    *("PersonForgotten", "ReadModelsVerified", "SigningKeyRotated"),
}
"""The facts that are for staff and support only."""

ROLE = {"uuid": uid(0x91), "user_uuid": uid(10), "role_name": "AUDITOR", "scope_type": "structure.customer"}


def make_auditor(world: World, customer: str, **changes: Any) -> None:
    """Makes the stranger one."""
    world.describe(user_roles=[ROLE | {"scope_uuid": customer} | changes])


@pytest.fixture(name="busy")
def busy_world(world: World) -> World:
    """A world in which every list of a catalogue has something of each customer."""
    for resource in (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE):
        world.report(resource=resource, usages=[{"type": "cpu", "amount": 10}])
        world.report_user(world.usages(resource_uuid=resource)[0]["uuid"], username="ann", usage=1)
    offerings = {each["uuid"]: each["offering_uuid"] for each in CATALOGUE["resources"]}
    plans = {each["uuid"]: each["plan_uuid"] for each in CATALOGUE["resources"]}
    components = {each["offering_uuid"]: each["uuid"] for each in CATALOGUE["offering_components"]}
    for number, resource in enumerate((RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE)):
        component = components[offerings[resource]]
        world.describe(
            plan_components=[{"plan_uuid": plans[resource], "component_uuid": component, "price": "1.5"}],
            plan_periods=[
                {"uuid": uid(0x500 + number), "resource_uuid": resource, "plan_uuid": plans[resource]}
            ],
        )
    return world


def owners(world: World) -> list[tuple[int, str, set[str]]]:
    """Position and topic of each fact with the customers that it is of, told from the catalogue of tests."""
    projects = {each["uuid"]: {each["customer_uuid"]} for each in CATALOGUE["projects"]}
    offerings = {each["uuid"]: {each["customer_uuid"]} for each in CATALOGUE["offerings"]}
    plans = {each["uuid"]: offerings[each["offering_uuid"]] for each in CATALOGUE["plans"]}
    resources = {
        each["uuid"]: projects[each["project_uuid"]] | offerings[each["offering_uuid"]]
        for each in CATALOGUE["resources"]
    }
    by_topic: dict[str, Callable[[dict[str, Any]], set[str]]] = {
        "CustomerDescribed": lambda entity: {entity["uuid"]},
        "ProjectDescribed": lambda entity: projects[entity["uuid"]],
        "ServiceProviderDescribed": lambda entity: {entity["customer_uuid"]},
        "OfferingDescribed": lambda entity: offerings[entity["uuid"]],
        "ComponentDescribed": lambda entity: offerings[entity["offering_uuid"]],
        "PlanDescribed": lambda entity: plans[entity["uuid"]],
        "PlanComponentDescribed": lambda entity: plans[entity["plan_uuid"]],
        "OfferingUserDescribed": lambda entity: offerings[entity["offering_uuid"]],
        "ResourceDescribed": lambda entity: resources[entity["uuid"]],
        "PlanPeriodDescribed": lambda entity: resources[entity["resource_uuid"]],
        "UsageReported": lambda report: {report["customer_uuid"], report["provider_uuid"]},
        "UserUsageReported": lambda report: {report["customer_uuid"], report["provider_uuid"]},
    }
    found = []
    for position, topic, state in stored(world):
        fact = orjson.loads(state)
        of = by_topic[topic](fact.get("entity", fact)) if topic in by_topic else set()
        found.append((position, topic, of))
    return found


def test_the_tables_name_every_kind_of_fact() -> None:
    kinds = {each.TOPIC for each in vars(events).values() if hasattr(each, "TOPIC")}
    assert kinds == CUSTOMERS_BY.keys() | OF_NOBODY
    assert not CUSTOMERS_BY.keys() & OF_NOBODY


def test_without_the_role_only_staff_and_support_read_facts(world: World) -> None:
    for user in [each["username"] for each in CATALOGUE["users"]]:
        response, lines = world.as_(user).get(FEED, limit=1000), as_lines(world.as_(user))
        if user in ("staff", "support"):
            everything = [at for at, *_ in stored(world)]
            assert [int(each["id"]) for each in response.get_json()] == everything
            assert [int(each["id"]) for each in lines_of(lines)] == everything
        else:
            assert (response.status_code, response.get_json()) == (403, FORBIDDEN), user
            assert (lines.status_code, lines.get_json()) == (403, FORBIDDEN), user


def test_nobody_reads_without_a_token(world: World) -> None:
    assert world.anonymous.get(FEED).status_code == 401


@pytest.mark.parametrize("customer", [PROVIDER, CONSUMER, OTHER_CONSUMER, OTHER_PROVIDER])
def test_an_auditor_reads_the_facts_of_their_customer_and_no_other(busy: World, customer: str) -> None:
    make_auditor(busy, customer)
    expected = [(str(at), topic) for at, topic, of in owners(busy) if customer in of]
    kinds = {topic for _, topic in expected}
    assert {"CustomerDescribed", "UsageReported", "UserUsageReported", "ResourceDescribed"} <= kinds
    assert {"PlanPeriodDescribed"} <= kinds
    assert ("PlanComponentDescribed" in kinds) == (customer in (PROVIDER, OTHER_PROVIDER))
    auditor = busy.as_("stranger")
    for read in (pages(auditor, 3), pages(auditor, 1000), lines_of(as_lines(auditor))):
        assert [(each["id"], each["type"]) for each in read] == expected


def test_an_auditor_of_two_customers_reads_the_facts_of_both(busy: World) -> None:
    make_auditor(busy, CONSUMER)
    make_auditor(busy, OTHER_CONSUMER, uuid=uid(0x92))
    expected = [str(at) for at, _, of in owners(busy) if of & {CONSUMER, OTHER_CONSUMER}]
    assert [each["id"] for each in pages(busy.as_("stranger"), 1000)] == expected


@pytest.mark.parametrize(
    ("scope_type", "scope"),
    [("structure.project", PROJECT), ("marketplace.serviceprovider", SERVICE_PROVIDER)],
)
def test_an_auditor_of_less_than_a_customer_reads_none(world: World, scope_type: str, scope: str) -> None:
    make_auditor(world, scope, scope_type=scope_type)
    assert world.as_("stranger").get(FEED).status_code == 403


def test_an_auditor_whose_role_ended_reads_none(world: World) -> None:
    make_auditor(world, CONSUMER)
    assert world.as_("stranger").get(FEED).status_code == 200
    make_auditor(world, CONSUMER, is_active=False)
    assert world.as_("stranger").get(FEED).status_code == 403


def test_a_resource_is_followed_to_the_customer_that_its_project_has_now(world: World) -> None:
    make_auditor(world, OTHER_CONSUMER)
    (project,) = (each for each in CATALOGUE["projects"] if each["uuid"] == PROJECT)
    before = {each["data"]["entity"]["uuid"] for each in pages(world.as_("stranger"), 1000)}
    world.describe(projects=[project | {"customer_uuid": OTHER_CONSUMER}])
    after = {each["data"]["entity"]["uuid"] for each in pages(world.as_("stranger"), 1000)}
    assert after - before == {PROJECT, RESOURCE}


def test_what_looks_like_an_id_in_free_text_or_options_tells_nothing(world: World) -> None:
    make_auditor(world, OTHER_CONSUMER)
    lure = f'"customer_uuid":"{OTHER_CONSUMER}"'
    world.report(usages=[{"type": "cpu", "amount": 1, "description": lure}])
    (resource,) = (each for each in CATALOGUE["resources"] if each["uuid"] == RESOURCE)
    world.describe(resources=[resource | {"backend_metadata": {"customer_uuid": OTHER_CONSUMER}}])
    read = pages(world.as_("stranger"), 1000)
    assert {each["type"] for each in read} == {"CustomerDescribed", "ProjectDescribed", "ResourceDescribed"}
    assert RESOURCE not in {each["data"]["entity"]["uuid"] for each in read}


def test_an_auditor_reads_the_usage_of_their_customer_as_its_owner_does(busy: World) -> None:
    make_auditor(busy, CONSUMER)
    for path in (
        f"/api/marketplace-customer-usage/{CONSUMER}/components-usage/",
        f"/api/marketplace-project-usage/{PROJECT}/components-usage/",
        "/api/marketplace-component-usages/",
    ):
        as_owner, as_auditor = busy.as_("consumer-owner").get(path), busy.as_("stranger").get(path)
        assert (as_auditor.status_code, as_auditor.data) == (200, as_owner.data)
    assert busy.report(by="stranger", usages=[{"type": "cpu", "amount": 1}]).status_code == 403


def test_blocks_of_any_size_have_the_same_facts(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    last = stored(busy)[-3][0]
    for customers in (None, [UUID(CONSUMER)]):
        readable = Readable(busy.services, customers)
        whole = [each.id for each in readable.page(0, last, 1_000)]
        assert whole[-1] <= last
        for span in (1, 4, 1_000):
            monkeypatch.setattr(reading, "SPAN", span)
            for size in (1, 3):
                blocks = readable.blocks(0, last, size)
                assert [each.id for block in blocks for each in block] == whole
