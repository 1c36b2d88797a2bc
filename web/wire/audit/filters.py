"""Which changed figures auditors ask for: the filters of the list of component usages."""

from typing import Any

from marshmallow import post_load

from web.wire.body import Loading
from web.wire.filters import ComponentUsageQuery
from web.wire.parameters import Ordering, UuidFilter


class UnexplainedQuery(ComponentUsageQuery):
    """The list has one order, newest first."""

    provider_uuid = UuidFilter()

    @post_load
    def zone(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"zone": str(Loading.get().zone)}


class DiffQuery(ComponentUsageQuery):
    provider_uuid = UuidFilter()
    o = Ordering({name: name for name in ("delta", "billing_period", "usage_after")})


DIFF_QUERY = DiffQuery()
UNEXPLAINED_QUERY = UnexplainedQuery(exclude=("o",))
