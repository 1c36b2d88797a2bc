"""The answers that auditors get."""

from typing import Any

import orjson
from marshmallow import fields

from web.wire.responses.columns import (
    Boolean,
    Date,
    Decimal,
    Hex,
    Integer,
    Integers,
    Moment,
    Object,
    Text,
    Texts,
)
from web.wire.responses.lists import COMPONENT_USAGE, COMPONENT_USER_USAGE, OWNERS
from web.wire.responses.schemas import Members, ObjectSchema, RowSchema, declare

CLOUD_EVENT = declare(
    ObjectSchema,
    "CloudEvent",
    specversion=fields.Constant("1.0"),
    id=fields.String(required=True),
    source=fields.String(required=True),
    type=fields.String(required=True),
    subject=Hex(required=True),
    time=fields.String(),
    datacontenttype=fields.Constant("application/json"),
    sequence=fields.String(required=True),
    originatorversion=fields.Integer(required=True),
    leafindex=fields.Integer(required=True),
    data=fields.Dict(keys=fields.String()),
    data_base64=fields.String(),
)
"""A fact that is not what the ledger wrote may lack its `time`, and has `data_base64` where it is no JSON."""

CONSISTENCY = declare(
    ObjectSchema,
    "ConsistencyProof",
    **{"from": fields.Integer(required=True)},
    to=fields.Integer(required=True),
    hashes=fields.List(fields.String(), required=True),
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

REVISION_USER = declare(RowSchema, "RevisionUser", uuid=Hex(), username=Text(), id=Integer())
"""Who stated a figure. Whoever has been forgotten has no name."""

OWNED = ("resource", "offering", "project", "customer")

_CHANGE: dict[str, Any] = {
    "uuid": Hex(),
    **{name: OWNERS[name] for of in OWNED for name in (f"{of}_uuid", f"{of}_name")},
    "type": Text(attribute="component_type"),
    "name": Text(attribute="component_name"),
    "measured_unit": Text(),
    "billing_period": Date(),
    "usage_before": Decimal(allow_none=True),
    "usage_after": Decimal(),
    "delta": Decimal(),
    "positions": Integers(),
    "reasons": Texts(),
}
"""How the figure of a component usage changed, by which facts and why."""

CHANGE = declare(RowSchema, "ComponentUsageChange", **_CHANGE, corrections=Texts())

UNEXPLAINED = declare(
    RowSchema,
    "UnexplainedChange",
    **_CHANGE,
    position=Integer(),
    reported_by=Object(REVISION_USER, allow_none=True),
    revision_date=Moment(attribute="recorded_at"),
)


REVISION_CORRECTION = declare(
    RowSchema,
    "RevisionCorrection",
    uuid=Hex(),
    title=Text(),
    state=Text(),
    proposed_by=Object(REVISION_USER, allow_none=True),
    approved_by=Object(REVISION_USER, allow_none=True),
    applied_by=Object(REVISION_USER, allow_none=True),
)
"""The correction that stated a figure: null where there was none, or the caller may not know of it."""


class Row(fields.Field[Any]):
    """A row that PostgreSQL has written already."""

    def __init__(self, row: RowSchema, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row = row

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if isinstance(value, orjson.Fragment) else self.row.dump(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.row.load(value)


_REVISION: Members = {
    "position": fields.Integer(required=True),
    "fact": fields.String(required=True),
    "source": fields.String(required=True),
    "amount": Decimal(required=True, allow_none=True),
    "usage_before": Decimal(required=True, allow_none=True),
    "usage_after": Decimal(required=True),
    "delta": Decimal(required=True),
    "measured_at": Moment(required=True),
    "token_uuid": Hex(required=True, allow_none=True),
    "agent": fields.String(required=True),
    "request_id": fields.String(required=True),
    "correction": fields.Nested(REVISION_CORRECTION, required=True, allow_none=True),
}

COMPONENT_USAGE_VERSION, COMPONENT_USER_USAGE_VERSION = (
    declare(
        ObjectSchema,
        name,
        id=fields.Integer(required=True),
        revision_date=Moment(required=True),
        revision_user=fields.Nested(REVISION_USER, required=True, allow_none=True),
        revision_comment=fields.String(required=True),
        serialized_data=Row(row, required=True),
        **_REVISION,
    )
    for name, row in (
        ("ComponentUsageVersion", COMPONENT_USAGE),
        ("ComponentUserUsageVersion", COMPONENT_USER_USAGE),
    )
)
"""What Waldur's clients call VersionHistory, with more members."""
