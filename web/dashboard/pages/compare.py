"""What differs between two moments: by project and component, and figure by figure."""

from flask import Response, request

from web.dashboard.frame import here, linked, page, page_asked_for, pages, point_of, show
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
from web.dashboard.tables import Column, Pager, Row, Table

blueprint = pages("compare")

FILTERS = (
    *("project_uuid", "customer_uuid", "offering_uuid", "provider_uuid", "resource_uuid"),
    *("type", "billing_period"),
)

ROWS = 50


def correction_of(row: Row) -> str | None:
    """Return the URL of the last correction that moved a figure, None without one."""
    return linked("corrections.correction", uuid=row["corrections"][-1]) if row["corrections"] else None


FIGURES = (
    FIGURE_MONTH,
    RESOURCE,
    COMPONENT,
    BEFORE,
    AFTER,
    CHANGE,
    Column("Why", "reasons", "texts"),
    Column("Correction", "corrected", link=correction_of),
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
    rows = [{**each, "corrected": "the last one" if each["corrections"] else None} for each in figures.data]
    return show(
        "compare.html",
        begin=begin,
        end=end,
        filters=filters,
        totals=Table("By project and component", TOTALS, totals, totals.data, "No figure differs."),
        figures=Table("Figure by figure", FIGURES, figures, rows, "No figure differs."),
        pager=Pager(number, ROWS, figures.total),
        position=figures.position,
    )
