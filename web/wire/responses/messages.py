"""The answers that are no usages: errors, outcomes of many reports, and the health of the service."""

from typing import get_args

from marshmallow import INCLUDE, fields

from ledger.decisions.idempotency import Result
from web.wire.responses.columns import Hex, Word
from web.wire.responses.schemas import Members, ObjectSchema, declare

NOT_STORED = "not_stored"
"""The result of a report that would have been stored, had not another one of its request been refused."""


class Problem(ObjectSchema):
    """The faults of a request: in one sentence, or by field, those of a list in step with its items."""

    class Meta:
        unknown = INCLUDE

    detail = fields.String()
    non_field_errors = fields.List(fields.String())


PROBLEM = Problem()
DETAIL = declare(ObjectSchema, "Detail", detail=fields.String(required=True))
ERRORS: dict[int, ObjectSchema] = {
    **dict.fromkeys((401, 403, 404, 405, 408, 409, 411, 413, 415, 422, 429, 500, 503), DETAIL),
    **dict.fromkeys((400, 412), PROBLEM),
}
"""The answers of every endpoint to what went wrong, by status."""

RESULTS = (*get_args(Result), NOT_STORED)
COUNTS: Members = {result: fields.Integer() for result in RESULTS}
OUTCOME = declare(
    ObjectSchema,
    "ReportOutcome",
    result=Word(RESULTS, required=True),
    uuid=Hex(allow_none=True),
    position=fields.Integer(allow_none=True),
    errors=fields.Dict(keys=fields.String()),
)
OUTCOMES = declare(
    ObjectSchema, "ReportOutcomes", **COUNTS, results=fields.List(fields.Nested(OUTCOME), required=True)
)


class Root(ObjectSchema):
    """The URL of each list of the API, by its name."""

    class Meta:
        unknown = INCLUDE


ROOT = Root()


class Document(ObjectSchema):
    """The description of the API, in OpenAPI 3.1."""

    class Meta:
        unknown = INCLUDE


DOCUMENT = Document()

START = declare(
    ObjectSchema,
    "Start",
    name=fields.String(required=True),
    version=fields.String(required=True),
    position=fields.Integer(required=True),
    places=fields.Dict(keys=fields.String(), values=fields.String(), required=True),
    endpoints=fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True),
)
"""What is served here: URLs of places by name, and the methods of each path of the API."""

HEALTH = declare(
    ObjectSchema,
    "Health",
    status=Word(("ok", "unavailable"), required=True),
    reason=fields.String(),
    position=fields.Integer(),
    lag=fields.Float(),
    note=fields.String(),
)
"""`lag` is in seconds, of a server that is read-only. `note` says what is no trouble yet."""
