"""What proxies say of the client: believed of as many as the operator names, and else of none."""

from typing import Any

import pytest

from tests.world import OFFERING_USER, RESOURCE, USAGES, USER_USAGES, World
from web.limits.guesses import MOST_GUESSES

FORWARDED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "portal.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/ledger",
}
HERE = "http://localhost"


@pytest.fixture(name="world")
def world_with_a_user_usage(world: World) -> World:
    world.report(usages=[{"type": "cpu", "amount": 5}])
    world.report_user(
        world.usages()[0]["uuid"],
        username="member01",
        usage=1,
        user=f"{HERE}/api/marketplace-offering-users/{OFFERING_USER}/",
    )
    return world


def urls(world: World, headers: dict[str, str], **query: Any) -> list[str]:
    """Every URL in an answer, and that of a redirect."""
    staff = world.as_("staff")
    response = staff.send("GET", USER_USAGES, headers=headers, query_string=query)
    (row,) = response.get_json()
    first, _ = response.headers["Link"].split(", ")
    moved = staff.send("GET", USAGES.rstrip("/"), headers=headers)
    return [
        first.removesuffix('; rel="first"').strip("<>"),
        row["user"].removesuffix(f"{OFFERING_USER}/"),
        row["component_usage"].removesuffix(f"{world.usages()[0]['uuid']}/"),
        moved.headers["Location"],
    ]


def urls_at(root: str, moved: str) -> list[str]:
    return [f"{root}{path}" for path in (USER_USAGES, "/api/marketplace-offering-users/", USAGES)] + [moved]


def test_what_proxies_say_changes_nothing_unless_they_are_believed(world: World) -> None:
    assert urls(world, FORWARDED) == urls_at(HERE, USAGES)


@pytest.mark.parametrize(
    ("headers", "root", "prefix"),
    [
        (FORWARDED, "https://portal.example:8443/ledger", "/ledger"),
        ({}, HERE, ""),
        ({"X-Forwarded-Proto": "https"}, "https://localhost", ""),
        ({"X-Forwarded-Host": "portal.example:8080"}, "http://portal.example:8080", ""),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}, "https://localhost", ""),
        ({"X-Forwarded-Host": "mine.example, portal.example"}, "http://portal.example", ""),
        ({"X-Forwarded-Prefix": "ledger/"}, f"{HERE}/ledger", "/ledger"),
        ({"X-Forwarded-Prefix": "//evil.example"}, f"{HERE}/evil.example", "/evil.example"),
        ({"X-Forwarded-Prefix": '"/a,b c"'}, f"{HERE}/a%2Cb%20c", "/a%2Cb%20c"),
        ({"X-Forwarded-Prefix": "/"}, HERE, ""),
    ],
)
def test_every_url_begins_where_the_client_came_in_to_a_proxy_that_is_believed(
    world: World, headers: dict[str, str], root: str, prefix: str
) -> None:
    world.configure(proxies=1)
    assert urls(world, headers) == urls_at(root, f"{prefix}{USAGES}")


def test_of_a_chain_of_proxies_the_outermost_that_is_believed_knows_the_client(world: World) -> None:
    world.configure(proxies=2)
    chain = {name: f"x, {value}, inner" for name, value in FORWARDED.items()}
    assert urls(world, chain) == urls_at("https://portal.example:8443/ledger", f"/ledger{USAGES}")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (
            {"X-Forwarded-Proto": "javascript"},
            'X-Forwarded-Proto must be http or https, and is "javascript".',
        ),
        (
            {"X-Forwarded-Port": "x"},
            'Links can\'t be made of the host "localhost:x": '
            "it must be a name or an address in ASCII, and may have a port.",
        ),
    ],
)
def test_what_makes_no_url_is_refused(world: World, headers: dict[str, str], detail: str) -> None:
    world.configure(proxies=1)
    response = world.as_("staff").send("GET", USER_USAGES, headers=headers)
    assert (response.status_code, response.get_json()) == (400, {"detail": detail})


def test_urls_that_were_read_behind_a_proxy_can_be_sent_back(world: World) -> None:
    world.configure(proxies=1)
    staff, root = world.as_("staff"), "https://portal.example:8443/ledger"
    user = staff.send("GET", USER_USAGES, headers=FORWARDED).get_json()[0]["user"]
    assert user == f"{root}/api/marketplace-offering-users/{OFFERING_USER}/"
    again = {"username": "member01", "usage": 2, "user": user}
    path = f"{USAGES}{world.usages()[0]['uuid']}/set_user_usage/"
    assert staff.send("POST", path, json=again, headers=FORWARDED).status_code == 201
    assert [row["usage"] for row in world.user_usages()] == ["2.00"]
    for resource in (
        f"{root}/api/marketplace-resources/{RESOURCE}/",
        f"/api/marketplace-resources/{RESOURCE}/",
    ):
        rows = staff.send("GET", USAGES, headers=FORWARDED, query_string={"resource": resource}).get_json()
        assert len(rows) == 1


def test_an_answer_that_has_not_changed_is_known_by_where_the_client_came_in(world: World) -> None:
    world.configure(proxies=1)
    staff = world.as_("staff")
    etag = staff.send("GET", USER_USAGES, headers=FORWARDED).headers["ETag"]
    has = {"If-None-Match": etag}
    assert staff.send("GET", USER_USAGES, headers=FORWARDED | has).status_code == 304
    assert staff.send("GET", USER_USAGES, headers=has).status_code == 200


@pytest.mark.parametrize(("proxies", "other"), [(0, 429), (1, 401)])
def test_wrong_tokens_are_counted_by_the_address_of_the_client(
    world: World, proxies: int, other: int
) -> None:
    world.configure(proxies=proxies)

    def guess(address: str) -> int:
        headers = {"Authorization": "Token wrong", "X-Forwarded-For": address}
        return world.anonymous.send("GET", USAGES, headers=headers).status_code

    assert {guess("198.51.100.7") for _ in range(MOST_GUESSES)} == {401}
    assert guess("198.51.100.7") == 429
    assert guess("198.51.100.8") == other
