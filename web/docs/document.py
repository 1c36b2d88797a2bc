"""The whole description, OpenAPI 3.1: made once by a process, when it is asked for first."""

from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from apispec import APISpec
from flask import Flask

from web.docs import parameters
from web.docs.converter import Converter, Plugin
from web.docs.errors import OF_STATUS, examples_of, name_of, statuses_of
from web.docs.examples import EXAMPLES
from web.docs.operations import OF_EVERY_ANSWER, STATUSES, Operations, with_example
from web.docs.parameters import Told
from web.docs.routes import routes, words
from web.docs.views import SAFETY
from web.request.conditional import VERSION

Json = dict[str, Any]

TITLE = "usage-ledger"

OF_UNCHANGED = (
    *OF_EVERY_ANSWER,
    "ETag",
    "Ledger-Ignored",
    "Preference-Applied",
    "Cache-Control",
    "Vary",
    *SAFETY,
)
"""Headers of a 304."""

ABOUT = """\
What the resources of clouds and HPC centres consumed, by component, month and user: reports in, figures \
out. The part of Waldur's marketplace API that is about usage, and below `/api/ledger/` what Waldur has not.

* `HEAD` is answered wherever `GET` is, with the same headers. `OPTIONS` is answered everywhere, 200 with \
`{}` and the methods in `Allow`. Any other method is a 405.
* A path without its last slash is moved to the one with it, by 301.
* A parameter without a value is as good as none. But it is a 400 where it has to be there, where it says \
*when* (`as_of`, `from`, `to`, `size`), and of the feed (`after`, `limit`, `wait`).
* Examples are answers of the service to its demo catalogue; those of files are the first of their rows.
* Where the operator names origins, each answer has the headers of CORS, too.
"""

SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token `, and the API token: `Token 0123…`.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API token."},
}


class Document(NamedTuple):
    """The description as it is sent, and a name of its bytes."""

    body: bytes
    etag: str


def document_of(app: Flask) -> Document:
    """Return the description of an application, which is made when this is asked first."""
    key = "usage-ledger-document"
    if key not in app.extensions:
        body = orjson.dumps(describe(app))
        app.extensions[key] = Document(body, sha256(body).hexdigest()[:32])
    made: Document = app.extensions[key]
    return made


def describe(app: Flask) -> Json:
    """Return the description of an application: all of its routes, with what they take and answer."""
    plugin = Plugin(schema_name_resolver=lambda schema: type(schema).__name__)
    spec = APISpec(
        TITLE,
        VERSION,
        "3.1.0",
        plugins=[plugin],
        info={"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "../.."}],
        tags=[{"name": each} for each in dict.fromkeys(told.heading for told in words().values())],
    )
    assert isinstance(plugin.converter, Converter)
    operations = Operations(plugin.converter)
    _add_components(spec)
    by_path: dict[str, Json] = {}
    statuses = {405}
    for route in routes(app):
        by_path.setdefault(route.path, {})[route.method.lower()] = operations.of(route)
        statuses.update(statuses_of(route))
    for path, of_path in by_path.items():
        spec.path(path, operations=of_path)
    shared = _shared(operations, statuses)  # and their schemas
    made: Json = spec.to_dict()
    made["components"]["responses"] = shared
    return made


def _add_components(spec: APISpec) -> None:
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for name, told in parameters.RESPONSE_HEADERS.items():
        schema = told.schema
        if name in EXAMPLES["headers"]:
            schema = with_example(schema, _value(schema, EXAMPLES["headers"][name]))
        spec.components.header(name, _told(told._replace(schema=schema)))
    for name, told in parameters.REQUEST_HEADERS.items():
        if name in EXAMPLES["parameters"]:
            told = told._replace(schema=with_example(told.schema, EXAMPLES["parameters"][name]))
        spec.components.parameter(name, "header", {"name": name, **_told(told)})


def _told(told: Told) -> Json:
    return {"description": told.description, "schema": told.schema}


def _value(schema: Json, text: str) -> Any:
    """Return the value that a header's text stands for."""
    return int(text) if schema["type"] == "integer" else text


def _shared(operations: Operations, statuses: set[int]) -> Json:
    """Return the answers that routes share: errors by status, and that there is nothing new."""
    made = {
        name_of(each): operations.error(each, examples_of(each), (*OF_STATUS.get(each, ()), *_allow(each)))
        for each in sorted(statuses)
    }
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in OF_UNCHANGED}
    return made | {"NotModified": {"description": STATUSES[304], "headers": headers}}


def _allow(status: int) -> tuple[str, ...]:
    return ("Allow",) if status == 405 else ()
