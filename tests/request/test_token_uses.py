"""Tokens that are for a part of what their users may do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ledger.domain.access import TokenUses
from tests.world import (
    OFFERING,
    OTHER_OFFERING,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    USAGES,
    Client,
    World,
    uid,
)
from web.commands import tokens
from web.request.authentication import TOKEN
from web.telemetry.requests import Answered
from web.telemetry.uses import Uses, ensure_uses, last_uses

READ_ONLY, REPORT_ONLY = {"detail": "This token may only read."}, {"detail": "This token may only report."}
OF_REPORTS = {
    "/api/marketplace-component-usages/set_usage/",
    "/api/marketplace-component-usages/<object_id:uuid>/set_user_usage/",
    "/api/marketplace-component-usages/<object_id:uuid>/set_user_usages/",
    "/api/ledger/reports/",
    "/api/ledger/manifests/",
}


def made(world: World, username: str, uses: TokenUses = "all", offering: str | None = None) -> Client:
    user, at = tokens.user_named(world.services, username), UUID(offering) if offering else None
    return world.client(tokens.create(world.services, user, None, uses=uses, offering_uuid=at))


def of_cpu(resource: str) -> dict[str, Any]:
    return {"resource": resource, "usages": [{"type": "cpu", "amount": "1"}]}


def endpoints(world: World) -> Iterator[tuple[str, str, str]]:
    """Method, rule and a path of everything that asks for a token."""
    for rule in world.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/") or world.anonymous.get(path_of(rule.rule)).status_code != 401:
            continue
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            yield method, rule.rule, path_of(rule.rule)


def path_of(rule: str) -> str:
    return (
        re.sub(r"<int[^>]*>", "1", re.sub(r"<[^>]*uuid>", uid(0xDEAD), rule))
        .replace("<", "")
        .replace(">", "")
    )


def test_a_token_to_read_with_changes_nothing_anywhere(world: World) -> None:
    client = made(world, "staff", "read")
    before = world.ledger.journal.max_notification_id()
    asked = list(endpoints(world))
    for method, _, path in asked:
        response = client.send(method, path)
        is_refused = (response.status_code, response.get_json(silent=True)) == (403, READ_ONLY)
        assert is_refused == (method != "GET"), (method, path, response.status_code)
    assert sum(method != "GET" for method, _, _ in asked) >= len(OF_REPORTS) + 4
    assert world.ledger.journal.max_notification_id() == before


def test_a_token_to_report_with_does_nothing_else(world: World) -> None:
    client, reported = made(world, "staff", "report"), set()
    for method, rule, path in endpoints(world):
        response = client.send(method, path)
        if (response.status_code, response.get_json(silent=True)) != (403, REPORT_ONLY):
            reported.add((method, rule))
    assert {rule for _, rule in reported} == OF_REPORTS, reported
    assert {method for method, _ in reported} == {"POST"}
    assert client.post(f"{USAGES}set_usage/", of_cpu(RESOURCE)).status_code == 201


def test_a_token_to_report_with_has_no_answer_already(world: World) -> None:
    etag = world.as_("staff").get(USAGES).headers["ETag"]
    client = made(world, "staff", "report")
    response = client.send("GET", USAGES, headers={"If-None-Match": etag})
    assert (response.status_code, response.get_json()) == (403, REPORT_ONLY)


def test_a_token_to_report_with_does_not_sign_in(world: World) -> None:
    user = tokens.user_named(world.services, "staff")
    token = tokens.create(world.services, user, None, uses="report")
    response = world.anonymous.send("POST", "/dashboard/sign-in/", data={"token": token})
    assert (response.status_code, "Set-Cookie" in response.headers) == (403, False)
    assert REPORT_ONLY["detail"] in response.text


@pytest.mark.parametrize("username", ["staff", "provider-owner", "service-provider-manager"])
def test_a_token_of_an_offering_is_for_that_one_alone(world: World, username: str) -> None:
    for resource in (RESOURCE, SECOND_RESOURCE):
        assert world.as_(username).post(f"{USAGES}set_usage/", of_cpu(resource)).status_code == 201
    client = made(world, username, offering=SECOND_OFFERING)
    rows = client.get(USAGES).get_json()
    assert [row["resource_uuid"] for row in rows] == [SECOND_RESOURCE]
    assert client.get(USAGES, offering_uuid=OFFERING).get_json() == []
    assert client.post(f"{USAGES}set_usage/", of_cpu(SECOND_RESOURCE)).status_code == 201
    refused = client.post(f"{USAGES}set_usage/", of_cpu(RESOURCE))
    assert refused.status_code in (400, 403)
    assert client.get("/api/marketplace-stats/component_usages/").status_code == 403


def test_a_token_of_an_offering_reports_no_more_than_its_user(world: World) -> None:
    client = made(world, "support", offering=OFFERING)
    assert client.get(USAGES).status_code == 200
    assert client.post(f"{USAGES}set_usage/", of_cpu(RESOURCE)).status_code == 403


def test_a_token_of_an_offering_ends_with_the_role_behind_it(world: World) -> None:
    client = made(world, "offering-manager", offering=OFFERING)
    assert client.post(f"{USAGES}set_usage/", of_cpu(RESOURCE)).status_code == 201
    ended = {
        "uuid": uid(0x81),
        "user_uuid": uid(3),
        "role_name": "OFFERING.MANAGER",
        "scope_type": "marketplace.offering",
        "scope_uuid": OFFERING,
        "is_active": False,
    }
    world.describe(user_roles=[ended])
    assert client.get(USAGES).get_json() == []
    assert client.post(f"{USAGES}set_usage/", of_cpu(RESOURCE)).status_code in (400, 403)


@pytest.mark.parametrize(
    ("username", "offering", "words"),
    [
        ("staff", uid(0xDEAD), f"there is no offering with the uuid {uid(0xDEAD)}"),
        ("offering-manager", OTHER_OFFERING, f"the user has no role on the offering {OTHER_OFFERING}"),
        ("consumer-owner", OFFERING, f"the user has no role on the offering {OFFERING}"),
    ],
)
def test_no_token_is_issued_that_is_for_nothing(
    world: World, username: str, offering: str, words: str
) -> None:
    before = world.ledger.journal.max_notification_id()
    with pytest.raises(tokens.TokenError, match=words):
        made(world, username, offering=offering)
    assert world.ledger.journal.max_notification_id() == before


def test_a_token_has_256_bits(world: World) -> None:
    first, second = (world.token_of("staff") for _ in range(2))
    assert len(bytes.fromhex(first)) == len(bytes.fromhex(second)) == 32
    assert first != second


def used(uses: Uses, token: UUID | None) -> None:
    uses.answered(Answered("GET", "/", "200", 0.1), {TOKEN: token} if token else {})


def test_the_last_use_of_each_token_is_kept(world: World) -> None:
    uses, first, second = Uses(world.ledger), UUID(int=1), UUID(int=2)
    began = datetime.now(UTC)
    used(uses, first)
    used(uses, None)
    uses.write()
    with world.services.reading() as cursor:
        early = last_uses(cursor)
    assert early.keys() == {first}
    assert began <= early[first] <= datetime.now(UTC)
    used(uses, first)
    used(uses, second)
    uses.write()
    uses.write()
    with world.services.reading() as cursor:
        late = last_uses(cursor)
    assert late.keys() == {first, second}
    assert late[first] > early[first]


def test_a_use_that_can_not_be_written_now_is_written_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    uses = Uses(world.ledger)
    used(uses, UUID(int=1))
    with world.ledger.connect() as connection:
        connection.execute("DROP TABLE operations.token_use")
        uses.write()
        assert "which tokens were used: UndefinedTable" in caplog.text
        ensure_uses(connection)
    uses.write()
    with world.services.reading() as cursor:
        assert last_uses(cursor).keys() == {UUID(int=1)}


def test_a_database_of_an_older_version_tells_no_uses(world: World) -> None:
    with world.ledger.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE operations.token_use")
        assert last_uses(cursor) == {}
        ensure_uses(connection)
