"""/api/: the URL of each list by its name, which clients look up and count."""

import re

from flask import Response

from tests.world import World
from web.request.pipeline import api
from web.wire.rendering import answers
from web.wire.responses.lists import COMPONENT_USAGE

OBJECTS = {"users/me", "version"}
"""Paths without parameters that answer with an object."""


def test_each_list_is_there_by_its_name_with_the_url_that_a_client_can_follow(world: World) -> None:
    response = world.as_("stranger").get("/api/")
    assert response.status_code == 200
    lists = response.get_json()
    assert list(lists) == sorted(lists)
    assert {
        "component-user-usage-limits",
        "marketplace-component-usage-monthly",
        "marketplace-component-usages",
        "marketplace-component-user-usages",
    } <= lists.keys()
    assert [name for name in lists if "/" in name or name in OBJECTS] == []
    assert lists == {name: f"http://localhost/api/{name}/" for name in lists}


def test_no_other_path_of_the_api_without_parameters_answers_with_rows(world: World) -> None:
    staff = world.as_("staff")
    lists = staff.get("/api/").get_json()
    paths = {
        match[1]
        for rule in world.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and (match := re.fullmatch("/api/([^/<]+)/", rule.rule))
    }
    for name in paths - lists.keys():
        assert not isinstance(staff.get(f"/api/{name}/").get_json(), list)


def test_each_list_is_counted_by_staff(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    for url in world.as_("staff").get("/api/").get_json().values():
        response = world.as_("staff").get(url, page_size=1)
        assert response.status_code == 200
        rows = response.get_json()
        assert isinstance(rows, list)
        total = int(response.headers["X-Result-Count"])
        assert len(rows) == min(total, 1)
        assert world.as_("staff").head(url).headers["X-Result-Count"] == str(total)


def test_the_map_is_at_its_path_only_and_read_only_by_those_who_are_known(world: World) -> None:
    staff = world.as_("staff")
    moved = staff.get("/api")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/api/")
    assert world.anonymous.get("/api/").status_code == 401
    assert world.anonymous.send("POST", "/api/").status_code == 401
    refused = staff.send("POST", "/api/")
    assert (refused.status_code, refused.get_json()) == (405, {"detail": 'Method "POST" not allowed.'})
    head = staff.head("/api/")
    assert (head.status_code, head.data) == (200, b"")


def test_a_list_that_is_added_comes_in_by_itself(world: World) -> None:
    blueprint = api("more", "/api")

    @answers(COMPONENT_USAGE, is_list=True)
    def rows(**_: str) -> Response:
        raise AssertionError("nobody asks")

    for number, path in enumerate(("/new-list/", "/below/new-list/", "/new-list/<uuid>/")):
        blueprint.add_url_rule(path, f"rows{number}", rows)
    world.app.register_blueprint(blueprint)
    lists = world.as_("staff").get("/api/").get_json()
    assert [name for name in lists if "new-list" in name] == ["new-list"]
