"""The answers about months that people vouch for."""

from web.wire.responses.audit import REVISION_USER
from web.wire.responses.columns import Boolean, Date, Hex, Integer, Moment, Object, Text
from web.wire.responses.schemas import RowSchema, declare

BILLING_MONTH = declare(
    RowSchema,
    "BillingMonth",
    offering_uuid=Hex(),
    offering_name=Text(),
    provider_uuid=Hex(),
    provider_name=Text(),
    billing_period=Date(),
    is_closed=Boolean(),
    position=Integer(),
    changed_at=Moment(),
    changed_by=Object(REVISION_USER, allow_none=True),
    note=Text(),
    figures_moved=Integer(allow_none=True),
)
"""`figures_moved` is how many figures differ from those at `position`, null for an open month."""
