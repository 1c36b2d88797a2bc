"""/api/ledger/verifications/: when the read models were compared with the journal, and what came of it."""

from flask import Response

from ledger.errors import NotPermitted
from projections.queries.audit.verifications import VERIFICATIONS
from web.api.pages import page_of, takes_page
from web.request.authentication import caller
from web.request.pipeline import api
from web.wire.filters import ALL_QUERY
from web.wire.rendering import PAGED, answers, raises
from web.wire.responses.audit import VERIFICATION

blueprint = api("verifications", "/api/ledger/verifications")

page = page_of(VERIFICATIONS, ALL_QUERY, VERIFICATION)


@blueprint.get("/")
@takes_page(ALL_QUERY, VERIFICATION)
@answers(VERIFICATION, is_list=True, headers=PAGED)
@raises(NotPermitted)
def verifications() -> Response:
    if not caller().sees_all:
        raise NotPermitted
    return page()
