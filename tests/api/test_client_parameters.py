"""Each parameter that the official client sends is obeyed, or in the list of those that are ignored."""

import re
from pathlib import Path

import pytest
import waldur_api_client.api
from werkzeug.routing import Rule

from tests.paths import ENDPOINTS
from tests.world import World
from web.api.catalogue.queries import OFFERING_QUERY
from web.wire.declared.parameters import TAKEN
from web.wire.filters import IGNORED

CALL = re.compile(r'"method": "get",\s*"url": f?"(/api/[^"]*)"')
PARAMETER = re.compile(r'params\["([^"]+)"\]')


def parameters_of_client() -> dict[str, set[str]]:
    """Return what the functions of the client send in queries, by path, with `{}` for each argument."""
    found: dict[str, set[str]] = {}
    for module in Path(waldur_api_client.api.__file__).parent.glob("*/*.py"):
        text = module.read_text()
        if call := CALL.search(text):
            found.setdefault(re.sub(r"{\w+}", "{}", call[1]), set()).update(PARAMETER.findall(text))
    return found


CLIENT = parameters_of_client()


def served(world: World) -> list[tuple[str, Rule]]:
    """Return the paths that the client reads and this API has."""
    rules = [rule for rule in world.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    paths = [(re.sub("<[^>]*>", "{}", rule.rule), rule) for rule in rules]
    return [(path, rule) for path, rule in paths if path in CLIENT]


def ignored_at(path: str) -> set[str]:
    """Return the parameters that are declared to be ignored at a path."""
    ignored = set(IGNORED.get(path.split("/")[2], ()))
    if path.endswith("/component_stats/"):  # the client copies the filters of the list of offerings there
        ignored |= OFFERING_QUERY.fields.keys()
    return ignored


def test_each_parameter_of_the_client_is_obeyed_or_ignored_by_name(world: World) -> None:
    unstated = {
        path: missing
        for path, rule in served(world)
        if (missing := CLIENT[path] - TAKEN[world.app.view_functions[rule.endpoint]].names - ignored_at(path))
    }
    assert unstated == {}


def test_no_parameter_is_both_or_none_of_the_clients(world: World) -> None:
    lists = {path.split("/")[2]: (path, rule) for path, rule in served(world) if path.count("/") == 3}
    for name, ignored in IGNORED.items():
        path, rule = lists[name]
        assert set(ignored) & TAKEN[world.app.view_functions[rule.endpoint]].names == set()
        assert set(ignored) - CLIENT[path] == set()


def test_the_client_was_read(world: World) -> None:
    assert {"resource_uuid", "billing_period", "page"} <= CLIENT["/api/marketplace-component-usages/"]
    assert len(served(world)) > 20


def test_what_is_ignored_is_stated() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (`.*`) \|$", ENDPOINTS.read_text(), re.MULTILINE))
    stated = {name: set(re.findall(r"`(\w+)`", text)) for name, text in rows.items()}
    assert {name: stated.get(name) for name in IGNORED} == {name: set(each) for name, each in IGNORED.items()}


@pytest.mark.parametrize(
    ("name", "told"), [("tag", "Is one of Waldur's, and ignored here."), ("nam", "Unknown parameter.")]
)
def test_what_is_ignored_is_said_to_be(world: World, name: str, told: str) -> None:
    path, query = "/api/marketplace-provider-offerings/", {name: "x"}
    staff = world.as_("staff")
    assert staff.get(path, **query).headers["Ledger-Ignored"] == name
    strict = staff.send("GET", path, query_string=query, headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    assert strict.get_json()[name][0].startswith(told)
