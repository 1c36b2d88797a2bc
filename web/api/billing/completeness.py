"""/api/ledger/completeness/: whether all that is expected of a month is there, by offering.

A month is complete where no resource is silent, no figure fell, jumped or differs from its users, and the
last manifest, if one was sent, holds. It is for those who report there, and for auditors. The figures
themselves are in `figures/`.
"""

from flask import Response

from projections.queries.billing.completeness import COMPLETENESS, COMPLETENESS_THEN
from projections.queries.billing.suspects import SUSPECT_FIGURES
from web.api.billing.months import vouching
from web.api.pages import page_of, takes_page
from web.request.pipeline import api
from web.request.services import current
from web.wire.billing import completeness as wire
from web.wire.rendering import PAGED, answers

blueprint = api("ledger_completeness", "/api/ledger/completeness")
blueprint.add_url_rule(
    "/figures/",
    "figures",
    page_of(SUSPECT_FIGURES, wire.SUSPECT_FIGURES_QUERY, wire.SUSPECT_FIGURE, scopes=vouching),
)

now, then = (
    page_of(query, wire.COMPLETENESS_QUERY, wire.COMPLETENESS, scopes=vouching)
    for query in (COMPLETENESS, COMPLETENESS_THEN)
)


@blueprint.get("/")
@takes_page(wire.COMPLETENESS_QUERY, wire.COMPLETENESS)
@answers(wire.COMPLETENESS, is_list=True, headers=PAGED)
def index() -> Response:
    return then() if current().past else now()
