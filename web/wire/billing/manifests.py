"""Manifests: how they are sent, asked for and answered."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from ledger.domain.billing.manifests import ControlTotals, Manifest
from web.wire.billing.months import Month
from web.wire.body import MOST_TOLD, Body, not_a_dictionary
from web.wire.fields import REQUIRED, Amount, Reference, Text, position_of
from web.wire.parameters import BooleanFilter, UuidFilter
from web.wire.responses import columns
from web.wire.responses.audit import REVISION_USER
from web.wire.responses.schemas import RowSchema, declare


class Count(fields.Field[int]):
    """How many of something there are."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if (number := position_of(value)) is None:
            raise ValidationError("Must be a whole number from 0 on.")
        return number


class Totals(fields.Field[Mapping[str, Decimal]]):
    """An object with an amount for each type of component."""

    default_error_messages = REQUIRED
    _amount = Amount()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Mapping[str, Decimal]:
        if not isinstance(value, dict):
            raise ValidationError(not_a_dictionary(value))
        totals, wrong = dict[str, Decimal](), dict[str, Any]()
        for name, amount in value.items():
            try:
                totals[name] = cast(Decimal, self._amount.deserialize(amount))
            except ValidationError as error:
                if len(wrong) < MOST_TOLD:
                    wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return totals


class SendManifest(Body):
    """What was sent for a month of an offering: so many figures, of so many resources, with these sums.

    A figure is that of a component of a resource in the month. `reports` counts each once, however often it
    was sent, and `totals` is by the type of the component.
    """

    offering = Reference("offerings", required=True)
    month = Month(required=True)
    reports = Count(required=True)
    resources = Count(required=True)
    totals = Totals(required=True)
    note = Text(allow_blank=True, max_length=2000)

    def build(self, values: dict[str, Any]) -> Manifest:
        return Manifest(
            **values["offering"],
            month=values["month"],
            stated=ControlTotals(
                reports=values["reports"], resources=values["resources"], totals=values["totals"]
            ),
            note=values.get("note", ""),
        )


class ManifestsQuery(Schema):
    """Without parameters all manifests that were ever sent. `matches`: did it, when it was sent?"""

    class Meta:
        unknown = EXCLUDE

    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    billing_period = Month()
    matches = BooleanFilter()


SEND_MANIFEST, MANIFESTS_QUERY = SendManifest(), ManifestsQuery()

DIFFERENCE = declare(
    RowSchema,
    "ManifestDifference",
    name=columns.Text(),
    stated=columns.Text(allow_none=True),
    standing=columns.Text(),
)
"""What differs, `reports`, `resources` or `totals.` with a type; null where a type was left out."""

MANIFEST = declare(
    RowSchema,
    "Manifest",
    position=columns.Integer(),
    offering_uuid=columns.Hex(),
    offering_name=columns.Text(),
    provider_uuid=columns.Hex(),
    provider_name=columns.Text(),
    billing_period=columns.Date(),
    reports=columns.Integer(),
    resources=columns.Integer(),
    totals=columns.Json(),
    note=columns.Text(),
    sent_at=columns.Moment(),
    sent_by=columns.Object(REVISION_USER, allow_none=True),
    source=columns.Text(),
    compared_at=columns.Integer(),
    matches=columns.Boolean(),
    still_holds=columns.Boolean(),
    differences=columns.Objects(DIFFERENCE),
    reports_standing=columns.Integer(),
    resources_standing=columns.Integer(),
    totals_standing=columns.Json(),
    carried_over=columns.Integer(),
)
"""`matches` is of the time when it was sent, and what follows it of now."""
