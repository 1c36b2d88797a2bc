"""/api/marketplace-component-usage-monthly/: what was consumed and allocated, by component and month."""

from flask import Response

from projections.queries import monthly_summary
from web.api.pages import page
from web.request.pipeline import api
from web.wire import filters, responses

blueprint = api("monthly_summaries", "/api/marketplace-component-usage-monthly")


@blueprint.get("/")
def index() -> Response:
    return page(monthly_summary.SUMMARIES, filters.MONTHLY_QUERY, responses.MONTHLY_ROW)
