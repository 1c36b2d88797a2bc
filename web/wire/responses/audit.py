"""The answers that auditors get."""

from marshmallow import fields

from web.wire.responses.columns import Hex
from web.wire.responses.schemas import ObjectSchema, declare

CLOUD_EVENT = declare(
    ObjectSchema,
    "CloudEvent",
    specversion=fields.Constant("1.0"),
    id=fields.String(required=True),
    source=fields.String(required=True),
    type=fields.String(required=True),
    subject=Hex(required=True),
    time=fields.String(required=True),
    datacontenttype=fields.Constant("application/json"),
    sequence=fields.String(required=True),
    originatorversion=fields.Integer(required=True),
    data=fields.Dict(keys=fields.String(), required=True),
)
