"""A token or a role that was taken away opens nothing that came later, in whichever server, and at once.

Two servers have one database. The first one is told of nothing: it goes by what it knew, as a server does in
the moment before another one's notification arrives.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
from werkzeug.test import TestResponse

from ledger.events import TokenIssued, UsageReported
from tests.agents.registering import IDENTITIES, IDENTITY
from tests.audit.asking import NEEDED
from tests.billing.correcting import CORRECTIONS, applied, item, proposed, take
from tests.dashboard.reading import SIGN_IN
from tests.support.served import Served, served
from tests.world import OFFERING, PROVIDER, RESOURCE, USAGES, Client, World, open_world, uid
from web.commands import tokens
from web.dashboard.asking import Refused
from web.dashboard.frame import enter, here
from web.request.authentication import hash_of
from web.request.services import Replica

LATER = "77.00"
"""A figure that is reported after the caller has lost what they had."""

UNKNOWN, AGAIN, CONTENDED = 401, 503, 409


@pytest.fixture(name="other")
def another_server(world: World, world_url: str) -> Iterator[World]:
    """A second server. The first one trusts what it knows for an hour."""
    world.usages()
    world.projector.shared_position.live_until(time.monotonic() + 3600)
    with open_world(world_url) as other:
        yield other


def revoked(world: World, client: Client) -> None:
    token = hash_of(client.authorization.removeprefix("Token "))
    (found,) = [fact.token_uuid for fact in world.facts(TokenIssued) if fact.token_hash == token]
    tokens.revoke(world.services, found)


def without_role(world: World, _: Client) -> None:
    ended = {"uuid": uid(0x82), "user_uuid": uid(4), "role_name": "CUSTOMER.OWNER", "is_active": False}
    world.describe(user_roles=[ended | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}])


def inactive(world: World, _: Client) -> None:
    world.describe(users=[{"uuid": uid(4), "username": "provider-owner", "is_active": False}])


Loss = Callable[[World, Client], None]

LOSSES: dict[Loss, int] = {revoked: UNKNOWN, without_role: AGAIN, inactive: UNKNOWN}


def provider_of(world: World) -> Client:
    """Return a client with a token of its own, which has been used."""
    client = world.client(world.token_of("provider-owner"))
    assert world.report(usages=[{"type": "cpu", "amount": 1}]).status_code == 201
    assert client.get(USAGES).status_code == 200
    return client


def lose(loss: Loss, other: World, client: Client) -> None:
    """Take something from the caller in another server, and report there what they are not to see."""
    loss(other, client)
    assert other.report(usages=[{"type": "cpu", "amount": LATER}]).status_code == 201


READS = [
    USAGES,
    "/api/ledger/monthly-usages/",
    "/api/ledger/freshness/",
    "/api/ledger/exports/focus/",
    "/api/ledger/completeness/",
    f"/api/marketplace-provider-resources/{RESOURCE}/",
    "/api/users/me/",
]


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_later_is_shown_to_who_has_lost_it(world: World, other: World, loss: Loss) -> None:
    client = provider_of(world)
    lose(loss, other, client)
    response = client.get(READS[0])
    assert (response.status_code, LATER in response.text) == (LOSSES[loss], False)
    assert "ETag" not in response.headers
    assert client.get(READS[0]).get_json() in ([], {"detail": response.get_json()["detail"]})


@pytest.mark.parametrize("path", READS)
def test_no_list_or_row_is_shown_to_a_token_that_has_ended(world: World, other: World, path: str) -> None:
    client = provider_of(world)
    lose(revoked, other, client)
    assert client.get(path, **NEEDED.get(path, {})).status_code == UNKNOWN


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_no_file_is_sent_to_a_token_that_has_ended(world: World, other: World, form: str) -> None:
    client = provider_of(world)
    lose(revoked, other, client)
    assert client.get(USAGES, format=form).status_code == UNKNOWN


def a_report(client: Client) -> TestResponse:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": "5.00"}]}
    return client.post(f"{USAGES}set_usage/", body)


def a_bulk(client: Client) -> TestResponse:
    return client.post("/api/ledger/reports/", [{"resource": RESOURCE, "type": "cpu", "amount": "5.00"}])


def what_stands_already(client: Client) -> TestResponse:
    body = {"usages": [{"type": "cpu", "amount": LATER}], "date": "2026-11-15T12:00:00Z"}
    return client.post(f"{USAGES}set_usage/", body | {"resource": RESOURCE})


def an_agent(client: Client) -> TestResponse:
    return client.post(IDENTITIES, IDENTITY | {"offering": OFFERING, "name": "late"})


def a_month(client: Client) -> TestResponse:
    return client.post("/api/ledger/months/close/", {"offering": OFFERING, "month": "2026-10"})


def a_manifest(client: Client) -> TestResponse:
    manifest = {"reports": 0, "resources": 0, "totals": {}}
    return client.post("/api/ledger/manifests/", {"offering": OFFERING, "month": "2026-10"} | manifest)


def a_correction(client: Client) -> TestResponse:
    return client.post(CORRECTIONS, {"title": "Late", "reason": "Late", "items": [item()]})


WRITES = [a_report, a_bulk, what_stands_already, an_agent, a_month, a_manifest, a_correction]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_written_by_who_has_lost_the_right(
    world: World, other: World, loss: Loss, write: Callable[[Client], TestResponse]
) -> None:
    client = provider_of(world)
    lose(loss, other, client)
    head = other.ledger.journal.max_notification_id()
    is_known = LOSSES[loss] == AGAIN
    assert write(client).status_code == (CONTENDED if is_known else UNKNOWN)
    assert other.ledger.journal.max_notification_id() == head
    assert write(client).status_code in ((400, 403) if is_known else (UNKNOWN,))
    assert other.ledger.journal.max_notification_id() == head


@pytest.mark.parametrize("loss", LOSSES)
def test_no_step_of_a_correction_is_taken_by_who_has_lost_the_right(
    world: World, other: World, loss: Loss
) -> None:
    asked = {"reject": {"reason": "Late"}, "revert": {"reason": "Late"}}
    approved = proposed(world, by="staff")
    assert take(world, approved, "approve").status_code == 200
    done = applied(world, by="staff")
    steps = {"approve": proposed(world, by="staff"), "reject": approved, "apply": approved, "revert": done}
    client = provider_of(world)
    lose(loss, other, client)
    head = other.ledger.journal.max_notification_id()
    is_known = LOSSES[loss] == AGAIN
    for step, uuid in steps.items():
        answer = client.post(f"{CORRECTIONS}{uuid}/{step}/", asked.get(step, {}))
        assert answer.status_code in ((CONTENDED, 404) if is_known else (UNKNOWN,)), step
    assert other.ledger.journal.max_notification_id() == head


def test_a_report_of_others_does_not_hide_a_revocation(world: World, other: World) -> None:
    client = provider_of(world)
    lose(revoked, other, client)
    assert world.report(by="offering-manager", usages=[{"type": "cpu", "amount": 9}]).status_code == 201
    assert client.get(USAGES).status_code == UNKNOWN


def test_a_page_that_is_being_made_shows_nothing_later(world: World, other: World) -> None:
    client = provider_of(world)
    token = client.authorization.removeprefix("Token ")
    cookie = world.anonymous.send("POST", SIGN_IN, data={"token": token}).headers["Set-Cookie"]
    with world.app.test_request_context("/dashboard/", headers={"Cookie": cookie.partition(";")[0]}):
        enter()
        assert here().asker.ask("marketplace-component-usages/").total == 1
        lose(revoked, other, client)
        with pytest.raises(Refused) as refused:
            here().asker.ask("marketplace-component-usages/")
        assert not here().vouches  # which the page that tells it asks for its menu
    assert refused.value.status == UNKNOWN


@pytest.mark.parametrize("loss", LOSSES)
def test_a_form_of_who_has_lost_the_right_writes_nothing(world: World, other: World, loss: Loss) -> None:
    client = provider_of(world)
    token = client.authorization.removeprefix("Token ")
    cookie = world.anonymous.send("POST", SIGN_IN, data={"token": token}).headers["Set-Cookie"]
    with world.app.test_request_context("/dashboard/", headers={"Cookie": cookie.partition(";")[0]}):
        enter()
        lose(loss, other, client)
        head = other.ledger.journal.max_notification_id()
        with pytest.raises(Refused) as refused:
            here().asker.send("ledger/months/close/", {"offering": OFFERING, "month": "2026-10"})
    assert refused.value.status == (CONTENDED if LOSSES[loss] == AGAIN else UNKNOWN)
    assert other.ledger.journal.max_notification_id() == head


def test_a_server_that_only_reads_shows_nothing_later(world: World, other: World) -> None:
    client = provider_of(world)
    world.configure(replica=Replica())
    reader = world.client(client.authorization.removeprefix("Token "))
    assert reader.get(USAGES).status_code == 200
    lose(revoked, other, client)
    assert reader.get(USAGES).status_code == UNKNOWN


def test_what_changes_for_others_is_no_hindrance(world: World, other: World) -> None:
    client = provider_of(world)
    other.describe(users=[{"uuid": uid(77), "username": "new"}])
    assert other.report(usages=[{"type": "cpu", "amount": LATER}]).status_code == 201
    (row,) = client.get(USAGES).get_json()
    assert row["usage"] == LATER
    assert a_report(client).status_code == 201
    assert [fact.amount for fact in other.facts(UsageReported)][-1] == 5


def test_no_worker_of_any_server_shows_more_to_a_token_that_has_ended(world: World, world_url: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    with served(world_url, workers=2) as one, served(world_url) as second:
        for _ in range(3):
            client = provider_of(world)
            asked = {"Authorization": client.authorization}
            assert {get(each, USAGES, asked) for each in (one, one, second)} == {200}
            revoked(world, client)
            assert {get(each, USAGES, asked) for each in (one, one, one, second)} == {UNKNOWN}


def get(server: Served, path: str, headers: dict[str, str]) -> int:
    """Return the status of an answer on a connection of its own, so that any worker may take it."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
