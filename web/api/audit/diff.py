"""/api/ledger/diff/: which figures differ between two points of the journal, by which facts and why.

The pipeline has the request read as of the later one.
"""

from flask import Response

from projections.queries.audit.changes import CHANGES
from web.api.pages import page_of
from web.request.audit.past import AS_OF, FROM, TO
from web.request.billing.corrections import seen
from web.request.pipeline import DIFF, api
from web.request.services import current
from web.wire.audit.filters import DIFF_QUERY
from web.wire.declared.parameters import takes
from web.wire.rendering import PAGED, answers
from web.wire.responses.audit import CHANGE

blueprint = api("diff", DIFF.removesuffix("/"))

page = page_of(CHANGES, DIFF_QUERY, CHANGE, pinned=[TO], within=seen)


@blueprint.get("/")
@takes(DIFF_QUERY, FROM, TO, AS_OF, "page", "page_size", columns=CHANGE.fields)
@answers(CHANGE, is_list=True, headers=PAGED)
def diff() -> Response:
    begin, end = current().diff_from, current().past
    assert begin, "the pipeline has read it"
    assert end, "and entered the other one"
    return page(**{FROM: begin.end.position, TO: end.end.position})
