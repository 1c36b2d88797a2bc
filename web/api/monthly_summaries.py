"""/api/marketplace-component-usage-monthly/: what was consumed and allocated, by component and month."""

from projections.queries import monthly_summary
from web.api.pages import page_of
from web.request.pipeline import api
from web.wire.filters import MONTHLY_QUERY
from web.wire.responses.lists import MONTHLY_SUMMARY

blueprint = api("monthly_summaries", "/api/marketplace-component-usage-monthly")
blueprint.add_url_rule("/", "index", page_of(monthly_summary.SUMMARIES, MONTHLY_QUERY, MONTHLY_SUMMARY))
