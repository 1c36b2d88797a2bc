"""/api/marketplace-component-usage-monthly/: what was consumed and allocated, by component and month."""

from flask import Blueprint, Response

from projections import monthly_summary
from web import schemas
from web.auth import authenticate
from web.queries import page
from web.services import refresh

blueprint = Blueprint("monthly_summaries", __name__, url_prefix="/api/marketplace-component-usage-monthly")
blueprint.before_request(authenticate)
blueprint.before_request(refresh)


@blueprint.get("/")
def index() -> Response:
    return page(monthly_summary.ROWS, schemas.MonthlyQuery(), schemas.MonthlyRow.asked_for())
