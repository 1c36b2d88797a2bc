"""The address that `make run` prints: what this is, for people and for programs, without a token."""

import pytest

from tests.dashboard.reading import anybody, reader
from tests.world import World
from web.request.conditional import VERSION

MAP = {"Accept": "application/json"}


def test_the_first_page_says_what_this_is_and_leads_everywhere(world: World) -> None:
    page = anybody(world).open("/")
    assert (page.status, page.response.content_type) == (200, "text/html; charset=utf-8")
    assert page.heading == "usage-ledger"
    position = page.response.headers["Ledger-Position"]
    assert f"Version {VERSION}, at position {position} of the journal." in page.text
    places = {str(each["href"]) for each in page.html.select("main a")}
    assert places == {"/dashboard/", "/api/docs/", "/api/schema/", "/healthz", "/readyz"}
    for place in places:
        assert world.app.test_client().get(place).status_code in (200, 303)


def test_programs_get_a_map_of_the_endpoints(world: World) -> None:
    response = world.anonymous.send("GET", "/", headers=MAP)
    told = response.get_json()
    endpoints = told.pop("endpoints")
    assert told == {
        "name": "usage-ledger",
        "version": VERSION,
        "position": int(response.headers["Ledger-Position"]),
        "places": {
            "dashboard": "http://localhost/dashboard/",
            "documentation": "http://localhost/api/docs/",
            "schema": "http://localhost/api/schema/",
            "api": "http://localhost/api/",
            "health": "http://localhost/healthz",
            "readiness": "http://localhost/readyz",
        },
    }
    assert endpoints["/api/marketplace-component-usages/set_usage/"] == ["POST"]
    assert endpoints["/api/component-user-usage-limits/{uuid}/"] == ["DELETE", "GET", "PATCH", "PUT"]
    rules = {rule.rule for rule in world.app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert len(endpoints) == len(rules)
    assert list(endpoints) == sorted(endpoints)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8", ""])
def test_browsers_and_whoever_takes_anything_get_the_page(world: World, accept: str) -> None:
    response = world.anonymous.send("GET", "/", headers={"Accept": accept} if accept else {})
    assert response.content_type == "text/html; charset=utf-8"
    assert "Accept" in response.headers["Vary"]


def test_the_first_page_is_the_same_whoever_asks_and_says_nothing_of_the_data(world: World) -> None:
    assert reader(world, "staff").open("/").text == anybody(world).open("/").text
    page = anybody(world).open("/").text + world.anonymous.send("GET", "/", headers=MAP).get_data(
        as_text=True
    )
    for name in ("Provider", "Consumer", "Cluster", "Resource"):
        assert name not in page


def test_links_begin_where_the_client_came_in(world: World) -> None:
    response = world.app.test_client().get("/", base_url="https://example.org/ledger", headers=MAP)
    assert response.get_json()["places"]["dashboard"] == "https://example.org/ledger/dashboard/"


def test_a_misspelt_parameter_of_a_page_is_refused(world: World) -> None:
    page = anybody(world).open("/", asof="2026-05-31")
    assert (page.status, page.messages) == (400, ["asof: Unknown parameter. None is known here."])
