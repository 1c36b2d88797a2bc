"""Which months are asked for."""

from marshmallow import EXCLUDE, Schema

from web.wire.parameters import BooleanFilter, MonthFilter, UuidFilter


class MonthsQuery(Schema):
    """Without parameters all months that were ever closed."""

    class Meta:
        unknown = EXCLUDE

    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    billing_period = MonthFilter()
    is_closed = BooleanFilter()


MONTHS_QUERY = MonthsQuery()
