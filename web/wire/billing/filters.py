"""Which months, and which corrections, are asked for."""

from typing import get_args

from marshmallow import EXCLUDE, Schema

from ledger.domain.billing.corrections import State
from web.wire.billing.months import Month
from web.wire.parameters import BooleanFilter, ChoicesFilter, MonthFilter, UuidFilter


class MonthsQuery(Schema):
    """Without parameters all months that were ever closed."""

    class Meta:
        unknown = EXCLUDE

    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    billing_period = Month()
    is_closed = BooleanFilter()


class CorrectionsQuery(Schema):
    """Without parameters all corrections that the caller sees."""

    class Meta:
        unknown = EXCLUDE

    state = ChoicesFilter(get_args(State))
    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    billing_period = MonthFilter()
    proposed_by_uuid = UuidFilter()


MONTHS_QUERY, CORRECTIONS_QUERY = MonthsQuery(), CorrectionsQuery()
