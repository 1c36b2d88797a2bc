"""Every answer that a test gets is compared with the schema that its view declares."""

import re
from io import BytesIO
from typing import Any
from uuid import UUID

import orjson
from arro3.io import read_parquet
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import INCLUDE, Schema, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from web.docs.document import describe
from web.wire.audit.feed import LINES
from web.wire.exports.forms import CSV, PARQUET
from web.wire.rendering import DECLARED, Declared
from web.wire.responses.audit import Row
from web.wire.responses.columns import Link, Objects
from web.wire.responses.messages import ERRORS
from web.wire.responses.schemas import RowSchema

TELLS_LISTS = "/api/marketplace-stats/resources_missing_usage/"
"""Where Waldur tells an error as a list of texts, which no schema of an object declares."""

LARGE = 100_000
"""In bytes: an answer of more is like the smaller ones."""


class DeclaredClient(FlaskClient):
    """A client to whom nothing is answered that is not declared."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        assert_declared(self.application, response)
        assert_documented(self.application, response)
        return response


def assert_declared(app: Flask, response: TestResponse) -> None:
    """That the body is, byte for byte, what a declared schema dumps of the values in it."""
    if response.request.method in ("HEAD", "OPTIONS") or len(response.data) > LARGE:
        return
    if response.content_type == "text/html; charset=utf-8" or "/dashboard/" in response.request.path:
        return  # a page, for people, or what it passes on
    if response.content_type in (CSV.content_type, PARQUET.content_type):
        assert_columns_declared(app, response)
        return
    told = response.data
    if response.content_type == LINES:
        told = b"[%s]" % b",".join(told.splitlines())
    of_view = declared_by_view(app, response)
    schemas: list[Schema | None] = [ERRORS.get(response.status_code)]
    if of_view and of_view.content_type and response.status_code in of_view.statuses:
        assert of_view.content_type in ("*/*", response.content_type)
        return
    if of_view and response.status_code in of_view.statuses:
        schemas.append(of_view.schema)
        assert of_view.is_list == told.startswith(b"[")
    if not told:
        assert None in schemas
    else:
        body = orjson.loads(told)
        if response.request.path == TELLS_LISTS and response.status_code == 400 and isinstance(body, list):
            assert all(isinstance(each, str) for each in body)
            return
        assert any(schema and dumped(schema, body, response) == told for schema in schemas), body


def assert_columns_declared(app: Flask, response: TestResponse) -> None:
    """That a file has the columns that a list declares, in their order."""
    of_view = declared_by_view(app, response)
    assert of_view
    assert of_view.schema
    assert of_view.is_list
    if response.content_type == PARQUET.content_type:
        found = read_parquet(BytesIO(response.data)).schema.names
    else:
        found = response.data.decode("utf-8-sig").partition("\r\n")[0].split(",")
    asked = response.request.args.getlist("field")
    assert found == [name for name in of_view.schema.fields if not asked or name in asked]


OF_HTTP = {"Content-Type", "Content-Length", "Date", "Location"}
"""Headers that no description has to tell of."""

DOCUMENTED: dict[int, dict[str, Any]] = {}
"""The description of the API, by how many views there are: it says the same of every application."""


def assert_documented(app: Flask, response: TestResponse) -> None:
    """That the description of the API has this status and these headers, where it has the route."""
    document = DOCUMENTED.get(len(app.view_functions)) or described(app)
    method = "get" if response.request.method == "HEAD" else response.request.method.lower()
    rule = rule_of(app, response)
    if rule is None or method not in document["paths"].get(rule, {}):
        return
    answers = document["paths"][rule][method]["responses"]
    status = str(response.status_code)
    assert status in answers, f"{method} {rule} answers {status}, which is not documented"
    answer = answers[status]
    if reference := answer.get("$ref"):
        answer = document["components"]["responses"][reference.rpartition("/")[2]]
    told = {name for name in {*response.headers.keys()} - OF_HTTP if not name.startswith("Access-Control-")}
    if response.headers.getlist("Vary") == ["Origin"]:
        told.discard("Vary")  # like those, of pages of other origins
    assert told - answer["headers"].keys() == set(), f"{method} {rule}: headers of {status}, not documented"


def described(app: Flask) -> dict[str, Any]:
    """The description of an application, made once for all that have as many views."""
    DOCUMENTED[len(app.view_functions)] = made = describe(app)
    return made


def rule_of(app: Flask, response: TestResponse) -> str | None:
    """The path that was asked for, as the description writes it, None if there is none."""
    request = response.request
    try:
        rule, _ = app.url_map.bind("").match(request.path, method=request.method, return_rule=True)
    except HTTPException:
        return None
    return re.sub("<(?:[^:>]*:)?([^>]*)>", r"{\1}", rule.rule)


def declared_by_view(app: Flask, response: TestResponse) -> Declared | None:
    request = response.request
    try:
        endpoint, _ = app.url_map.bind("").match(request.path, method=request.method)
    except HTTPException:
        return None
    return DECLARED[app.view_functions[endpoint]]


def dumped(schema: Schema, body: Any, response: TestResponse) -> bytes | None:
    """The values of an answer as `schema` dumps them, None if they are not of its types, or not all there."""
    rows = body if isinstance(body, list) else [body]
    is_whole = isinstance(schema, RowSchema) and "field" not in response.request.args
    if is_whole and any(schema.fields.keys() - row.keys() - left_out(schema) for row in rows):
        return None
    try:
        values = schema.load(rows, many=True, partial=True)
    except ValidationError:
        return None
    if schema.unknown == INCLUDE:
        return bytes(response.data)
    for row in values:
        give_roots(schema, row)
    # A constant is dumped whether it was asked for or not.
    again = [members_of(dumps, row) for dumps, row in zip(schema.dump(values, many=True), rows, strict=True)]
    return orjson.dumps(again if isinstance(body, list) else again[0])


def left_out(schema: Schema) -> set[str]:
    """Names of the members that an object may do without."""
    return {name for name, field in schema.fields.items() if getattr(field, "left_out", False)}


def give_roots(schema: Schema, row: dict[str, Any]) -> None:
    """Make a row as links are dumped from: uuids for URLs, and where URLs begin."""
    for name, field in schema.fields.items():
        name = field.attribute or name
        if isinstance(field, Link) and row.get(name):
            # Where URLs begin is for `tests/edge` to know.
            row["root_url"], _, path = row[name].rpartition("api/")
            row[name] = UUID(path.split("/")[-2])
        elif isinstance(field, Objects):
            for each in row.get(name, ()):
                give_roots(field.row, each)
        elif isinstance(field, Row):
            give_roots(field.row, row.get(name, {}))


def members_of(dumps: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return those of the dumped members that were asked for: a constant is dumped anyway."""
    return {name: value for name, value in dumps.items() if name in row}
