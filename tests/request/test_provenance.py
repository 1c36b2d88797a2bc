"""Facts say which request they came with: its token, its agent, and the ids that it was sent with."""

from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import structs
from werkzeug.test import TestResponse

from ledger.decisions.tokens import issue_token
from ledger.domain.catalogue import Customer
from ledger.domain.provenance import NOBODY_KNOWN, Provenance
from ledger.events import CustomerDescribed, Requested, UsageReported
from tests.importer.files import USAGE
from tests.request.keys import KEY, REPORTS, SOME, set_usage
from tests.support.queueing import queue
from tests.world import CONSUMER, NOW, RESOURCE, Client, World, uid
from web.request.authentication import authenticate, hash_of
from web.request.describing import append_description

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEADERS = {"User-Agent": "agent/1.0", "X-Request-ID": "r-1", "traceparent": TRACE}


def token_of(client: Client) -> str:
    return client.authorization.split()[1]


def sent_by(client: Client, **changes: Any) -> Provenance:
    """Return what facts say of a request of this client's with HEADERS."""
    token_uuid = issue_token(hash_of(token_of(client)), UUID(int=0), None, NOW).token_uuid
    sent = Provenance(token_uuid=token_uuid, agent="agent/1.0", request_id="r-1", traceparent=TRACE)
    return structs.replace(sent, **changes)


def provenance_of(fact: Requested) -> Provenance:
    return msgspec.convert(fact, Provenance, from_attributes=True)


def report(client: Client, amount: Any = 1, **headers: str) -> TestResponse:
    path, body = set_usage(amount, date="2026-11-02")
    response = client.send("POST", path, json=body, headers=HEADERS | headers)
    assert response.status_code == 201
    return response


def kept(world: World, **headers: str) -> Provenance:
    """What the fact of a report with these headers says."""
    report(world.as_("staff"), **headers)
    return provenance_of(world.facts(UsageReported)[-1])


def test_every_fact_of_a_request_says_what_that_came_with(world: World) -> None:
    staff, before = world.as_("staff"), len(world.facts())
    users = [{"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": 1}]
    answer = staff.send("POST", REPORTS, json=SOME + users, headers=HEADERS | {"Idempotency-Key": KEY})
    assert answer.get_json()["created"] == 3
    facts = world.facts()[before:]
    assert [type(fact).__name__ for fact in facts] == [
        *("PlanPeriodDescribed", "UsageReported", "UsageReported", "UserUsageReported", "RequestDecided")
    ]
    assert {provenance_of(fact) for fact in facts if isinstance(fact, Requested)} == {sent_by(staff)}
    assert getattr(facts[0], "described_by", None) == UUID(uid(1))


def test_a_description_says_who_asked_and_with_what(world: World) -> None:
    support = world.as_("support")
    headers = HEADERS | {"Authorization": support.authorization}
    with world.app.test_request_context(method="POST", headers=headers):
        authenticate()
        append_description(lambda _: Customer(uuid=UUID(CONSUMER), name="Renamed"))
    fact = world.facts(CustomerDescribed)[-1]
    assert (fact.described_by, fact.source) == (UUID(uid(2)), "api")
    assert provenance_of(fact) == sent_by(support)


def test_each_of_those_who_are_stored_together_keeps_its_own(world: World, world_url: str) -> None:
    clients = [world.as_("staff"), world.as_("provider-owner")]
    with queue(world, world_url) as waiting:
        futures = [
            waiting.add(partial(report, client, at, **{"X-Request-ID": f"r-{at}"}))
            for at, client in enumerate(clients)
        ]
    assert [future.result().status_code for future in futures] == [201, 201]
    assert [provenance_of(fact) for fact in world.facts(UsageReported)[-2:]] == [
        sent_by(client, request_id=f"r-{at}") for at, client in enumerate(clients)
    ]


def test_the_same_report_with_other_headers_appends_nothing(world: World) -> None:
    report(world.as_("staff"))
    before = world.facts()
    another = world.client(world.token_of("staff"))
    issued = len(world.facts()) - len(before)
    report(another, **{"User-Agent": "agent/2.0", "X-Request-ID": "r-2"})
    assert len(world.facts()) == len(before) + issued


def test_nobody_is_known_to_have_sent_what_was_imported(world: World) -> None:
    world.describe(component_usages=[USAGE])
    assert {provenance_of(fact) for fact in world.facts(Requested)} == {NOBODY_KNOWN}


def test_facts_are_stored_with_what_was_said_only(world: World) -> None:
    staff = world.as_("staff")
    report(staff)
    report(staff, 2, **{"User-Agent": "", "X-Request-ID": "", "traceparent": ""})
    facts = world.facts(UsageReported)[-2:]
    said, unsaid = (msgspec.json.decode(world.ledger.mapper.to_stored_event(fact).state) for fact in facts)
    assert said.items() >= {"agent": "agent/1.0", "request_id": "r-1", "traceparent": TRACE}.items()
    assert said.keys() - unsaid.keys() == {"agent", "request_id", "traceparent"}
    token_uuid = sent_by(staff).token_uuid
    assert token_uuid
    assert said["token_uuid"] == unsaid["token_uuid"] == token_uuid.hex


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ""),
        ("r-1", "r-1"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200),
        ("a\tb\x01c\x7fd", "a?b?c?d"),
        ("Größe", "Gr??e"),
        ('"><script>', '"><script>'),
    ],
)
@pytest.mark.parametrize(("header", "name"), [("User-Agent", "agent"), ("X-Request-ID", "request_id")])
def test_headers_are_cut_and_printable(
    world: World, header: str, name: str, said: str, expected: str
) -> None:
    assert getattr(kept(world, **{header: said}), name) == expected


@pytest.mark.parametrize(
    "said",
    [
        "",
        "r-1",
        TRACE.upper(),
        TRACE.replace("-", ""),
        f"{TRACE}-01",
        f"{TRACE} ",
        f"ff{TRACE[2:]}",
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
    ],
)
def test_a_traceparent_that_is_none_is_left_out(world: World, said: str) -> None:
    assert kept(world, traceparent=said) == sent_by(world.as_("staff"), traceparent="")


@pytest.mark.parametrize("around", ["{}", "token={}", "{} again", "x" * 190 + "{}"])
@pytest.mark.parametrize("written", [str, str.upper])
def test_the_token_is_not_kept_wherever_a_client_puts_it(world: World, around: str, written: Any) -> None:
    staff = world.as_("staff")
    secret = around.format(written(token_of(staff)))
    headers = {"User-Agent": secret, "X-Request-ID": secret, "traceparent": secret}
    assert kept(world, **headers) == sent_by(staff, agent="", request_id="", traceparent="")
