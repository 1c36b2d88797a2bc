"""What differs between two moments: by project and component, and figure by figure."""

from flask import Response, request

from web.dashboard.frame import here, page, page_asked_for, pages, point_of, show
from web.dashboard.lists import (
    AFTER,
    BEFORE,
    CHANGE,
    COMPONENT,
    CUSTOMER,
    FIGURE_MONTH,
    OFFERING,
    PROJECT,
    RESOURCE,
)
from web.dashboard.tables import Column, Pager, Table

blueprint = pages("compare")

FILTERS = (
    *("project_uuid", "customer_uuid", "offering_uuid", "provider_uuid", "resource_uuid"),
    *("type", "billing_period"),
)

ROWS = 50

FIGURES = (
    FIGURE_MONTH,
    RESOURCE,
    COMPONENT,
    BEFORE,
    AFTER,
    CHANGE,
    Column("Why", "reasons", "texts"),
    PROJECT,
    CUSTOMER,
    OFFERING,
)

TOTALS = (
    PROJECT,
    COMPONENT,
    BEFORE,
    AFTER,
    CHANGE,
    Column("Figures", "figures", "count"),
    CUSTOMER,
    OFFERING,
)


@page(blueprint, "/compare/", "from", "to", "page", *FILTERS)
def compare() -> Response:
    begin, end = request.args.get("from", ""), request.args.get("to", "")
    filters = {name: request.args.get(name) for name in FILTERS}
    if not begin:
        return show("compare.html", begin=begin, end=end, filters=filters, totals=None, figures=None)
    number = page_asked_for()
    asked = filters | {"from": point_of("from", begin), "to": point_of("to", end)}
    totals = here().asker.ask("ledger/diff-totals/", **asked, page_size=ROWS)
    figures = here().asker.ask("ledger/diff/", **asked, page_size=ROWS, page=number)
    return show(
        "compare.html",
        begin=begin,
        end=end,
        filters=filters,
        totals=Table("By project and component", TOTALS, totals, totals.data, "No figure differs."),
        figures=Table("Figure by figure", FIGURES, figures, figures.data, "No figure differs."),
        pager=Pager(number, ROWS, figures.total),
        position=figures.position,
    )
