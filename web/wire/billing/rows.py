"""The answers about months that people vouch for, and about corrections that they stand behind."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from web.wire.responses.audit import REVISION_USER
from web.wire.responses.columns import (
    Boolean,
    Date,
    Decimal,
    Hex,
    Integer,
    Moment,
    Object,
    Objects,
    Text,
    Texts,
)
from web.wire.responses.schemas import Members, ObjectSchema, RowSchema, declare

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
    source=Text(),
    note=Text(),
    closed_at=Moment(allow_none=True),
    closed_by=Object(REVISION_USER, allow_none=True),
    closed_source=Text(allow_none=True),
    closed_note=Text(allow_none=True),
    figures_moved=Integer(allow_none=True),
    user_figures_moved=Integer(allow_none=True),
    diff=Text(allow_none=True),
)
"""`closed_…` is of the last closing, also once the month is open again. `figures_moved` is how many figures
of components differ from those at `position`, `user_figures_moved` how many of users, and `diff` the URL of
what became of the former: null for an open month."""

CORRECTION_SUM = declare(
    RowSchema,
    "CorrectionSum",
    component_uuid=Hex(),
    component_type=Text(),
    component_name=Text(allow_none=True),
    measured_unit=Text(allow_none=True),
    is_of_users=Boolean(),
    figures=Integer(),
    before=Decimal(),
    after=Decimal(),
    delta=Decimal(),
)
"""What the figures of a component come to, or those of its users: as proposed, or as applied."""

_CORRECTION: Members = {
    "uuid": Hex(),
    "title": Text(),
    "reason": Text(),
    "ticket": Text(),
    "state": Text(),
    "next": Texts(),
    "provider_uuid": Hex(),
    "provider_name": Text(allow_none=True),
    "offerings": Texts(),
    "billing_periods": Texts(),
    "figures": Integer(),
    "sums": Objects(CORRECTION_SUM),
    "position": Integer(),
    "proposed_at": Moment(),
    "proposed_by": Object(REVISION_USER, allow_none=True),
    "approved_at": Moment(allow_none=True),
    "approved_by": Object(REVISION_USER, allow_none=True),
    "is_by_proposer": Boolean(),
    "rejected_at": Moment(allow_none=True),
    "rejected_by": Object(REVISION_USER, allow_none=True),
    "rejection": Text(allow_none=True),
    "applied_at": Moment(allow_none=True),
    "applied_by": Object(REVISION_USER, allow_none=True),
    "applied_position": Integer(allow_none=True),
    "reverted_at": Moment(allow_none=True),
    "reverted_by": Object(REVISION_USER, allow_none=True),
    "reverts": Hex(allow_none=True),
    "revert": Hex(allow_none=True),
}

CORRECTION = declare(RowSchema, "Correction", **_CORRECTION)
"""`next` are the steps that can follow, `is_by_proposer` says that nobody else approved it. `reverts` is the
correction that it puts back, `revert` the one that puts it back, or is proposed to."""

CORRECTION_ITEM = declare(
    RowSchema,
    "CorrectionItem",
    place=Integer(),
    uuid=Hex(allow_none=True),
    resource_uuid=Hex(),
    resource_name=Text(allow_none=True),
    component_uuid=Hex(),
    component_type=Text(),
    measured_unit=Text(allow_none=True),
    project_uuid=Hex(allow_none=True),
    project_name=Text(allow_none=True),
    customer_uuid=Hex(allow_none=True),
    customer_name=Text(allow_none=True),
    has_changed_hands=Boolean(),
    billing_period=Date(),
    is_of_user=Boolean(),
    username=Text(allow_none=True),
    date=Moment(allow_none=True),
    amount=Decimal(),
    usage_before=Decimal(allow_none=True),
    usage_now=Decimal(allow_none=True),
    usage_after=Decimal(allow_none=True),
    delta=Decimal(allow_none=True),
    has_moved=Boolean(),
    is_stated_since=Boolean(allow_none=True),
    usage_approved=Decimal(allow_none=True),
    has_moved_since_approval=Boolean(allow_none=True),
    position=Integer(allow_none=True),
    reason=Text(allow_none=True),
    errors=fields.Raw(allow_none=True),
)
"""A figure: `usage_before` is what it was when it was proposed, or applied, and `usage_after` what it would
become now, or became. `has_moved` says that another amount stands now than was seen, or applied, and
`is_stated_since` that somebody has stated the figure since it was applied, be it the same amount. Project and
customer are those that its resource has, and `has_changed_hands` says that it had others when this was
proposed. `usage_approved` is what it was for whoever approved it, and `has_moved_since_approval` says that
another one stands now, or stood when it was applied, or that another plan's figure moved, which changes what
this one becomes. The `username` of a user (`is_of_user`) who was forgotten is null. `errors` say why it could
not be applied now."""

CORRECTION_WITH_ITEMS = declare(
    ObjectSchema,
    "CorrectionWithItems",
    **_CORRECTION,
    approved_as_of=Integer(allow_none=True),
    left_out=Integer(allow_none=True),
    items=fields.List(fields.Nested(CORRECTION_ITEM)),
)
"""`approved_as_of` is the position at which whoever approved it had seen its figures: where they named none,
that of their approval. `left_out` is of what puts another correction back: how many figures that one changed
stay as they are, as somebody has stated them since, or whose they are was forgotten. While it is open `sums`
are of what stands."""


def done_by(user: Mapping[str, Any] | None, source: str) -> str | None:
    """Return who did something, for people: a username, or that it was the command line.

    None where nobody was named, and elsewhere.
    """
    if user:
        return user["username"] or "somebody"
    return "command line" if source == "command-line" else None
