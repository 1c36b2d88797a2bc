"""Who proposes corrections, takes their steps, and sees them."""

from typing import Any
from uuid import UUID

import pytest

from ledger.domain.access import TokenUses
from tests.audit.reading import as_lines, lines_of
from tests.billing.correcting import (
    CORRECTIONS,
    SECOND,
    applied,
    item,
    october,
    propose,
    proposed,
    shown,
    take,
)
from tests.world import CONSUMER, OFFERING, PROVIDER, SECOND_OFFERING, Client, World, uid
from web.commands import tokens

STEPS: dict[str, dict[str, Any]] = {
    "approve": {},
    "reject": {"reason": "Of another ticket"},
    "apply": {},
    "revert": {"reason": "They were hours"},
}


def make_auditor(world: World, customer: str) -> None:
    """Make the stranger one."""
    role = {"uuid": uid(0x91), "user_uuid": uid(10), "role_name": "AUDITOR"}
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": customer}])


def made(world: World, username: str, uses: TokenUses = "all", offering: str | None = None) -> Client:
    user, at = tokens.user_named(world.services, username), UUID(offering) if offering else None
    return world.client(tokens.create(world.services, user, None, uses=uses, offering_uuid=at))


REPORTERS = ["staff", "provider-owner", "offering-manager", "service-provider-manager"]
OTHERS = ["consumer-owner", "project-admin", "project-manager", "project-member", "customer-support"]


@pytest.mark.parametrize("username", REPORTERS)
def test_whoever_may_report_it_proposes_and_takes_each_step(world: World, username: str) -> None:
    october(world)
    other = "staff" if username != "staff" else SECOND
    own = proposed(world, by=username)
    assert take(world, own, "approve", by=other).status_code == 200
    assert take(world, own, "apply", by=username).status_code == 200
    for_others = proposed(world, item("60"), by=other)
    assert take(world, for_others, "approve", by=username).status_code == 200
    assert take(world, for_others, "reject", by=username, reason="Wrong").status_code == 200
    assert {row["uuid"] for row in world.as_(username).get(CORRECTIONS).get_json()} == {own, for_others}


@pytest.mark.parametrize("username", ["support", *OTHERS, "stranger", "former-owner"])
def test_others_propose_nothing(world: World, username: str) -> None:
    october(world)
    facts = len(world.facts())
    assert propose(world, by=username).status_code in (400, 403)
    assert len(world.facts()) == facts


@pytest.mark.parametrize("username", [*OTHERS, "stranger", "former-owner"])
def test_for_others_there_is_none(world: World, username: str) -> None:
    october(world)
    uuid = applied(world)
    client = world.as_(username)
    assert client.get(CORRECTIONS).get_json() == []
    assert client.get(f"{CORRECTIONS}{uuid}/").status_code == 404
    assert client.get(f"{CORRECTIONS}{uuid}/", as_of=world.projector.catch_up()).status_code == 404
    for step, body in STEPS.items():
        assert take(world, uuid, step, by=username, **body).status_code == 404


@pytest.mark.parametrize("reader", ["auditor of the provider", "support"])
def test_support_and_auditors_read_and_take_no_step(world: World, reader: str) -> None:
    october(world)
    make_auditor(world, PROVIDER)
    username = "support" if reader == "support" else "stranger"
    uuid = proposed(world)
    assert shown(world, uuid, by=username) == shown(world, uuid)
    assert world.as_(username).get(CORRECTIONS).get_json() == world.as_("staff").get(CORRECTIONS).get_json()
    facts = len(world.facts())
    for step, body in STEPS.items():
        done = take(world, uuid, step, by=username, **body)
        assert (done.status_code, done.get_json()) == (
            403,
            {"detail": "You do not have permission to perform this action."},
        )
    assert len(world.facts()) == facts


def test_the_auditor_of_a_consumer_sees_none(world: World) -> None:
    october(world)
    make_auditor(world, CONSUMER)
    uuid = applied(world)
    assert world.as_("stranger").get(CORRECTIONS).get_json() == []
    assert world.as_("stranger").get(f"{CORRECTIONS}{uuid}/").status_code == 404


@pytest.mark.parametrize(("customer", "sees"), [(PROVIDER, True), (CONSUMER, False)])
def test_steps_are_in_the_feed_of_the_provider_and_figures_in_that_of_both(
    world: World, customer: str, sees: bool
) -> None:
    october(world)
    make_auditor(world, customer)
    uuid = applied(world)
    told = [line for line in lines_of(as_lines(world.as_("stranger"))) if uuid in str(line)]
    kinds = [line["type"].rpartition(".")[2] for line in told]
    steps = ["CorrectionProposed", "CorrectionApproved", "UsageReported", "CorrectionApplied"]
    assert kinds == (steps if sees else ["UsageReported"])


def without_role(world: World, username: str) -> None:
    """End the only role of somebody who may report."""
    number, user, role, scope, on = {
        "provider-owner": (0x82, 4, "CUSTOMER.OWNER", "structure.customer", PROVIDER),
        "offering-manager": (0x81, 3, "OFFERING.MANAGER", "marketplace.offering", OFFERING),
    }[username]
    ended = {"uuid": uid(number), "user_uuid": uid(user), "role_name": role, "is_active": False}
    world.describe(user_roles=[ended | {"scope_type": scope, "scope_uuid": on}])


def test_whoever_lost_the_role_takes_no_step_and_what_they_did_stands(world: World) -> None:
    october(world)
    uuid = proposed(world)
    assert take(world, uuid, "approve").status_code == 200
    without_role(world, SECOND)
    without_role(world, "provider-owner")
    for username in (SECOND, "provider-owner"):
        assert take(world, uuid, "apply", by=username).status_code == 404
    assert [row["usage"] for row in world.usages()] == ["5.00"]
    assert take(world, uuid, "apply", by="staff").status_code == 200
    assert [row["usage"] for row in world.usages()] == ["50.00"]


def test_a_token_to_read_reads_corrections_and_takes_no_step(world: World) -> None:
    october(world)
    uuid = proposed(world, by="staff")
    client = made(world, "provider-owner", "read")
    assert client.get(f"{CORRECTIONS}{uuid}/").status_code == 200
    for step, body in STEPS.items():
        done = client.post(f"{CORRECTIONS}{uuid}/{step}/", body)
        assert (done.status_code, done.get_json()) == (403, {"detail": "This token may only read."})


def test_a_token_to_report_neither_proposes_nor_sees_corrections(world: World) -> None:
    october(world)
    uuid = proposed(world, by="staff")
    client = made(world, "provider-owner", "report")
    refused = (403, {"detail": "This token may only report."})
    answers = [client.get(CORRECTIONS), client.get(f"{CORRECTIONS}{uuid}/")]
    answers.append(client.post(CORRECTIONS, {"title": "a", "reason": "b", "items": [item()]}))
    answers += [client.post(f"{CORRECTIONS}{uuid}/{step}/", body) for step, body in STEPS.items()]
    assert {each.status_code for each in answers} == {403}
    assert all((each.status_code, each.get_json()) == refused for each in answers)


def test_a_second_token_of_the_proposer_is_no_second_person(world: World) -> None:
    october(world)
    uuid = proposed(world)
    for client in (made(world, "provider-owner"), made(world, "provider-owner", offering=OFFERING)):
        assert client.post(f"{CORRECTIONS}{uuid}/approve/", {}).status_code == 403


def test_a_token_of_another_offering_sees_none(world: World) -> None:
    october(world)
    uuid = proposed(world)
    client = made(world, "staff", offering=SECOND_OFFERING)
    assert client.get(CORRECTIONS).get_json() == []
    assert client.post(f"{CORRECTIONS}{uuid}/approve/", {}).status_code == 404
    assert (
        made(world, "staff", offering=OFFERING).post(f"{CORRECTIONS}{uuid}/approve/", {}).status_code == 200
    )
