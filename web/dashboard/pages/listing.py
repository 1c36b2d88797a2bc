"""The whole of a list, in pages: projects, figures, changes, resources without a report."""

from flask import Response

from web.dashboard.frame import here, page, pages, show
from web.dashboard.lists import LISTS, whole_page
from web.request.audit.past import AS_OF
from web.wire.errors import Missing

blueprint = pages("lists")

FILTERS = sorted({name for listed in LISTS.values() for name in listed.filters})

KEPT = [*sorted({*FILTERS} - {"name"}), AS_OF]
"""Parameters that the form of a page does not show, and sends again."""


@page(blueprint, "/lists/<name>/", *FILTERS, "billing_period", "page", AS_OF)
def listing(name: str) -> Response:
    if name not in LISTS:
        raise Missing(f"There is no list of {name}.")
    table, pager = whole_page(name)
    return show(
        "listing.html", name=name, listed=LISTS[name], table=table, pager=pager, month=here().month, kept=KEPT
    )
