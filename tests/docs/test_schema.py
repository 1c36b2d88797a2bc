"""The description of the API: valid, complete, the same for everybody, and what the service keeps to."""

import re
import subprocess
import sys
from typing import Any
from urllib.parse import urljoin

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from tests.paths import ENDPOINTS, ROOT
from tests.world import RESOURCE, USAGES, World, plain_headers
from web.docs.document import describe
from web.docs.operations import JSON, headers_read
from web.docs.parameters import PATH, QUERY, REQUEST_HEADERS, RESPONSE_HEADERS
from web.docs.routes import routes, words
from web.docs.views import POLICY, SAFETY
from web.edge.origins import ANSWER_HEADERS
from web.edge.origins import REQUEST_HEADERS as OF_BROWSERS
from web.wire.rendering import READ

Json = dict[str, Any]

SCHEMA, PAGE = "/api/schema/", "/api/docs/"


@pytest.fixture(name="document")
def description(world: World) -> Json:
    """The description, as anybody gets it."""
    response = world.anonymous.get(SCHEMA)
    assert (response.status_code, response.content_type) == (200, "application/json")
    document: Json = response.get_json()
    return document


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Method, path and operation of all that is described."""
    return [
        (method.upper(), path, operation)
        for path, of_path in document["paths"].items()
        for method, operation in of_path.items()
    ]


def examples(parameter: Json) -> list[Any]:
    """The examples of a parameter: what it has to have is filled in where a reader tries it out."""
    if "example" in parameter:
        return [parameter["example"]]
    found: list[Any] = parameter.get("schema", {}).get("examples", [])
    return found


def faults(document: Json, schema: Json, example: Any) -> list[str]:
    """Return what an example has that its schema does not allow."""
    validator = OAS31Validator(schema | {"components": document["components"]})
    return [error.message for error in validator.iter_errors(example)]


def test_the_description_is_openapi(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_is_in_it_below_its_heading_with_its_words(world: World, document: Json) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    assert described == words().keys() == {(route.method, route.path) for route in routes(world.app)}
    headings = re.findall("^## (.+)$", ENDPOINTS.read_text(), re.MULTILINE)
    names = [each["name"] for each in document["tags"]]
    assert names == [heading for heading in headings if heading in names]
    assert len({operation["operationId"] for _, _, operation in operations(document)}) == len(described)
    for _, _, operation in operations(document):
        (tag,) = operation["tags"]
        assert tag in names
        assert operation["summary"]


def test_every_route_says_whether_it_needs_a_token(world: World, document: Json) -> None:
    for method, path, operation in operations(document):
        answered = world.anonymous.send(method, re.sub("{.*?}", "x", path), json={})
        assert (answered.status_code == 401) == bool(operation["security"]), path
        assert ("401" in operation["responses"]) == bool(operation["security"])


def test_every_example_is_what_its_schema_says(document: Json) -> None:
    checked = 0
    for method, path, operation in operations(document):
        of_body = operation.get("requestBody", {}).get("content", {})
        medias = [*of_body.values()]
        for response in operation["responses"].values():
            medias += response.get("content", {}).values()
        medias += [{"example": each} | told for told in operation["parameters"] for each in examples(told)]
        for media in medias:
            if "example" in media and "schema" in media:
                checked += 1
                assert faults(document, media["schema"], media["example"]) == [], (method, path)
    for response in document["components"]["responses"].values():
        for media in response.get("content", {}).values():
            assert media["examples"]
            for example in media["examples"].values():
                checked += 1
                assert faults(document, media["schema"], example["value"]) == []
    assert checked > 300


def test_every_parameter_has_an_example(document: Json) -> None:
    for method, path, operation in operations(document):
        for each in operation["parameters"]:
            assert "$ref" in each or examples(each), (method, path, each["name"])
    for name, told in document["components"]["parameters"].items():
        assert examples(told), name
        assert faults(document, told["schema"], *examples(told)) == []


WITHOUT_EXAMPLE = {
    ("request", "application/x-www-form-urlencoded"): "a form has what the JSON has",
    ("200", "application/vnd.apache.parquet"): "it is no text",
    ("200", "text/html; charset=utf-8"): "it is the page that shows this",
    ("200", "*/*"): "these are the files of that page",
    ("/api/schema/", JSON): "it is this",
}
"""What is described without an example, and why."""


def test_every_body_answer_error_and_header_has_an_example(document: Json) -> None:
    lacking, checked = set(), 0
    for _, path, operation in operations(document):
        told = {"request": operation.get("requestBody", {})} | operation["responses"]
        for name, each in told.items():
            for kind, media in each.get("content", {}).items():
                checked += 1
                if media.get("example") is None and not media.get("examples"):  # {} is one
                    lacking.add((path, kind) if path == SCHEMA else (name, kind))
    assert lacking == WITHOUT_EXAMPLE.keys()
    assert checked > 200
    for response in document["components"]["responses"].values():
        assert all(media["examples"] for media in response.get("content", {}).values())
    for header in document["components"]["headers"].values():
        [example] = header["schema"]["examples"]
        assert faults(document, header["schema"], example) == []


def test_all_that_is_told_is_used(world: World, document: Json) -> None:
    names = {name for route in routes(world.app) for name in route.taken.names} | {"min_position"}
    assert QUERY.keys() <= names
    assert PATH.keys() == set(re.findall("{(.*?)}", "".join(document["paths"])))
    assert REQUEST_HEADERS.keys() == {name for route in routes(world.app) for name in headers_read(route)}
    referred = set(re.findall("#/components/headers/([^\"']+)", str(document)))
    assert RESPONSE_HEADERS.keys() == referred
    assert set(ANSWER_HEADERS) <= referred
    assert REQUEST_HEADERS.keys() <= {*OF_BROWSERS}


def test_a_body_that_is_described_is_the_one_that_is_checked(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": 1}])
    usage = world.usages()[0]["uuid"]
    strict, checked = {"Prefer": "handling=strict"}, 0
    for route in routes(world.app):
        if route.read is None or route.read.is_list or ("{uuid}" in route.path and USAGES not in route.path):
            continue
        (body,) = route.read.bodies
        path = route.path.replace("{uuid}", usage)
        refused = world.as_("staff").send(route.method, path, json={"zzzzz": 1}, headers=strict)
        known = ", ".join(sorted(body.fields))
        assert refused.get_json() == {"zzzzz": [f"Unknown field. Known are {known}."]}
        checked += 1
    assert checked >= 5


def test_every_view_that_writes_says_what_it_reads(world: World) -> None:
    for route in routes(world.app):
        assert (route.view in READ) == (route.method in ("POST", "PUT", "PATCH")), route


def test_paths_are_below_where_the_description_came_from(document: Json) -> None:
    [server] = document["servers"]
    assert urljoin("https://example.org/ledger/api/schema/", server["url"]) == "https://example.org/ledger/"


def test_whoever_asks_gets_the_same_bytes(world: World) -> None:
    before = [world.anonymous.get(path).data for path in (SCHEMA, PAGE)]
    world.report(usages=[{"type": "cpu", "amount": 1}])
    for who in (world.as_("staff"), world.as_("stranger"), world.client("wrong")):
        assert [who.get(path).data for path in (SCHEMA, PAGE)] == before
    assert RESOURCE.encode() not in b"".join(before)


def test_a_client_that_has_the_description_is_told_so(world: World) -> None:
    first = world.anonymous.get(SCHEMA)
    assert first.headers["Cache-Control"] == "no-cache"
    again = world.anonymous.send("GET", SCHEMA, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    head = world.anonymous.send("HEAD", SCHEMA)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"])


def file_of(world: World, name: str) -> TestResponse:
    """The answer to who asks for a file of the page."""
    return world.anonymous.send("GET", f"{PAGE}{name}", buffered=True)


def test_the_page_loads_what_is_ours_or_packaged_and_nothing_else(world: World) -> None:
    page = world.anonymous.get(PAGE)
    assert plain_headers(page).items() >= SAFETY.items()
    assert "unsafe" not in POLICY
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.get_data(as_text=True))
    assert loaded == [
        *("index.css", "swagger-ui.css", "favicon-32x32.png"),
        *("../schema/", "swagger-ui-bundle.js", "start.js"),
    ]
    assert "<script>" not in page.get_data(as_text=True)
    for name in loaded:
        if "/" not in name:
            response = file_of(world, name)
            assert response.status_code == 200
            assert plain_headers(response).items() >= SAFETY.items()
    for name in ("views.py", "page.html", "index.html", "..%2Fviews.py", "oauth2-redirect.html"):
        assert file_of(world, name).status_code == 404


def test_the_map_of_lists_has_neither(world: World) -> None:
    assert world.as_("staff").get("/api/").get_json().keys() & {"docs", "schema"} == set()


def test_the_service_starts_without_what_makes_the_description() -> None:
    code = (
        "import sys, web; print([each for each in ('apispec', 'web.docs.document') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_description_is_made_once(world: World) -> None:
    assert world.anonymous.get(SCHEMA).get_json() == describe(world.app)
    assert world.app.extensions["usage-ledger-document"].body == world.anonymous.get(SCHEMA).data
