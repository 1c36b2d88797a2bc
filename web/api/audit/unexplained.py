"""/api/ledger/unexplained/: figures of past months that were lowered, and nobody said why."""

from projections.queries.audit.unexplained import UNEXPLAINED as LOWERED
from web.api.pages import page_of
from web.request.pipeline import api
from web.wire.audit.filters import UNEXPLAINED_QUERY
from web.wire.responses.audit import UNEXPLAINED

blueprint = api("unexplained", "/api/ledger/unexplained")
blueprint.add_url_rule("/", "index", page_of(LOWERED, UNEXPLAINED_QUERY, UNEXPLAINED))
