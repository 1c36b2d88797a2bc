"""/api/ledger/exports/focus/: the usages of a month as charges, as FOCUS 1.2 has them."""

from flask import Response, current_app

from projections.queries.exports.focus import CHARGES
from web.api.pages import page_of, takes_page
from web.request.pipeline import api
from web.wire.exports.focus import CHARGE, FOCUS_QUERY
from web.wire.rendering import PAGED, answers

CURRENCY = "LEDGER_CURRENCY"
"""Key in an app's config: the currency of prices, by its code of ISO 4217."""

blueprint = api("focus", "/api/ledger/exports/focus")

page = page_of(CHARGES, FOCUS_QUERY, CHARGE)


@blueprint.get("/")
@takes_page(FOCUS_QUERY, CHARGE)
@answers(CHARGE, is_list=True, headers=PAGED)
def charges() -> Response:
    return page(currency=current_app.config[CURRENCY])
