"""All pages: the blueprint of each module that has some, with what every one of them shares."""

from flask import Blueprint, Response

from web.dashboard.errors import error_page
from web.dashboard.formats import FILTERS
from web.dashboard.frame import check_parameters, linked, pages, this_page
from web.dashboard.pages import (
    compare,
    downloads,
    figures,
    listing,
    overview,
    scopes,
    session,
    start,
)
from web.dashboard.pages.billing import closing, completeness, corrections, months, proposing
from web.dashboard.writing.forms import new_key
from web.wire.errors import Missing
from web.wire.urls import root_path, root_url

files = Blueprint(
    "dashboard",
    __name__,
    url_prefix="/dashboard",
    static_folder="static",
    template_folder="templates",
)
"""Style, script and templates."""

nowhere = pages("nowhere")


@nowhere.get("/<path:rest>")
def missing(rest: str) -> Response:
    """Raise Missing: an address of the dashboard without a page."""
    raise Missing(f"There is no page /dashboard/{rest}.")


CHECKED = (
    start.blueprint,
    session.blueprint,
    overview.blueprint,
    listing.blueprint,
    scopes.blueprint,
    figures.blueprint,
    compare.blueprint,
    months.blueprint,
    closing.blueprint,
    corrections.blueprint,
    proposing.blueprint,
    completeness.blueprint,
)

PAGES = (*CHECKED, downloads.blueprint, nowhere)

for each in CHECKED:
    each.before_request(check_parameters)
for each in PAGES:
    each.register_error_handler(Exception, error_page)
for name, function in FILTERS.items():
    files.add_app_template_filter(function, name)
for function in (linked, this_page, new_key, root_path, root_url):
    files.add_app_template_global(function)

DASHBOARD = (files, *PAGES)
