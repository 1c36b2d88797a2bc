"""/api/marketplace-provider-offerings/{uuid}/component_stats/: an offering's usage, for its provider."""

from uuid import UUID

from flask import Response

from ledger.errors import NotFound, NotPermitted
from projections.queries.statistics.offering_usages import OFFERING_USAGES, provider_of
from web.api.pages import page_of, takes_page
from web.request.audit.past import reading
from web.request.authentication import caller
from web.request.pipeline import api
from web.wire.fields import uuid_of
from web.wire.filters import MONTH_RANGE_QUERY
from web.wire.rendering import PAGED, answers, raises
from web.wire.responses.statistics import OFFERING_COMPONENT_STAT

blueprint = api("offering_statistics", "/api/marketplace-provider-offerings")

page = page_of(OFFERING_USAGES, MONTH_RANGE_QUERY, OFFERING_COMPONENT_STAT)


@blueprint.get("/<object_id:uuid>/component_stats/")
@takes_page(MONTH_RANGE_QUERY, OFFERING_COMPONENT_STAT)
@answers(OFFERING_COMPONENT_STAT, is_list=True, headers=PAGED)
@raises(NotPermitted)
def component_stats(uuid: str) -> Response:
    return page(offering_uuid=_offering(uuid))


def _offering(uuid: str) -> UUID:
    """Return the offering that a path names. Raises NotFound, NotPermitted."""
    if wanted := uuid_of(uuid):
        with reading() as cursor:
            provider = provider_of(cursor, wanted)
        if provider and caller().may_see_statistics(provider):
            return wanted
        if provider and caller().is_provider_of(wanted, provider):
            raise NotPermitted
    raise NotFound("Offering")
