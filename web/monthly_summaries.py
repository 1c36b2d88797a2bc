"""/api/marketplace-component-usage-monthly/: what was consumed and allocated, by component and month."""

from flask import Response

from projections import monthly_summary
from web import schemas
from web.arrival import api
from web.pages import page

blueprint = api("monthly_summaries", "/api/marketplace-component-usage-monthly")


@blueprint.get("/")
def index() -> Response:
    return page(monthly_summary.SUMMARIES, schemas.MONTHLY_QUERY, schemas.MONTHLY_ROW)
