"""Pages of other origins, in a browser: what they may ask, and whether they may read the answer."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.world import RESOURCE, USAGES, World
from web.limits.admission import Places

PORTAL, OTHER = "https://portal.example", "https://other.example"

ASKED = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}

EXPOSED = {"Link", "X-Result-Count", "ETag", "Ledger-Position"}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
SENT = {
    *(
        "Accept",
        "Authorization",
        "Content-Type",
        "If-None-Match",
        "Idempotency-Key",
        "Prefer",
        "Ledger-Reason",
    ),
    *("X-Request-ID", "traceparent", "sentry-trace", "baggage", "X-CSRFToken", "X-Requested-With"),
    "X-Impersonated-User-Uuid",
}


def cors(response: TestResponse) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers
        if name.startswith("Access-Control-") or name == "Vary"
    }


def words(text: str) -> set[str]:
    return set(text.split(", "))


def answers(world: World, **headers: str) -> list[TestResponse]:
    """One of each kind of answer, wherever in the service it is made."""
    staff = world.as_("staff")
    etag = staff.get(USAGES).headers["ETag"]
    requests: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "GET", USAGES, {}),
        (200, "HEAD", USAGES, {}),
        (200, "OPTIONS", USAGES, {}),
        (200, "GET", "/healthz", {}),
        (201, "POST", f"{USAGES}set_usage/", {"json": {"resource": RESOURCE, "usages": []}}),
        (301, "GET", USAGES.rstrip("/"), {}),
        (304, "GET", USAGES, {"headers": {"If-None-Match": etag}}),
        (304, "GET", f"{USAGES}?min_position=0", {"headers": {"If-None-Match": "*"}}),
        (400, "GET", f"{USAGES}?resource_uuid=zzz", {}),
        (401, "GET", USAGES, {"headers": {"Authorization": "Token wrong"}}),
        (404, "GET", "/nowhere", {}),
        (405, "PUT", USAGES, {}),
        (413, "POST", f"{USAGES}set_usage/", {"data": b" " * (world.settings.max_body_bytes + 1)}),
        (415, "POST", f"{USAGES}set_usage/", {"data": b"<a/>", "content_type": "application/xml"}),
    ]
    given = []
    for status, method, path, arguments in requests:
        every = headers | arguments.pop("headers", {})
        response = staff.send(method, path, headers=every, **arguments)
        assert response.status_code == status, (method, path, response.data)
        given.append(response)
    world.configure(origins=(PORTAL, "http://localhost:3000"), places=Places(count=0, queue=0))
    given.append(world.anonymous.send("GET", USAGES, headers=headers))
    assert given[-1].status_code == 503
    return given


def test_no_page_of_another_origin_may_read_unless_the_operator_names_one(world: World) -> None:
    headers = {"Origin": PORTAL}
    assert cors(world.as_("staff").send("GET", USAGES, headers=headers)) == {"Vary": "Accept"}
    asked = world.anonymous.send("OPTIONS", USAGES, headers=headers | ASKED)
    assert (asked.status_code, asked.data, cors(asked)) == (200, b"", {})


def test_every_answer_may_be_read_by_pages_of_an_origin_that_is_named(world: World) -> None:
    world.configure(origins=(PORTAL, "http://localhost:3000"))
    for response in answers(world, Origin=PORTAL):
        headers = cors(response)
        assert words(headers.pop("Access-Control-Expose-Headers")) >= EXPOSED
        assert headers == {"Access-Control-Allow-Origin": PORTAL, "Vary": "Origin"}


def test_another_origin_is_answered_as_usual_without_the_headers(world: World) -> None:
    world.configure(origins=(PORTAL, "http://localhost:3000"))
    for response in answers(world, Origin=OTHER):
        assert cors(response) == {"Vary": "Origin"}


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://portal.example.evil",
        "https://portalXexample",
        "http://portal.example",
        PORTAL + "\n",
    ],
)
def test_an_origin_is_the_whole_of_it(world: World, origin: str) -> None:
    world.configure(origins=(PORTAL,))
    environ = {"HTTP_ORIGIN": origin}
    assert cors(world.as_("staff").send("GET", USAGES, environ_overrides=environ)) == {"Vary": "Origin"}


@pytest.mark.parametrize("headers", [{}, {"Origin": OTHER}, {"Origin": "null"}])
def test_all_origins_can_be_named_at_once(world: World, headers: dict[str, str]) -> None:
    world.configure(origins=("*",))
    found = cors(world.anonymous.send("GET", USAGES, headers=headers))
    assert words(found.pop("Access-Control-Expose-Headers")) >= EXPOSED
    assert found == {"Access-Control-Allow-Origin": "*"}


@pytest.mark.parametrize(
    "path", [USAGES, USAGES.rstrip("/"), "/nowhere", "/", "/healthz", "/api/ledger/reports/"]
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "BREW"])
def test_a_preflight_is_answered_on_any_path_to_anybody(world: World, path: str, method: str) -> None:
    world.configure(origins=(PORTAL,), places=Places(count=0, queue=0))
    asked = {"Origin": PORTAL, "Access-Control-Request-Method": method}
    response = world.anonymous.send("OPTIONS", path, headers=asked)
    assert (response.status_code, response.data) == (200, b"")
    headers = dict(response.headers)
    assert words(headers.pop("Access-Control-Allow-Methods")) == METHODS
    assert words(headers.pop("Access-Control-Allow-Headers")) >= SENT
    assert words(headers.pop("Access-Control-Expose-Headers")) >= EXPOSED
    assert headers == {
        "Content-Length": "0",
        "Vary": "Origin",
        "Access-Control-Allow-Origin": PORTAL,
        "Access-Control-Max-Age": "600",
    }
    other = world.anonymous.send("OPTIONS", path, headers=asked | {"Origin": OTHER})
    assert (other.status_code, other.data, cors(other)) == (200, b"", {"Vary": "Origin"})
