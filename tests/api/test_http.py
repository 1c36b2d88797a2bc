"""What every endpoint does, and the probes of those who run the service."""

from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from tests.projections.restoring import AS_SUPERUSER
from tests.world import CPU, OFFERING, RESOURCE, USAGES, USER_USAGES, World, plain_headers, uid

UNKNOWN = uid(0xDEAD)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

ROUTES = {
    USAGES: ("GET", "HEAD"),
    f"{USAGES}{UNKNOWN}/": ("GET", "HEAD"),
    f"{USAGES}set_usage/": ("POST",),
    f"{USAGES}{UNKNOWN}/set_user_usage/": ("POST",),
    f"{USAGES}{UNKNOWN}/set_user_usages/": ("POST",),
    USER_USAGES: ("GET", "HEAD"),
    f"{USER_USAGES}{UNKNOWN}/": ("GET", "HEAD"),
    "/api/ledger/reports/": ("POST",),
}
"""Each route with its methods; the objects named in paths need not exist for that."""


OK = {"status": "ok", "note": AS_SUPERUSER}


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def body_for(method: str, text: str) -> bytes:
    return b"" if method == "HEAD" else text.encode()


# 1.1 URLs and methods


WITHOUT_SLASH = {
    "/api/docs/<file>",
    "/api/ledger/checkpoint",
    "/api/ledger/consistency",
    "/api/ledger/events/<position>/proof",
    "/api/ledger/tile/<path:place>",
    "/api/ledger/tile/entries/<path:place>",
}
"""Files, and those of transparency logs, whose clients know them so."""


@pytest.mark.parametrize("method", [*METHODS, "OPTIONS"])
def test_every_path_without_its_last_slash_is_moved_to_the_one_with_it(world: World, method: str) -> None:
    rules = [str(rule) for rule in world.app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert {rule for rule in rules if not rule.endswith("/")} == WITHOUT_SLASH
    for rule in {*rules} - WITHOUT_SLASH:
        path = rule.rstrip("/").replace("<object_id:uuid>", UNKNOWN)
        response = world.anonymous.send(method, path)
        assert (response.status_code, response.data) == (301, b"")
        assert plain_headers(response) == {"Location": f"{path}/", "Content-Length": "0"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_move_to_the_last_slash_keeps_the_query_as_it_was_written(world: World, method: str) -> None:
    query = "type=a%2Cb&field=uuid&field=usage&resource=http%3A%2F%2Fx%2F&empty="
    response = world.anonymous.send(method, USAGES.rstrip("/"), query_string=query)
    assert (response.status_code, response.data) == (301, b"")
    assert plain_headers(response) == {"Location": f"{USAGES}?{query}", "Content-Length": "0"}


def test_a_move_to_the_last_slash_keeps_odd_characters_of_a_path_escaped(world: World) -> None:
    response = world.anonymous.get(f"{USAGES}a%20b%0D%0A%C3%A4%3F")
    assert (response.status_code, response.headers["Location"]) == (301, f"{USAGES}a%20b%0D%0A%C3%A4%3F/")


def test_a_move_to_the_last_slash_keeps_the_prefix_that_the_service_is_mounted_on(world: World) -> None:
    response = world.anonymous.send("POST", USAGES.rstrip("/"), base_url="https://example.org/ledger")
    assert (response.status_code, response.headers["Location"]) == (301, f"/ledger{USAGES}")


def test_a_report_that_was_moved_has_stored_nothing(world: World) -> None:
    body = {"resource": RESOURCE, "usages": [{"type": "cpu", "amount": 1}]}
    response = world.as_("staff").post(f"{USAGES}set_usage", body)
    assert (response.status_code, response.data) == (301, b"")
    assert world.usages() == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/api/nothing/",
        "/api/marketplace-component-usages/a.b",
        "/api/marketplace-component-usages/a.b/",
        "/api/marketplace-component-usages/a/b/",
        "/api/marketplace-component-usages/set_usage/set_user_usage/x/",
        "/api//marketplace-component-usages/",
        "/marketplace-component-usages/",
        "/healthz/",
    ],
)
def test_what_is_routed_nowhere_is_not_found_for_anybody(world: World, path: str) -> None:
    for client in (world.anonymous, world.as_("staff")):
        for method in METHODS:
            response = client.send(method, path)
            assert response.status_code == 404
            assert response.data == body_for(method, '{"detail":"Not found."}')
            assert response.content_type == "application/json"


@pytest.mark.parametrize("path", ROUTES)
def test_only_the_methods_of_a_route_are_allowed_and_only_who_is_known_is_told(
    world: World, path: str
) -> None:
    for method in set(METHODS) - set(ROUTES[path]):
        told = world.as_("stranger").send(method, path)
        assert told.status_code == 405
        assert told.data == body_for(method, f'{{"detail":"Method \\"{method}\\" not allowed."}}')
        assert told.content_type == "application/json"
        assert told.headers["Allow"] == ", ".join(sorted([*ROUTES[path], "OPTIONS"]))

        unknown = world.anonymous.send(method, path)
        assert unknown.status_code == 401
        assert unknown.data == body_for(method, '{"detail":"Authentication credentials were not provided."}')
        assert unknown.headers["WWW-Authenticate"] == "Token"
        assert "Allow" not in unknown.headers


def test_a_method_that_nobody_knows_is_not_allowed_either(world: World) -> None:
    response = world.as_("staff").send("BREW", USAGES)
    assert answer(response) == (405, {"detail": 'Method "BREW" not allowed.'})


@pytest.mark.parametrize("path", [USAGES, USER_USAGES])
def test_the_methods_of_a_route_can_be_asked_for(world: World, path: str) -> None:
    response = world.as_("stranger").send("OPTIONS", path)
    assert answer(response) == (200, {})
    assert {*response.headers["Allow"].split(", ")} == {"GET", "HEAD", "OPTIONS"}
    assert world.anonymous.send("OPTIONS", path).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        UNKNOWN,
        "dead0000-0000-0000-0000-000000000000",
        "zzz",
        "set_user_usage",
        "1",
        "a%00b",
        "%FF",
        RESOURCE,
        OFFERING,
        CPU,
        "0" * 3000,
    ],
)
def test_an_unknown_or_malformed_object_is_not_found(world: World, name: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    staff = world.as_("staff")
    no_usage = {"detail": "No ComponentUsage matches the given query."}
    assert answer(staff.get(f"{USAGES}{name}/")) == (404, no_usage)
    assert answer(staff.post(f"{USAGES}{name}/set_user_usage/", {})) == (404, no_usage)
    assert answer(staff.post(f"{USAGES}{name}/set_user_usages/", {})) == (404, no_usage)
    no_user_usage = {"detail": "No ComponentUserUsage matches the given query."}
    assert answer(staff.get(f"{USER_USAGES}{name}/")) == (404, no_user_usage)


def test_an_object_is_found_by_its_id_with_and_without_dashes_and_in_any_case(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    usage = world.usages()[0]
    assert world.report_user(usage["uuid"], username="ann", usage=1).status_code == 201
    user_usage = world.user_usages()[0]
    for path, row in ((USAGES, usage), (USER_USAGES, user_usage)):
        digits = row["uuid"]
        dashed = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
        for name in (digits, dashed, digits.upper(), dashed.upper()):
            assert answer(world.as_("staff").get(f"{path}{name}/")) == (200, row)


def test_an_object_of_one_kind_is_none_of_the_other(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    usage_uuid = world.usages()[0]["uuid"]
    world.report_user(usage_uuid, username="ann", usage=1)
    user_usage_uuid = world.user_usages()[0]["uuid"]
    staff = world.as_("staff")
    assert answer(staff.get(f"{USAGES}{user_usage_uuid}/")) == (
        404,
        {"detail": "No ComponentUsage matches the given query."},
    )
    assert answer(staff.get(f"{USER_USAGES}{usage_uuid}/")) == (
        404,
        {"detail": "No ComponentUserUsage matches the given query."},
    )


# 1.4 Output


def test_a_stored_report_is_answered_with_nothing_not_even_a_content_type(world: World) -> None:
    response = world.report(usages=[{"type": "cpu", "amount": 1}])
    assert (response.status_code, response.data) == (201, b"")
    assert plain_headers(response) == {"Content-Length": "0"}
    usage_uuid = world.usages()[0]["uuid"]
    single = world.report_user(usage_uuid, username="ann", usage=1)
    assert (single.status_code, single.data, plain_headers(single)) == (
        201,
        b"",
        {"Content-Length": "0"},
    )
    bulk = world.as_("staff").post(
        f"{USAGES}{usage_uuid}/set_user_usages/", {"usages": [{"username": "ann", "usage": 2}]}
    )
    assert (bulk.status_code, bulk.data, plain_headers(bulk)) == (201, b"", {"Content-Length": "0"})


def test_an_object_is_answered_in_json_with_no_other_headers(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    response = world.as_("staff").get(f"{USAGES}{world.usages()[0]['uuid']}/")
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(response.data)),
    }


def test_a_refusal_is_answered_in_json_with_no_other_headers(world: World) -> None:
    response = world.as_("staff").get(USAGES, resource_uuid="zzz")
    assert response.data == b'{"resource_uuid":["Enter a valid UUID."]}'
    assert plain_headers(response) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(response.data)),
    }


@pytest.mark.parametrize("path", [USAGES, USER_USAGES])
def test_head_of_a_list_is_get_without_a_body(world: World, path: str) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}, {"type": "gpu", "amount": 2}])
    for usage in world.usages():
        world.report_user(usage["uuid"], username="ann", usage=1)
    for query in ({}, {"page_size": 1, "page": 2}, {"page": 9}, {"resource_uuid": "zzz"}):
        got = world.as_("staff").get(path, **query)
        head = world.as_("staff").head(path, **query)
        assert (head.status_code, head.data, dict(head.headers)) == (got.status_code, b"", dict(got.headers))


def test_head_of_an_object_is_get_without_a_body(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    for name in (world.usages()[0]["uuid"], UNKNOWN):
        got = world.as_("staff").get(f"{USAGES}{name}/")
        head = world.as_("staff").head(f"{USAGES}{name}/")
        assert (head.status_code, head.data, dict(head.headers)) == (got.status_code, b"", dict(got.headers))


# The probes


def test_the_service_says_that_it_is_alive_to_anybody(world: World) -> None:
    response = world.anonymous.get("/healthz")
    assert (response.status_code, response.data) == (200, b'{"status":"ok"}')
    assert plain_headers(response) == {"Content-Type": "application/json", "Content-Length": "15"}


def test_the_service_says_to_anybody_how_far_its_answers_are(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    position = world.ledger.facts_after(0, 1_000_000)[-1][0]
    assert answer(world.anonymous.get("/readyz")) == (200, OK | {"position": position})


def test_the_service_is_not_ready_while_facts_can_not_be_projected_and_says_why(
    world: World, world_url: str
) -> None:
    with psycopg.connect(world_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE read_models.component_usage ADD CONSTRAINT small CHECK (usage < 100)")
        assert world.report(usages=[{"type": "cpu", "amount": 150}]).status_code == 201
        assert world.usages() == []
        reason = 'CheckViolation: new row for relation "component_usage" violates check constraint "small"'
        assert answer(world.anonymous.get("/readyz")) == (503, {"status": "unavailable", "reason": reason})
        assert answer(world.anonymous.get("/healthz")) == (200, {"status": "ok"})

        connection.execute("ALTER TABLE read_models.component_usage DROP CONSTRAINT small")
    position = world.ledger.facts_after(0, 1_000_000)[-1][0]
    assert answer(world.anonymous.get("/readyz")) == (200, OK | {"position": position})
    assert [row["usage"] for row in world.usages()] == ["150.00"]


def test_a_query_that_is_no_text_is_refused(world: World) -> None:
    said = {"detail": "The query is not UTF-8. Percent-encode what is not ASCII."}
    for path in (USAGES, "/api/ledger/diff/", "/api/nowhere"):
        environ = {"QUERY_STRING": "type=\xff"}
        response = world.as_("staff").send("GET", path, environ_overrides=environ)
        assert (response.status_code, response.get_json()) == (400, said)
    response = world.as_("staff").send("GET", USAGES, environ_overrides={"QUERY_STRING": "type=\xc3\xa4"})
    assert (response.status_code, response.get_json()) == (200, [])
