"""What a route takes and answers, as an operation of OpenAPI."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from marshmallow import Schema

from web.docs import parameters as told_of
from web.docs.converter import Converter
from web.docs.errors import name_of, statuses_of
from web.docs.examples import EXAMPLES
from web.docs.parameters import Told
from web.docs.routes import NOT_LISTED, Route, words
from web.request.idempotency import HEADER
from web.request.reading import ENCODED, LINES
from web.wire.declared.strangers import OF_EVERY_GET
from web.wire.exports.forms import FORMS
from web.wire.filters import MISSING_USAGE_QUERY
from web.wire.rendering import BYTES
from web.wire.responses.messages import ERRORS, PROBLEM

Json = dict[str, Any]

JSON = "application/json"
OF_TOKENS: list[Json] = [{"token": []}, {"bearer": []}]
OTHER_FORM: Json = {"schema": {"type": "string"}}
ALWAYS_STRICT = "/api/ledger/"
OF_EVERY_ANSWER = ("Ledger-Position", "X-Request-ID")
KEPT_WITH_FACTS = ("X-Request-ID", "traceparent")


class Operations(NamedTuple):
    """Makes operations; schemas get into the description by the way."""

    converter: Converter

    def of(self, route: Route) -> Json:
        """Return the operation of a route."""
        told = words().get((route.method, route.path), NOT_LISTED)
        made: Json = {
            "operationId": f"{route.name}_{route.method.lower()}",
            "tags": [told.heading],
            "summary": told.summary,
            "parameters": [*self._parameters(route)],
            "responses": self._responses(route),
            "security": OF_TOKENS if route.needs_token else [],
        }
        if route.description:
            made["description"] = route.description
        if route.read:
            made["requestBody"] = self._body(route)
        return made

    def schema(self, schema: Schema) -> Json:
        """Return the reference to a schema, which is described once."""
        return dict(self.converter.resolve_nested_schema(schema))  # type: ignore[no-untyped-call]

    def _parameters(self, route: Route) -> Iterator[Json | str]:
        of_route = _recorded(route).get("parameters", {})
        for name in told_of.PATH:
            if f"{{{name}}}" in route.path:
                yield _parameter("path", name, told_of.PATH[name], of_route)
        fields = {
            field.data_key or name: field
            for schema in route.taken.schemas
            for name, field in schema.fields.items()
        }
        every = OF_EVERY_GET if route.method == "GET" and route.needs_token else set()
        for name in sorted(route.taken.names | every):
            if name == "field":
                yield _parameter("query", name, columns(route), of_route)
            elif name in fields:
                schema = self.converter.field2property(fields[name])
                description = schema.pop("description", "")
                told = Told(description, schema, fields[name].required)
                yield _parameter("query", name, told, of_route)
            else:
                yield _parameter("query", name, told_of.QUERY[name], of_route)
        yield from headers_read(route)  # described once

    def _body(self, route: Route) -> Json:
        assert route.read
        one: Json = {"anyOf": [self.schema(each) for each in route.read.bodies]}
        if len(route.read.bodies) == 1:
            (one,) = one["anyOf"]
        recorded = _recorded(route)
        example = recorded.get("request")
        if not route.read.is_list:
            return {
                "required": route.method != "PATCH",  # none changes nothing
                "content": {JSON: {"schema": one, "example": example}, ENCODED: {"schema": one}},
            }
        items = {"type": "array", "items": one, "minItems": 1, "maxItems": 10_000}
        lines = {"schema": {"type": "string"}, "example": recorded.get("lines")}
        return {"required": True, "content": {JSON: {"schema": items, "example": example}, LINES[0]: lines}}

    def _responses(self, route: Route) -> Json:
        shared = statuses_of(route)
        answers = {
            str(status): self._answer(route, status, is_error=status in shared)
            for status in route.declared.statuses
        }
        if route.method == "GET" and (route.needs_token or "ETag" in route.declared.headers):
            answers["304"] = {"$ref": "#/components/responses/NotModified"}
        for status in shared:
            if str(status) not in answers:
                answers[str(status)] = {"$ref": f"#/components/responses/{name_of(status)}"}
        if MISSING_USAGE_QUERY in route.taken.schemas:
            answers["400"] = self._listed_problem(_recorded(route)["answers"]["400"])
        return dict(sorted(answers.items()))

    def _answer(self, route: Route, status: int, *, is_error: bool) -> Json:
        declared = route.declared
        examples, files = _recorded(route).get("answers", {}), _recorded(route).get("files", {})
        example = {"example": examples[str(status)]} if str(status) in examples else {}
        made: Json = {"description": STATUSES.get(status, "Done."), "headers": headers(route, status)}
        if declared.content_type:
            kind: Json = {} if declared.content_type == BYTES else {"schema": {"type": "string"}}
            return made | {"content": {declared.content_type: kind | example}}
        if declared.schema is None:
            return made
        schema = self.schema(declared.schema)
        if declared.is_list:
            schema = {"type": "array", "items": schema}
        if is_error:
            schema = {"anyOf": [schema, self.schema(ERRORS[status])]}
        first, *others = declared.forms
        content = {first: {"schema": schema, **example}}
        if declared.is_list and route.method == "GET":
            others += [each.content_type for each in FORMS.values()]
        for each in others:
            content[each] = OTHER_FORM | ({"example": files[each]} if each in files else {})
        return made | {"content": content}

    def error(self, status: int, examples: Json, more: tuple[str, ...]) -> Json:
        """Return the answer to what went wrong, which routes share."""
        names = (*OF_EVERY_ANSWER, "Ledger-Ignored", "Preference-Applied", "Idempotency-Replayed", *more)
        media = {"schema": self.schema(ERRORS[status])} | ({"examples": examples} if examples else {})
        return {
            "description": STATUSES[status],
            "headers": _headers(*names),
            "content": {JSON: media},
        }

    def _listed_problem(self, example: Any) -> Json:
        """Return the 400 of the list that tells errors without the names of parameters, as Waldur does."""
        schema = {"anyOf": [self.schema(PROBLEM), {"type": "array", "items": {"type": "string"}}]}
        made = self.error(400, {}, ())
        return made | {"content": {JSON: {"schema": schema, "example": example}}}


def _recorded(route: Route) -> Json:
    """Return the examples of a route, as far as there are any."""
    recorded: Json = EXAMPLES["operations"].get(f"{route.method} {route.path}", {})
    return recorded


STATUSES = {
    200: "What was asked for.",
    201: "Done.",
    204: "Removed.",
    304: "The client has this answer.",
    400: "Something of the request is wrong: in one sentence, or by field.",
    401: "Who asks is not known.",
    403: "The caller may not do this.",
    404: "There is no such thing, or not for the caller.",
    405: "There is no such method of this path. `Allow` has those that there are.",
    408: "The body did not come in time.",
    409: "Somebody else was at it at the same time. Nothing was stored; send it again.",
    411: "A form, or lines, in chunks: half of it would look whole.",
    412: "The figure is not what the reporter read. Nothing was stored.",
    413: "The body is too large.",
    415: "The body is of a kind, or compressed in a way, that is not read here.",
    422: "The `Idempotency-Key` was another request's.",
    429: "Too many wrong tokens came from this address.",
    500: "A fault of the service, which its log tells of.",
    503: "Not possible at the moment; send it again.",
}


def _parameter(place: str, name: str, told: Told, of_route: Json) -> Json:
    made: Json = {"in": place, "name": name, "schema": told.schema}
    if told.description:
        made["description"] = told.description
    examples = EXAMPLES["parameters"] | of_route
    if place == "path" or told.is_required:
        made["required"] = True
        if name in examples:
            made["example"] = examples[name]
    elif name in examples:
        made["schema"] = with_example(told.schema, examples[name])
    return made


def with_example(schema: Json, example: Any) -> Json:
    """Return a schema with an example in it, which pages don't fill in when somebody tries the route out."""
    return schema | {"examples": [example]}


def columns(route: Route) -> Told:
    """Return what the parameter `field` of a route may be."""
    names = {"type": "string", "enum": sorted(route.taken.columns)}
    return Told("Show these columns only.", {"type": "array", "items": names})


def headers_read(route: Route) -> list[str]:
    """Return the names of the headers that a request of this route may have."""
    if not route.needs_token:
        return []
    of_method = ("If-None-Match",) if route.method == "GET" else KEPT_WITH_FACTS
    of_body = ("Content-Encoding", *route.read.headers) if route.read else ()
    return ["Prefer", *of_method, *of_body]


def headers(route: Route, status: int) -> Json:
    """Return the headers that an answer of this route may have."""
    names = [*OF_EVERY_ANSWER, *route.declared.headers]
    if route.path.startswith("/api/"):
        names += ["Preference-Applied"]
        if not route.path.startswith(ALWAYS_STRICT):
            names += ["Ledger-Ignored"]
    if route.needs_token and route.method == "GET" and status == 200:
        names += ["ETag"]
    if route.declared.is_list:
        names += ["Vary", "Content-Disposition", "Ledger-Origin"]
    if route.read and HEADER in route.read.headers:
        names += ["Idempotency-Replayed"]
    return _headers(*names)


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}
