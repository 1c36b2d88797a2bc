"""/api/ledger/monthly-usages/ and the other lists of figures, for everybody as far as they see them.

Sums are of what the caller sees: so are the ranks of groups, and the shares of movers.
"""

from collections.abc import Callable

from flask import Response

from projections.queries.figures.diff_totals import DIFF_TOTALS
from projections.queries.figures.freshness import FRESHNESS, FRESHNESS_THEN
from projections.queries.figures.monthly_usages import BY_MONTH, IN_ALL, Sources
from projections.queries.figures.movers import MOVERS
from projections.queries.figures.silence import SILENT_RESOURCES, SILENT_RESOURCES_THEN
from web.api.pages import page_of, takes_page
from web.request.audit.past import AS_OF, FROM, TO
from web.request.authentication import visible
from web.request.pipeline import DIFF_TOTALS as DIFF_TOTALS_PATH
from web.request.pipeline import api
from web.request.services import current
from web.wire.declared.parameters import takes
from web.wire.fields import FALSE, uuid_of
from web.wire.figures import filters
from web.wire.parameters import last_of
from web.wire.rendering import PAGED, answers
from web.wire.responses import figures

blueprint = api("ledger_figures", "/api/ledger")
blueprint.add_url_rule("/movers/", "movers", page_of(MOVERS, filters.MOVERS_QUERY, figures.MOVER))

silent_now, silent_then = (
    page_of(query, filters.SILENT_RESOURCES_QUERY, figures.SILENT_RESOURCE)
    for query in (SILENT_RESOURCES, SILENT_RESOURCES_THEN)
)
fresh_now, fresh_then = (
    page_of(query, filters.FRESHNESS_QUERY, figures.FRESHNESS) for query in (FRESHNESS, FRESHNESS_THEN)
)


@blueprint.get("/silent-resources/")
@takes_page(filters.SILENT_RESOURCES_QUERY, figures.SILENT_RESOURCE)
@answers(figures.SILENT_RESOURCE, is_list=True, headers=PAGED)
def silent_resources() -> Response:
    return silent_then() if current().past else silent_now()


@blueprint.get("/freshness/")
@takes_page(filters.FRESHNESS_QUERY, figures.FRESHNESS)
@answers(figures.FRESHNESS, is_list=True, headers=PAGED)
def freshness() -> Response:
    return fresh_then() if current().past else fresh_now()


def _views_of(sources: Sources) -> list[dict[str, Callable[[], Response]]]:
    query, row = filters.MONTHLY_USAGES_QUERY, figures.MONTHLY_USAGE
    return [{name: page_of(each, query, row) for name, each in lists.items()} for lists in sources]


views_by_month, views_in_all = _views_of(BY_MONTH), _views_of(IN_ALL)
OWNERS = ("project_uuid", "customer_uuid", "resource_uuid")
"""Filters that sums by component and month do not know."""

page_of_totals = page_of(DIFF_TOTALS, filters.DIFF_TOTALS_QUERY, figures.DIFF_TOTAL, pinned=[TO])


@blueprint.get("/monthly-usages/")
@takes_page(filters.MONTHLY_USAGES_QUERY, figures.MONTHLY_USAGE)
@answers(figures.MONTHLY_USAGE, is_list=True, headers=PAGED)
def monthly_usages() -> Response:
    """Answer from counters where those tell. A name that groups nothing is refused by the page's query.

    Counters of the past are added up from all usages there are: there those that are seen are sooner read.
    """
    name = last_of("group_by") or "component"
    is_in_all = last_of("by_month").strip().lower() in FALSE
    consumed, counted, seen, views = views_in_all if is_in_all else views_by_month
    if name in counted and not last_of("resource_uuid"):
        if _is_all_theirs():
            views = counted
        elif current().past is None:
            views = seen
    if name in consumed and visible() is None and not any(map(last_of, OWNERS)):
        views = consumed
    return views.get(name, views["component"])()


def _is_all_theirs() -> bool:
    """Return whether all that is asked for is the caller's to see, whatever the offering.

    What a resource used before it went to another offering is seen by whoever provides that, and no more by
    whoever provided the old one.
    """
    scopes = visible()
    return (
        scopes is None
        or not (scopes["providers"] or scopes["offerings"])
        or uuid_of(last_of("customer_uuid")) in scopes["customers"]
        or uuid_of(last_of("project_uuid")) in scopes["projects"]
    )


@blueprint.get(DIFF_TOTALS_PATH.removeprefix("/api/ledger"))
@takes(filters.DIFF_TOTALS_QUERY, FROM, TO, AS_OF, "page", "page_size", columns=figures.DIFF_TOTAL.fields)
@answers(figures.DIFF_TOTAL, is_list=True, headers=PAGED)
def diff_totals() -> Response:
    begin, end = current().diff_from, current().past
    assert begin, "the pipeline has read it"
    assert end, "and entered the other one"
    return page_of_totals(**{FROM: begin.end.position, TO: end.end.position})
