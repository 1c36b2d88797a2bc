"""The answers that auditors get."""

from marshmallow import fields

from web.wire.responses.columns import Boolean, Hex, Integer, Moment
from web.wire.responses.schemas import ObjectSchema, RowSchema, declare

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

VERIFICATION = declare(
    RowSchema,
    "Verification",
    position=Integer(),
    recorded_at=Moment(),
    to=Integer(attribute="up_to"),
    facts=Integer(),
    differences=Integer(),
    ok=Boolean(),
)
