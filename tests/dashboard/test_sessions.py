"""Signing in with a token and out, what the cookie is good for, and who is kept out."""

from datetime import timedelta
from http.cookies import SimpleCookie

import psycopg
import pytest

from tests.dashboard.reading import DASHBOARD, SIGN_IN, anybody, reader
from tests.world import USAGES, World
from web.commands import tokens
from web.dashboard.sessions import COOKIE

SIGN_OUT = "/dashboard/sign-out/"


def token_of(world: World, username: str = "staff") -> str:
    return world.as_(username).authorization.removeprefix("Token ")


def cookie_set(header: str) -> tuple[str, dict[str, str]]:
    """Value and attributes of the cookie in a header."""
    (morsel,) = SimpleCookie(header).values()
    return morsel.value, {name: f"{value}" for name, value in morsel.items() if value}


def test_whoever_is_not_signed_in_is_asked_to_and_comes_to_the_page_that_they_asked_for(world: World) -> None:
    somebody = anybody(world)
    place = "/dashboard/lists/projects/?name=pro"
    asked = somebody.open("/dashboard/lists/projects/", name="pro")
    form = asked.response.headers["Location"]
    assert (asked.status, form) == (303, "/dashboard/sign-in/?next=/dashboard/lists/projects/?name%3Dpro")
    page = somebody.open(form)
    assert page.one("input[name=next]")["value"] == place
    assert page.one("input[name=token]")["type"] == "password"
    done = somebody.post(SIGN_IN, token=f" {token_of(world)}\n", next=place)
    assert (done.status, done.response.headers["Location"]) == (303, place)


def test_the_cookie_is_a_random_number_for_our_pages_only(world: World) -> None:
    answers = [anybody(world).post(SIGN_IN, token=token_of(world)).response for _ in range(2)]
    (value, attributes), (other, _) = (cookie_set(each.headers["Set-Cookie"]) for each in answers)
    assert value != other
    assert len(bytes.fromhex(value)) == 32
    assert attributes.pop("expires")
    assert attributes == {"path": "/dashboard/", "max-age": "43200", "httponly": "True", "samesite": "Lax"}


def test_the_cookie_is_for_https_where_the_page_is_and_for_the_prefix_of_a_proxy(world: World) -> None:
    client = world.app.test_client()
    response = client.post(SIGN_IN, data={"token": token_of(world)}, base_url="https://example.org/ledger")
    _, attributes = cookie_set(response.headers["Set-Cookie"])
    assert (attributes["path"], attributes["secure"]) == ("/ledger/dashboard/", "True")
    assert response.headers["Location"] == "/ledger/dashboard/"


def test_neither_the_database_nor_a_page_has_what_is_in_the_cookie_or_the_token(world: World) -> None:
    somebody, token = anybody(world), token_of(world)
    done = somebody.post(SIGN_IN, token=token)
    value, _ = cookie_set(done.response.headers["Set-Cookie"])
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT s::text FROM dashboard.session s").fetchall()
    page = somebody.open("/").text + f"{somebody.open('/dashboard/lists/usages/').html}"
    for secret in (value, token):
        assert secret not in f"{rows}"
        assert secret not in page


def test_the_cookie_opens_no_door_to_the_api(world: World) -> None:
    somebody = reader(world, "staff")
    answer = somebody.client.get(USAGES)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        ("0" * 40, 401, "Invalid token."),
        ("", 401, "Enter the token as one word, as `usage-ledger token create` printed it."),
        ("two words", 401, "Enter the token as one word, as `usage-ledger token create` printed it."),
    ],
)
def test_a_wrong_token_is_told_on_the_form(world: World, token: str, status: int, message: str) -> None:
    somebody = anybody(world)
    page = somebody.post(SIGN_IN, token=token, next="/dashboard/compare/")
    assert (page.status, page.one("[role=alert]").text) == (status, message)
    assert page.one("input[name=next]")["value"] == "/dashboard/compare/"
    assert "Set-Cookie" not in page.response.headers
    assert somebody.open().status == 303


def test_many_wrong_tokens_from_an_address_are_too_many(world: World) -> None:
    somebody = anybody(world)
    told = [somebody.post(SIGN_IN, token="wrong") for _ in range(101)]
    assert [each.status for each in told] == [401] * 100 + [429]
    assert int(told[-1].response.headers["Retry-After"]) > 0
    assert somebody.post(SIGN_IN, token=token_of(world)).status == 303


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example/", "/api/", "/dashboard/\\evil", "/dashboard/\r\nX: 1", ""],
)
def test_a_link_from_elsewhere_leads_nowhere_else(world: World, place: str) -> None:
    done = anybody(world).post(SIGN_IN, token=token_of(world), next=place)
    assert done.response.headers["Location"] == DASHBOARD


def test_signing_out_ends_the_session_also_for_whoever_has_copied_the_cookie(world: World) -> None:
    somebody, thief = reader(world, "staff"), anybody(world)
    stolen = somebody.client.get_cookie(COOKIE, path=DASHBOARD)
    assert stolen
    thief.client.set_cookie(COOKIE, stolen.value, path=DASHBOARD)
    assert thief.open("/dashboard/lists/usages/").status == 200
    out = somebody.post(SIGN_OUT)
    assert (out.status, out.response.headers["Location"]) == (303, SIGN_IN)
    assert somebody.client.get_cookie(COOKIE, path=DASHBOARD) is None
    assert thief.open("/dashboard/lists/usages/").status == 303


def test_nothing_that_a_browser_kept_is_confirmed_to_whoever_signed_out(world: World) -> None:
    somebody, path = reader(world, "staff"), "/dashboard/lists/usages/"
    shown = somebody.open(path).response
    assert (shown.status_code, "ETag" in shown.headers) == (200, False)
    somebody.post(SIGN_OUT)
    for each in ("*", '"any"'):
        answer = somebody.client.get(path, headers={"If-None-Match": each})
        assert answer.status_code == 303, answer.status


def test_a_session_ends_after_twelve_hours(world: World) -> None:
    somebody, begun = reader(world, "staff"), world.now
    world.now = begun + timedelta(hours=12) - timedelta(seconds=1)
    assert somebody.open("/dashboard/lists/usages/").status == 200
    world.now = begun + timedelta(hours=12)
    assert somebody.open("/dashboard/lists/usages/").status == 303


def test_what_has_ended_is_deleted_when_somebody_signs_in(world: World) -> None:
    reader(world, "support")
    world.now += timedelta(hours=12)
    reader(world, "staff")
    with psycopg.connect(world.conninfo) as connection:
        rows = connection.execute("SELECT expires_at FROM dashboard.session").fetchall()
    assert rows == [(world.now + timedelta(hours=12),)]


def test_a_session_ends_with_its_token(world: World) -> None:
    token = tokens.create(world.services, tokens.user_named(world.services, "support"), days=1)
    somebody = anybody(world)
    somebody.post(SIGN_IN, token=token)
    assert somebody.open("/dashboard/lists/usages/").status == 200
    (issued,) = (each for each in tokens.listed(world.services) if each["expires_at"])
    tokens.revoke(world.services, issued["token_uuid"])
    assert somebody.open("/dashboard/lists/usages/").status == 303


def test_a_session_ends_when_its_token_expires(world: World) -> None:
    token = tokens.create(world.services, tokens.user_named(world.services, "support"), days=1)
    somebody = anybody(world)
    world.now += timedelta(hours=20)
    somebody.post(SIGN_IN, token=token)
    assert somebody.open("/dashboard/lists/usages/").status == 200
    world.now += timedelta(hours=5)
    assert somebody.open("/dashboard/lists/usages/").status == 303


def test_a_token_has_twenty_sessions_and_the_oldest_ends(world: World) -> None:
    first = reader(world, "staff")
    for _ in range(19):
        world.now += timedelta(minutes=1)
        last = reader(world, "staff")
    assert first.open("/dashboard/lists/usages/").status == 200
    world.now += timedelta(minutes=1)
    reader(world, "staff")
    assert first.open("/dashboard/lists/usages/").status == 303
    assert last.open("/dashboard/lists/usages/").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", [SIGN_IN, SIGN_OUT])
def test_a_form_of_another_site_does_nothing(world: World, path: str, headers: dict[str, str]) -> None:
    somebody = reader(world, "staff")
    answer = somebody.post(path, headers, token=token_of(world, "stranger"))
    assert (answer.status, answer.messages) == (
        403,
        ["This form was sent by a page of another site. Nothing was done."],
    )
    assert "Set-Cookie" not in answer.response.headers
    assert somebody.open("/dashboard/lists/usages/").status == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_a_form_of_ours_is_taken(world: World, headers: dict[str, str]) -> None:
    assert anybody(world).post(SIGN_IN, headers, token=token_of(world)).status == 303
