"""Completeness of a month: how it is asked for and answered."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from ledger.domain.months import month_of, next_month, start_of
from web.wire.billing.months import NO_MONTH, NOT_YET, Month
from web.wire.body import Loading
from web.wire.parameters import UuidFilter, not_available
from web.wire.responses import columns
from web.wire.responses.audit import REVISION_USER
from web.wire.responses.figures import COMPONENT, CUSTOMER, OFFERING, PROJECT
from web.wire.responses.schemas import RowSchema, declare

SUSPECT_KINDS = ("fell", "jumped", "differs_from_users")
"""Why somebody should look at a figure."""

JUMP = 10
"""A figure of more than so many times that of the month before jumped, unless another factor is asked for."""

LARGEST_JUMP = 10**9
LONGEST_NUMBER = 20


class JumpFilter(fields.Field[Decimal]):
    """A number above 1."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        try:
            factor = Decimal(value.strip())
        except InvalidOperation:
            factor = Decimal("NaN")
        is_number = factor.is_finite() and "_" not in value and len(value) <= LONGEST_NUMBER
        if not is_number or not 1 < factor <= LARGEST_JUMP:
            raise ValidationError(f"Enter a number above 1, and up to {LARGEST_JUMP}.")
        return factor


class SuspectFilter(fields.Field[str]):
    """Why somebody should look at a figure: one of these words."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in SUSPECT_KINDS:
            raise ValidationError(f"{not_available(value)} There are {', '.join(SUSPECT_KINDS)}.")
        return value


class CompletenessQuery(Schema):
    """A month, which has to be said, and the factor by which a figure may exceed that of the month before."""

    class Meta:
        unknown = EXCLUDE

    billing_period = Month(required=True)
    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    jump = JumpFilter()

    @post_load
    def period(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the month before, and the moment that the month ends with in the ledger's zone."""
        month: date = data["billing_period"]
        if month.year in (date.min.year, date.max.year):
            raise ValidationError({"billing_period": [NO_MONTH]})
        if month > month_of(Loading.get().now, Loading.get().zone):
            raise ValidationError({"billing_period": [NOT_YET]})
        around = {
            "month_before": (month - timedelta(1)).replace(day=1),
            "month_end": start_of(next_month(month), Loading.get().zone),
        }
        return {"jump": Decimal(JUMP), "kind": None} | data | around


class SuspectFiguresQuery(CompletenessQuery):
    """Without a `kind` all figures that somebody should look at."""

    kind = SuspectFilter()


COMPLETENESS_QUERY, SUSPECT_FIGURES_QUERY = CompletenessQuery(), SuspectFiguresQuery()

LAST_MANIFEST = declare(
    RowSchema,
    "LastManifest",
    position=columns.Integer(),
    sent_at=columns.Moment(),
    sent_by=columns.Object(REVISION_USER, allow_none=True),
    still_holds=columns.Boolean(),
)

COMPLETENESS = declare(
    RowSchema,
    "Completeness",
    **OFFERING,
    provider_uuid=columns.Hex(),
    provider_name=columns.Text(),
    billing_period=columns.Date(),
    resources_expected=columns.Integer(attribute="expected"),
    resources_reported=columns.Integer(attribute="reported"),
    resources_silent=columns.Integer(attribute="silent"),
    carried_over=columns.Integer(),
    manifests=columns.Integer(),
    manifests_holding=columns.Integer(),
    last_manifest=columns.Object(LAST_MANIFEST, allow_none=True),
    fell=columns.Integer(),
    jumped=columns.Integer(),
    differs_from_users=columns.Integer(),
    is_closed=columns.Boolean(),
    is_complete=columns.Boolean(),
)
"""`carried_over`, and the three before `is_closed`, are numbers of figures."""

SUSPECT_FIGURE = declare(
    RowSchema,
    "SuspectFigure",
    kind=columns.Word(SUSPECT_KINDS),
    uuid=columns.Hex(),
    billing_period=columns.Date(),
    resource_uuid=columns.Hex(),
    resource_name=columns.Text(),
    **OFFERING,
    **PROJECT,
    **CUSTOMER,
    **COMPONENT,
    usage=columns.Decimal(),
    compared_with=columns.Decimal(),
    delta=columns.Decimal(),
    position=columns.Integer(),
)
"""`compared_with` is the most that the figure ever was, that of the month before, or the sum of its users."""
